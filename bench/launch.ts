/** Starts what is measured and what measures it, each a process of its own, and reads from /proc what they cost. */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { z } from 'zod'
import { makeWork, type Task } from './data.ts'
import { type Ask, Listening, Told } from './load.ts'
import { APP_SECRET, KEYS, type Mode } from './wire.ts'

export type Kind = 'nothing' | 'raw' | 'raw-fast' | 'raw-durable' | 'switchboard'

/** As `npm start` and deploy/ start it; the others get the same. */
const NODE_OPTIONS = ['--max-semi-space-size=16', '--heap-growing-percent=50']
/** Linux counts a process's time in hundredths of a second. */
const TICK_MS = 10
const READY_WITHIN_MS = 60_000
const STOPPED_WITHIN_MS = 60_000
/** Of what a server says, so much is shown when something goes wrong. */
const SHOWN_LINES = 20
const CHANNEL = 'bench'

const pathOf = (file: string) => fileURLToPath(new URL(file, import.meta.url))
const Ready = z.object({ url: z.url(), msg: z.string().startsWith('ready:') })
const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

let task: Task | undefined

export interface Server {
  /** Where messages are posted. */
  readonly url: string
  /** From its start until it was ready. */
  readonly startWallMs: number
  readonly startCpuMs: number
  readonly pid: number
  /** In order; rejects with what it has said when it does not end well. */
  stop(): Promise<void>
}

/** `folder` is where its files are; a journal that is there already is used on. */
export async function startServer(
  kind: Kind,
  sinkPort: number,
  {
    folder,
    mode,
    profileTo,
  }: { readonly folder: string; readonly mode: Mode; readonly profileTo?: string | undefined },
): Promise<Server> {
  const sink = `http://127.0.0.1:${sinkPort}`
  const profiling = profileTo ? ['--cpu-prof', '--cpu-prof-interval=500', `--cpu-prof-dir=${profileTo}`] : []
  task ??= makeWork().task
  let command: readonly string[]
  if (kind === 'switchboard') {
    const file = join(folder, 'switchboard.yaml')
    await writeFile(file, stringify(configuration(task, sink, mode)))
    await writeFile(join(folder, 'switchboard.env'), VARIABLES)
    command = [pathOf('../core/switchboard.js'), 'start', file]
  } else {
    const file = join(folder, 'task.json')
    await writeFile(file, JSON.stringify(task))
    command = [pathOf(`servers/${kind}.ts`), file, sink, mode]
  }
  const startedMs = performance.now()
  const child = spawn(process.execPath, [...NODE_OPTIONS, ...profiling, ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.add(child)
  const ended = once(child, 'exit').finally(() => children.delete(child))
  const said: string[] = []
  const {
    promise: ready,
    resolve,
    reject,
  } = Promise.withResolvers<Pick<Server, 'url' | 'startWallMs' | 'startCpuMs'>>()
  const fail = (what: string) => reject(new Error(`${kind} ${what}:\n${said.join('\n')}`))
  const pid = child.pid ?? 0
  for (const stream of [child.stdout, child.stderr])
    createInterface(stream).on('line', (line) => {
      said.push(line)
      if (said.length > SHOWN_LINES) said.shift()
      const { data } = Ready.safeParse(parse(line))
      if (data) resolve({ url: data.url, startWallMs: performance.now() - startedMs, startCpuMs: cpuMsOf(pid).all })
    })
  const late = setTimeout(() => fail('was not ready in time'), READY_WITHIN_MS)
  void ended.then(() => fail('has ended'))
  const { url, ...start } = await ready.finally(() => clearTimeout(late))
  if (kind === 'switchboard') await importBlacklist(url, task.blacklist)
  return {
    url: kind === 'switchboard' ? `${url}/${CHANNEL}` : url,
    ...start,
    pid,
    async stop() {
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), STOPPED_WITHIN_MS)
      const [status] = await ended
      clearTimeout(late)
      // The plain ones know no other end than the signal's.
      if (kind === 'switchboard' && status !== 0) throw new Error(`It ended with ${status}:\n${said.join('\n')}`)
    },
  }
}

