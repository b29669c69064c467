/** What was opened and not closed again: timers, sockets, listeners, watchers, each with the place that opened it. */
import { createHook } from 'node:async_hooks'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** Node's names for what must be closed. Everything else goes away by itself. */
const KINDS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    Timeout: 'a timer',
    TCPWRAP: 'a socket',
    TCPSERVERWRAP: 'a listening socket',
    TLSWRAP: 'a TLS socket',
    UDPWRAP: 'a UDP socket',
    PIPEWRAP: 'a pipe',
    PIPESERVERWRAP: 'a listening pipe',
    PROCESSWRAP: 'a child process',
    FSEVENTWRAP: 'a file watcher',
    STATWATCHER: 'a file watcher',
    WORKER: 'a worker thread',
  }),
)

/** Timers of Node and undici that serve the whole process: they end by themselves, and nobody could end them sooner. */
const PROCESS_WIDE = /node:internal\/(http|deps\/undici|util\/fast)|node_modules\/undici\/lib\/util\/timers/

/** How long something may take to close, in real time, before it counts as left behind. */
const PATIENCE_MS = 1_000

export interface LeftBehind {
  /** Ends the watch. What is still open then, as `a timer, made at plugins/…/index.ts:12:5`, after a while to close. */
  end(): Promise<readonly string[]>
}

/** Notes from now on what is opened in this process. */
export function watchOpened(): LeftBehind {
  const open = new Map<number, string>()
  const hook = createHook({
    init(id, type) {
      const kind = KINDS.get(type)
      if (kind === undefined) return
      const stack = stackHere()
      if (!PROCESS_WIDE.test(stack)) open.set(id, `${kind}${placeIn(stack)}`)
    },
    destroy(id) {
      open.delete(id)
    },
  }).enable()
  return {
    async end() {
      const untilMs = performance.now() + PATIENCE_MS
      while (open.size > 0 && performance.now() < untilMs) await setImmediate()
      hook.disable()
      return [...open.values()]
    },
  }
}

function stackHere(): string {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 50
  const { stack = '' } = new Error()
  Error.stackTraceLimit = limit
  return stack
}

const CORE = fileURLToPath(new URL('../', import.meta.url))

/** The first frame that is neither Node's, nor a package's, nor the core's. */
function placeIn(stack: string): string {
  const frames = stack.split('\n').slice(1)
  const own = frames.find((frame) => !/node:|node_modules|<anonymous>/.test(frame) && !frame.includes(CORE))
  const place = own && /(?:\(|at )((?:file:|\/)[^)]*)\)?$/.exec(own.trim())?.[1]
  return place ? `, made at ${place.replace(/^file:\/\//, '')}` : ''
}
