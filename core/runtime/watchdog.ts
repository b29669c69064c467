/**
 * Knows whose code is running, so that a plugin that blocks the thread can be named.
 * `watch` (started by the runtime) looks on from another thread.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Instance } from './instance.ts'

interface Running {
  readonly instance: string
  readonly plugin: string
  /** The entry that is being handled. */
  readonly entry: string
}

const running = new AsyncLocalStorage<Running>()

/** Calls a plugin for an entry; whatever it starts, awaited or not, is known as its own. */
export function during<T>(instance: Instance, entry: string, call: () => T): T {
  return running.run({ instance: instance.name, plugin: instance.plugin.name, entry }, call)
}