/** As an operator lists many: in the plugin's own table. Who is there already stays. */
async function importBlacklist(url: string, ids: readonly string[]): Promise<void> {
  const entries = ids.map((id) => ({ account: `wechat:${KEYS.appId}`, id, reason: 'Spam' }))
  const response = await fetch(`${url}/blacklist/import`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ by: 'bench', entries }),
  })
  const said = await response.text()
  if (!response.ok) throw new Error(`The blacklist was not imported: ${response.status} ${said}`)
}

const VARIABLES = `BENCH_APP_SECRET=${APP_SECRET}
BENCH_TOKEN=${KEYS.token}
BENCH_AES_KEY=${KEYS.encodingAesKey}
`

/** The real product, with the real channel and features: what an operator would write, but for the desk. */
function configuration({ keywords, handedOver, rules, echo }: Task, sink: string, mode: Mode) {
  return {
    server: { port: 0, publicUrl: 'http://localhost' },
    storage: { folder: './data' },
    http: { allow: ['127.0.0.1'] },
    channels: {
      [CHANNEL]: {
        use: 'wechat',
        appId: KEYS.appId,
        appSecret: `\${BENCH_APP_SECRET}`,
        token: `\${BENCH_TOKEN}`,
        ...(mode === 'secure' && { encodingAesKey: `\${BENCH_AES_KEY}` }),
        // As the baselines: each answer is a call of its own.
        replyBy: 'customer-service',
        apiBase: sink,
      },
    },
    bots: { parrot: { use: 'echo', prefix: echo } },
    desks: { people: { use: pathOf('desk/index.ts') } },
    features: [
      { use: 'blacklist' },
      { use: 'keyword-handoff', keywords, say: handedOver },
      {
        use: 'auto-reply',
        rules: rules.map(({ kind, when, say }) => ({
          when: [
            kind === 'pattern' ? { pattern: when } : { text: when, match: kind === 'equals' ? 'exact' : 'contains' },
          ],
          say,
        })),
      },
    ],
    routes: [{ from: [CHANNEL], mode: 'bot-first', bot: 'parrot', desk: 'people' }],
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    // Not every line is the log's.
    return undefined
  }
}

export interface Generator {
  readonly sinkPort: number
  readonly pid: number
  /** Resolves when it is done. Rejects when a reply was wrong or lost. */
  ask(ask: Ask): Promise<Told>
  stop(): Promise<void>
}

/** `customers`: how many there are who always come again. */
export async function startGenerator(customers: number, mode: Mode): Promise<Generator> {
  const child = fork(pathOf('load.ts'), [String(customers), mode], { stdio: 'inherit' })
  children.add(child)
  const ended = once(child, 'exit').finally(() => children.delete(child))
  const answer = async () => {
    const [message] = await Promise.race([
      once(child, 'message'),
      ended.then(() => Promise.reject(new Error('The generator has ended.'))),
    ])
    return message
  }
  const { sinkPort } = Listening.parse(await answer())
  return {
    sinkPort,
    pid: child.pid ?? 0,
    async ask(ask) {
      child.send(ask)
      const told = Told.parse(await answer())
      if (told.wrong > 0) throw new Error(`${told.wrong} replies were wrong:\n${told.firstWrong.join('\n')}`)
      if (told.lost > 0) throw new Error(`${told.lost} messages were never replied to.`)
      return told
    },
    async stop() {
      child.disconnect()
      await ended
    },
  }
}

// ── what a process costs ────────────────────────────────────────────────────────────────────

/** Of the processor so far: by all its threads, and by the first alone. */
export function cpuMsOf(pid: number): { readonly all: number; readonly main: number } {
  return { all: cpuMsIn(`/proc/${pid}/stat`), main: cpuMsIn(`/proc/${pid}/task/${pid}/stat`) }
}

function cpuMsIn(stat: string): number {
  // Its name stands in brackets, and may hold anything.
  const [, after = ''] = /\) (.*)$/s.exec(readFileSync(stat, 'utf8')) ?? []
  const fields = after.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}

/** Memory that it holds now. */
export function rssMibOf(pid: number): number {
  const [, kib = ''] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kib) / 1_024
}
