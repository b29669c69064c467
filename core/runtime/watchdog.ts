/**
 * Knows whose code is running, and ends the process when it blocks the thread: one plugin in an endless loop would
 * otherwise stop every chat for ever. The journal goes on after the restart, and gives up an event that did it three
 * times.
 */
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import { url as inspected } from 'node:inspector'
import { Worker } from 'node:worker_threads'
import type { Instance } from './instance.ts'

/** Whose code is running, and for which entry. */
export interface Running {
  readonly instance: string
  readonly plugin: string
  entry: string
}

const running = new AsyncLocalStorage<Running>()

/** Where the watching thread finds `running` from inside the thread that it has stopped. */
export const RUNNING = 'switchboard.running'
Object.defineProperty(globalThis, Symbol.for(RUNNING), { value: running, configurable: true })

/** What is called in one of these, and whatever that starts, is known as an instance's own. */
class Scope extends AsyncResource {
  readonly running: Running
  /** A call in it has not come back, or is waited for. */
  isTaken = false
  constructor(running: Running) {
    super('switchboard plugin')
    this.running = running
  }
}

/** Made while nothing runs, so that no scope holds on to what was going on when it was made. */
const outside = new AsyncResource('switchboard')
/** The last one of each instance: to make one takes longer than most hooks. */
const scopes = new WeakMap<Instance, Scope>()

function freeScope(instance: Instance): Scope {
  const last = scopes.get(instance)
  if (last && !last.isTaken) return last
  const store: Running = { instance: instance.name, plugin: instance.plugin.name, entry: '' }
  const scope = outside.runInAsyncScope(() => running.run(store, () => new Scope(store)))
  scopes.set(instance, scope)
  return scope
}

/**
 * Calls a plugin for an entry; whatever it starts, awaited or not, is known as its own. What it leaves behind after it
 * has answered at once is taken for the entry for which it is called next.
 */
export function during<A extends unknown[], T>(
  instance: Instance,
  entry: string,
  call: (...given: A) => T,
  ...given: A
): T {
  const scope = freeScope(instance)
  scope.running.entry = entry
  scope.isTaken = true
  const returned = scope.runInAsyncScope(call, undefined, ...given)
  scope.isTaken = isThenable(returned)
  return returned
}

/** A promise of any make: a query builder is one too. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

/** How long the thread may be blocked. No honest work takes a hundredth of it. */
const LIMIT_MS = 10_000
const BEATS = 10

export interface Watched {
  /** What the watching thread counts: it is raised in each beat. */
  readonly beat: SharedArrayBuffer
  readonly everyMs: number
  readonly beats: number
  /** The storage folder, to note which entry it was. */
  readonly folder: string
}

/** Starts watching this thread; the returned function ends it. Does nothing under a debugger, which blocks it too. */
export function watch(folder: string, limitMs: number = LIMIT_MS): () => Promise<void> {
  if (inspected()) return async () => undefined
  const beat = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
  const count = new Int32Array(beat)
  const everyMs = limitMs / BEATS
  const workerData: Watched = { beat, everyMs, beats: BEATS, folder }
  const worker = new Worker(new URL('./watchdog-thread.ts', import.meta.url), { workerData })
  worker.unref()
  const timer = setInterval(() => Atomics.add(count, 0, 1), everyMs)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await worker.terminate()
  }
}
