/**
 * Knows whose code is running, and ends the process when it blocks the thread: one plugin in an endless loop would
 * otherwise stop every chat for ever. The journal goes on after the restart, and gives up an event that did it three
 * times.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { url as inspected } from 'node:inspector'
import { Worker } from 'node:worker_threads'
import type { Instance } from './instance.ts'

/** Whose code is running, and for which entry. */
export interface Running {
  readonly instance: string
  readonly plugin: string
  readonly entry: string
}

const running = new AsyncLocalStorage<Running>()

/** Where the watching thread finds `running` from inside the thread that it has stopped. */
export const RUNNING = 'switchboard.running'
Object.defineProperty(globalThis, Symbol.for(RUNNING), { value: running, configurable: true })

/** Calls a plugin for an entry; whatever it starts, awaited or not, is known as its own. */
export function during<T>(instance: Instance, entry: string, call: () => T): T {
  return running.run({ instance: instance.name, plugin: instance.plugin.name, entry }, call)
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
