/** Who does the journal's work: a thread of its own, or, where a quick start counts more, the one that asks. */
import { MessageChannel, type MessagePort } from 'node:worker_threads'

/** The side of it that the main thread sees: as much of a `Worker` as is used. */
export interface Thread {
  postMessage(message: unknown): void
  on<T>(event: ThreadEvent, listener: (value: T) => void): unknown
  once<T>(event: ThreadEvent, listener: (value: T) => void): unknown
  off<T>(event: ThreadEvent, listener: (value: T) => void): unknown
}
type ThreadEvent = 'message' | 'error' | 'exit'

/** Runs what a thread would run in this one. It ends when `main` closes its port. */
export function inThisThread(main: (port: MessagePort) => void): Thread {
  const { port1, port2 } = new MessageChannel()
  const named = (event: ThreadEvent) => (event === 'exit' ? 'close' : event)
  main(port1)
  return {
    postMessage: (message) => port2.postMessage(message),
    on: (event, listener) => port2.on(named(event), listener),
    once: (event, listener) => port2.once(named(event), listener),
    off: (event, listener) => port2.off(named(event), listener),
  }
}
