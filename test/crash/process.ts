/** The real process: started, watched and killed. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { POINT, type Point, pointText } from './point.ts'
import { soon, until } from './until.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const COMMAND = resolve(ROOT, 'core/switchboard.js')
const POINTS = resolve(import.meta.dirname, 'points.ts')
/** Where what is compiled at one start is found at the next. Named here, so that it holds for `POINTS` too. */
export const COMPILED = resolve(ROOT, 'node_modules/.cache/switchboard')
/** So much of a process's log is shown when something is wrong. */
const LOG_LINES = 30

const Line = z.looseObject({ url: z.string() })

export interface Running {
  /** Where it listens. Throws, with its log, when it ended before it was ready. */
  ready(): Promise<string>
  /** As `kill -9`. Resolves when it is gone. */
  kill(): Promise<void>
  /** As Ctrl-C: it finishes what is under way. Resolves when it is gone. */
  stop(): Promise<void>
  /** As `kill`, and waits for nothing. */
  shoot(): void
  /** Resolves when it is gone, however long that takes. */
  readonly closed: Promise<unknown>
  /** Resolves when it is gone, with the signal or status that ended it. Throws when that takes too long. */
  ended(): Promise<NodeJS.Signals | number>
  readonly isAlive: boolean
  /** It has said so in its log, and may have ended since. */
  readonly isReady: boolean
  /** The last lines of its log. */
  log(): string
}

const alive = new Set<ChildProcess>()
const folders = new Set<string>()
// Nothing is left, not even when the tests themselves break off.
process.on('exit', () => endAll())

/** Ends every process that was started here and still runs, and removes every folder that is still there. */
export function endAll(): void {
  for (const child of alive) child.kill('SIGKILL')
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
}

/** A folder that is removed by `endAll` at the latest. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'switchboard-crash-'))
  folders.add(folder)
  return folder
}

/** Whether the operating system's calls can be looked at here. */
export const canTrace = spawnSync('strace', ['-D', '-f', '--seccomp-bpf', '-o', '/dev/null', 'true']).status === 0

/** Runs `switchboard start` on a file. `trace`: the file into which its reads, writes and flushes are written. */
export function startProcess(
  yaml: string,
  env: { readonly [name: string]: string },
  { point, trace }: { readonly point?: Point | undefined; readonly trace?: string | undefined },
): Running {
  // `-D`: the process is our own child all the same, and is killed as such.
  const through = trace
    ? ['strace', '-D', '-f', '--seccomp-bpf', '-y', '-s', '40', '-e', 'read,write,writev,fsync,fdatasync', '-o', trace]
    : []
  const [command = '', ...args] = [...through, process.execPath, '--import', POINTS, COMMAND, 'start', yaml]
  const child = spawn(command, args, {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH ?? '',
      NODE_COMPILE_CACHE: COMPILED,
      ...env,
      ...(point && { [POINT]: pointText(point) }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  alive.add(child)
  const lines: string[] = []
  let url: string | undefined
  let end: NodeJS.Signals | number | undefined
  // After the last line of its log.
  const closed = once(child, 'close').then(() => {
    alive.delete(child)
    end = child.signalCode ?? child.exitCode ?? -1
    return end
  })
  const note = (line: string) => {
    lines.push(line)
    if (lines.length > LOG_LINES) lines.shift()
    if (line.includes('"msg":"ready')) url = Line.parse(JSON.parse(line)).url
  }
  createInterface(child.stdout).on('line', note)
  createInterface(child.stderr).on('line', note)
  const log = () => lines.join('\n')
  return {
    async ready() {
      return until('the process was ready', () => {
        if (url !== undefined) return url
        if (end !== undefined) throw new Error(`The process ended before it was ready (${end}).\n${log()}`)
        return undefined
      })
    },
    async kill() {
      child.kill('SIGKILL')
      await soon(() => 'the process was gone', closed)
    },
    async stop() {
      child.kill('SIGTERM')
      await soon(() => `the process stopped, which says:\n${log()}`, closed)
    },
    shoot() {
      child.kill('SIGKILL')
    },
    closed,
    ended: () => soon(() => `the process ended, which says:\n${log()}`, closed),
    get isReady() {
      return url !== undefined
    },
    get isAlive() {
      return child.exitCode === null && child.signalCode === null
    },
    log,
  }
}
