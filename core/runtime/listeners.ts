/** Runs the `listen` of polled channels: one at a time for each name, again after it failed, until its channel stops. */
import { DeliveryError, messageOf } from '../errors.ts'
import type { Clock } from '../services/clock.ts'
import type { Instance } from './instance.ts'
import { during } from './watchdog.ts'

/** Waits after a failure; the last one for every further one. */
const AGAIN_MS = [1_000, 5_000, 15_000, 60_000]
/** Who has listened for so long has worked: the waits begin anew. */
const WORKED_MS = 60_000

/** A channel whose `listen` has failed, and has not worked since. */
export interface Failing {
  readonly sinceMs: number
  /** What was thrown last, without secrets. */
  readonly because: string
}

interface Running {
  readonly stop: AbortController
  readonly done: Promise<void>
}

export class Listeners {
  readonly #clock: Clock
  readonly #running = new Map<Instance, Running>()
  readonly #failing = new Map<Instance, Failing & { readonly againAtMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Those that fail, by name. */
  get failing(): ReadonlyMap<string, Failing> {
    const nowMs = this.#clock.now()
    const failing = [...this.#failing].filter(([, { againAtMs }]) => nowMs - againAtMs <= WORKED_MS)
    return new Map(failing.map(([{ name }, { sinceMs, because }]) => [name, { sinceMs, because }]))
  }

  /** Starts listening on every channel that polls and does not listen yet. */
  begin(instances: readonly Instance[]): void {
    for (const instance of instances) {
      const listen = instance.channel?.listen
      if (!listen || this.#running.has(instance)) continue
      const stop = new AbortController()
      this.#running.set(instance, { stop, done: this.#run(instance, listen, stop.signal) })
    }
  }

  /** Ends listening and waits until each has returned, but not longer than `withinMs`. */
  async end(instances: readonly Instance[], withinMs: number): Promise<void> {
    const ending = instances.flatMap((instance) => this.#running.get(instance) ?? [])
    for (const { stop } of ending) stop.abort()
    for (const instance of instances) {
      this.#running.delete(instance)
      this.#failing.delete(instance)
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    const cancel = this.#clock.after(withinMs, resolve)
    await Promise.race([Promise.all(ending.map(({ done }) => done)), promise])
    cancel()
  }

  async #run(instance: Instance, listen: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    let failures = 0
    while (!signal.aborted) {
      const startedMs = this.#clock.now()
      let failed: unknown
      try {
        await during(instance, 'listen', () => listen(signal))
      } catch (error) {
        if (signal.aborted) return
        const because = messageOf(error)
        instance.log.warn({ error }, `${instance.name} (${instance.plugin.name}), listen: ${because}`)
        failed = error
      }
      if (this.#clock.now() - startedMs > WORKED_MS) failures = 0
      const asked = failed instanceof DeliveryError ? failed.retryAfterMs : undefined
      const waitMs = asked ?? AGAIN_MS[Math.min(failures, AGAIN_MS.length - 1)] ?? 0
      this.#note(instance, failed, failures === 0, waitMs)
      await this.#pause(waitMs, signal)
      failures += 1
    }
  }

  #note(instance: Instance, failed: unknown, isFirst: boolean, waitMs: number): void {
    const nowMs = this.#clock.now()
    if (failed === undefined) return void this.#failing.delete(instance)
    const before = isFirst ? undefined : this.#failing.get(instance)
    const because = instance.log.redact(messageOf(failed))
    this.#failing.set(instance, { sinceMs: before?.sinceMs ?? nowMs, because, againAtMs: nowMs + waitMs })
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    if (signal.aborted) return Promise.resolve()
    const end = () => {
      cancel()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const cancel = this.#clock.after(ms, end)
    signal.addEventListener('abort', end, { once: true })
    return promise
  }
}
