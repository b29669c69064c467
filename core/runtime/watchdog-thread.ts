/** The thread that watches the main one. When that one is blocked, it is stopped where it stands, named, and ended. */
import { writeSync } from 'node:fs'
import { type Debugger, Session } from 'node:inspector'
import { workerData } from 'node:worker_threads'
import { noteBlocked } from '../journal/sqlite/blocked.ts'
import { RUNNING, type Running, type Watched } from './watchdog.ts'

// Nothing is loaded here that is not needed at every start, zod least of all: what comes in is all our own.
const watched: Watched = workerData
/** How long the main thread may take to stop where it stands; native code that does not is ended without a name. */
const STOP_MS = 3_000

const count = new Int32Array(watched.beat)
let last = -1
let same = 0
const timer = setInterval(() => {
  const now = Atomics.load(count, 0)
  same = now === last ? same + 1 : 0
  last = now
  if (same < watched.beats) return
  clearInterval(timer)
  stopMainThread()
}, watched.everyMs)

function stopMainThread(): void {
  const session = new Session()
  session.connectToMainThread()
  const files = new Map<string, string>()
  session.on('Debugger.scriptParsed', ({ params: { scriptId, url } }) => files.set(scriptId, url))
  session.on('Debugger.paused', ({ params: { callFrames } }) => {
    const places = callFrames.map(({ location }) => `${files.get(location.scriptId)}:${location.lineNumber + 1}`)
    const place = places.find((at) => at.startsWith('file:')) ?? places[0] ?? 'an unknown place'
    const expression = `JSON.stringify(globalThis[Symbol.for(${JSON.stringify(RUNNING)})].getStore())`
    const at = { callFrameId: callFrames[0]?.callFrameId ?? '', expression, returnByValue: true }
    session.post('Debugger.evaluateOnCallFrame', at, (_error, answer?: Debugger.EvaluateOnCallFrameReturnType) =>
      end(place, answer?.result.value),
    )
  })
  session.post('Debugger.enable')
  session.post('Debugger.pause')
  setTimeout(() => end('native code', undefined), STOP_MS)
}

/** `stored`: what was running, as JSON; nothing when no plugin was, or when it could not be asked. */
function end(place: string, stored: string | undefined): void {
  const seconds = Math.round((watched.everyMs * watched.beats) / 1_000)
  try {
    const running: Running = JSON.parse(stored ?? 'null')
    say({
      ...running,
      place,
      msg: `${running.instance} (${running.plugin}) has blocked the thread for ${seconds} s at ${place}. The process ends itself; start it again.`,
    })
    noteBlocked(watched.folder, running.entry)
  } catch {
    // No plugin was running, or it could not be asked: the process is ended all the same.
    say({
      place,
      msg: `The thread has been blocked for ${seconds} s at ${place}. The process ends itself; start it again.`,
    })
  }
  process.kill(process.pid, 'SIGKILL')
}

/** Written past the log, whose stream belongs to the thread that is blocked. */
function say(line: object): void {
  writeSync(
    2,
    `${JSON.stringify({ level: 'error', time: new Date().toISOString(), code: 'PLUGIN_BLOCKS', ...line })}\n`,
  )
}
