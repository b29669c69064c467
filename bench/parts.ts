/** What is measured, part by part: each a list of steps, in which the servers take turns. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { lengthenHistory } from './grown.ts'
import { cpuMsOf, type Kind, rssMibOf, type Server, startGenerator, startServer } from './launch.ts'
import type { Ask, Told } from './load.ts'
import { noteMeasured, nowUs } from './profile.ts'
import { temporaryFolder } from './temporary-folder.ts'
import type { Mode } from './wire.ts'

/** How much of everything. */
export interface Sizes {
  readonly launches: number
  readonly warmUp: number
  readonly closed: number
  readonly openSeconds: number
  /** Twice so many. */
  readonly memory: number
  /** How many chats are open, in the one case and in the other. */
  readonly chats: readonly [few: number, many: number]
  /** How many entries the journal has. */
  readonly history: number
}

export const FULL: Sizes = {
  launches: 5,
  warmUp: 20_000,
  closed: 100_000,
  openSeconds: 10,
  memory: 200_000,
  chats: [10_000, 100_000],
  history: 1_000_000,
}
/** A smoke test: nothing that it measures means anything. */
export const QUICK: Sizes = {
  launches: 1,
  warmUp: 50,
  closed: 300,
  openSeconds: 0.5,
  memory: 300,
  chats: [100, 300],
  history: 2_000,
}

export interface Figures {
  readonly [figure: string]: number
}
export interface Options {
  readonly isQuick: boolean
  /** The folder for profiles: then only switchboard is launched. */
  readonly profileTo: string | undefined
}

/** Notes what one launch has shown, for a row of the part's table. */
export type Note = (row: string, figures: Figures) => void

export interface Step {
  readonly what: string
  /** About how long it takes with `FULL`. */
  readonly seconds: number
  run(): Promise<void>
}

export interface Part {
  readonly name: string
  /** What it measures, in a sentence. */
  readonly about: string
  steps(sizes: Sizes, note: Note, options: Options): readonly Step[]
}

const Rows = z.record(z.string(), z.record(z.string(), z.number()))

const CUSTOMERS = 10_000
const IN_FLIGHT = 64
const RATES = [500, 1_000, 2_000, 4_000]

type Closed = Omit<Extract<Ask, { do: 'closed' }>, 'do' | 'url' | 'inFlight'>

/** One launch of a server, with a generator of its own. */
interface Launched {
  readonly server: Server
  /** What it took the server and the generator is in it too. */
  run(ask: Ask): Promise<Figures>
  closed(how: Closed): Promise<Figures>
}

async function launch(
  kind: Kind,
  use: (launched: Launched) => Promise<void>,
  options: {
    readonly folder?: string
    readonly customers?: number
    readonly mode?: Mode
    readonly profileTo?: string | undefined
  } = {},
): Promise<void> {
  using own = temporaryFolder()
  const { folder = own.path, customers = CUSTOMERS, mode = 'plain', profileTo } = options
  const generator = await startGenerator(customers, mode)
  const server = await startServer(kind, generator.sinkPort, { folder, mode, profileTo })
  async function run(ask: Ask): Promise<Figures> {
    const before = { server: cpuMsOf(server.pid), generator: cpuMsOf(generator.pid) }
    const told = await generator.ask(ask)
    const after = { server: cpuMsOf(server.pid), generator: cpuMsOf(generator.pid) }
    return figuresOf(told, {
      serverMs: after.server.all - before.server.all,
      mainMs: after.server.main - before.server.main,
      generatorMs: after.generator.all - before.generator.all,
    })
  }
  const { url } = server
  // It refuses nobody.
  if (kind !== 'nothing') await generator.ask({ do: 'probe', url })
  await use({ server, run, closed: (how) => run({ do: 'closed', url, inFlight: IN_FLIGHT, ...how }) })
  // In this order: what is sent when it stops has somewhere to go.
  await server.stop()
  await generator.stop()
}

function figuresOf(
  { answered, refused, seconds, p50Ms, p95Ms, p99Ms, ackP99Ms, takenP99Ms, takenMaxMs }: Told,
  {
    serverMs,
    mainMs,
    generatorMs,
  }: { readonly serverMs: number; readonly mainMs: number; readonly generatorMs: number },
): Figures {
  return {
    cpuUs: (serverMs * 1_000) / answered,
    /** Of these the main thread's; the rest is the journal's writer and V8's own. */
    mainUs: (mainMs * 1_000) / answered,
    perSecond: answered / seconds,
    p50Ms: p50Ms ?? Number.NaN,
    p95Ms: p95Ms ?? Number.NaN,
    p99Ms: p99Ms ?? Number.NaN,
    ackP99Ms: ackP99Ms ?? Number.NaN,
    takenP99Ms: takenP99Ms ?? Number.NaN,
    takenMaxMs: takenMaxMs ?? Number.NaN,
    refused,
    /** Of one processor. */
    generatorBusy: generatorMs / 1_000 / seconds,
  }
}

/** One step for each server in each launch; every other launch the other way round, since whoever is second gains or loses by it. */
function alternating<R extends string | { readonly row: string }>(
  { launches }: Sizes,
  rows: readonly R[],
  seconds: (row: R) => number,
  run: (row: R) => Promise<void>,
): readonly Step[] {
  return Array.from({ length: launches }, (_, i) => (i % 2 === 0 ? rows : rows.toReversed()).map((row) => ({ row, i })))
    .flat()
    .map(({ row, i }) => ({
      what: `${typeof row === 'string' ? row : row.row} ${i + 1}/${launches}`,
      seconds: seconds(row),
      run: () => run(row),
    }))
}

const generator: Part = {
  name: 'generator',
  about: 'The generator against a server that does nothing, 64 at a time: how fast it is itself.',
  steps: (sizes, note) =>
    alternating(
      sizes,
      ['nothing'],
      () => 8,
      () =>
        launch('nothing', async ({ closed }) => {
          await closed({ messages: sizes.warmUp, onlyEcho: true })
          note('nothing', await closed({ messages: sizes.closed, onlyEcho: true }))
        }),
    ),
}

const closed: Part = {
  name: 'closed',
  about: '64 messages under way at any time.',
  steps: (sizes, note, { isQuick, profileTo }) =>
    alternating(
      sizes,
      profileTo
        ? ['switchboard']
        : isQuick
          ? ['raw', 'raw-durable', 'switchboard']
          : ['raw', 'raw-fast', 'raw-durable', 'switchboard'],
      (row) => (row === 'switchboard' ? 35 : 12),
      (row) =>
        launch(
          kindOf(row),
          async ({ closed }) => {
            await closed({ messages: sizes.warmUp })
            const fromUs = nowUs()
            note(row, await closed({ messages: sizes.closed }))
            if (profileTo) noteMeasured(profileTo, { fromUs, toUs: nowUs(), messages: sizes.closed })
          },
          { profileTo },
        ),
    ),
}

const secure: Part = {
  name: 'secure',
  about: 'The same with encrypted messages.',
  steps: (sizes, note) =>
    alternating(
      sizes,
      ['raw', 'switchboard'],
      (row) => (row === 'raw' ? 12 : 35),
      (row) =>
        launch(
          kindOf(row),
          async ({ closed }) => {
            await closed({ messages: sizes.warmUp })
            note(row, await closed({ messages: sizes.closed }))
          },
          { mode: 'secure' },
        ),
    ),
}

const open: Part = {
  name: 'open',
  about: 'So many messages a second, whether the server keeps up or not; times from when each was due.',
  steps: (sizes, note) =>
    alternating(
      sizes,
      ['raw', 'switchboard'],
      () => 55,
      (row) =>
        launch(kindOf(row), async ({ server, run, closed }) => {
          await closed({ messages: sizes.warmUp })
          for (const perSecond of RATES)
            note(
              `${row} ${perSecond}/s`,
              await run({ do: 'open', url: server.url, perSecond, seconds: sizes.openSeconds }),
            )
        }),
    ),
}

const memory: Part = {
  name: 'memory',
  about: 'Memory at the start and after each 200,000 messages, 64 at a time.',
  steps: (sizes, note) =>
    alternating(
      sizes,
      ['raw', 'switchboard'],
      (row) => (row === 'raw' ? 35 : 120),
      (row) =>
        launch(kindOf(row), async ({ server, closed }) => {
          const startMib = rssMibOf(server.pid)
          await closed({ messages: sizes.memory })
          const firstMib = rssMibOf(server.pid)
          await closed({ messages: sizes.memory })
          const secondMib = rssMibOf(server.pid)
          note(row, { startMib, firstMib, secondMib, growth: secondMib / firstMib })
        }),
    ),
}

const start: Part = {
  name: 'start',
  about: 'From the start of the process until it says that it is ready.',
  steps: (sizes, note) =>
    alternating(
      sizes,
      ['raw', 'switchboard'],
      () => 4,
      (row) =>
        launch(kindOf(row), async ({ server: { startCpuMs: cpuMs, startWallMs: wallMs } }) =>
          note(row, { cpuMs, wallMs }),
        ),
    ),
}

/** Part of a message's customers are new, each time. */
const KNOWN_SHARE = 0.95

/** Makes a journal in which so many customers have written so often, each about as often as the others. */
async function makeJournal(folder: string, customers: number, times: number): Promise<void> {
  await launch(
    'switchboard',
    async ({ closed }) => {
      await closed({ messages: Math.ceil((customers * times) / KNOWN_SHARE), inOrder: true })
    },
    { folder, customers },
  )
}

/** One launch on a copy of a journal, so that all find the same. */
async function onCopy(from: string, customers: number, sizes: Sizes, note: (figures: Figures) => void): Promise<void> {
  using copy = temporaryFolder()
  cpSync(from, copy.path, { recursive: true })
  const measure = async ({ closed }: Launched) => {
    await closed({ messages: sizes.warmUp })
    note(await closed({ messages: sizes.closed }))
  }
  await launch('switchboard', measure, { folder: copy.path, customers })
}

const chats: Part = {
  name: 'chats',
  about: 'Few and many open chats, which write by chance; 64 messages under way at any time.',
  steps(sizes, note) {
    const sides = sizes.chats.map((count) => ({
      row: `${count.toLocaleString('en')} chats`,
      count,
      folder: temporaryFolder().path,
    }))
    const prepare = sides.map(({ row, count, folder }) => ({
      what: `making ${row}`,
      seconds: count / 3_000,
      run: () => makeJournal(folder, count, 1),
    }))
    return [
      ...prepare,
      ...alternating(
        sizes,
        sides,
        () => 45,
        ({ row, count, folder }) => onCopy(folder, count, sizes, (figures) => note(row, figures)),
      ),
    ]
  },
}

const history: Part = {
  name: 'history',
  about: 'A journal with hardly any history and with a long one, of the same chats; 64 messages under way at any time.',
  steps(sizes, note) {
    const [customers] = sizes.chats
    const short = { row: 'hardly any', folder: temporaryFolder().path }
    const long = { row: `${sizes.history.toLocaleString('en')} rows`, folder: temporaryFolder().path }
    const prepare = {
      what: 'making the journal',
      seconds: 90,
      async run() {
        await makeJournal(short.folder, customers, 2)
        cpSync(short.folder, long.folder, { recursive: true })
        lengthenHistory(join(long.folder, 'data'), sizes.history)
      },
    }
    return [
      prepare,
      ...alternating(
        sizes,
        [short, long],
        () => 45,
        ({ row, folder }) => onCopy(folder, customers, sizes, (figures) => note(row, figures)),
      ),
    ]
  },
}

const dispatch: Part = {
  name: 'dispatch',
  about: 'One message through four middlewares, the last of which answers; in this process, nothing else.',
  steps: (sizes, note, options) =>
    alternating(
      sizes,
      ['dispatch'],
      () => 5,
      () => runScript('dispatch.ts', note, options),
    ),
}

const journal: Part = {
  name: 'journal',
  about: 'The journal by itself: events accepted, turns committed and deliveries recorded, so many at a time.',
  steps: (sizes, note, options) =>
    alternating(
      sizes,
      ['journal'],
      () => 15,
      () => runScript('journal.ts', note, options),
    ),
}

const xml: Part = {
  name: 'xml',
  about: 'Reading the XML of WeChat: nanoseconds for each byte of bodies of 2 KB and of 256 KB, all of one thing.',
  steps: (sizes, note, options) =>
    alternating(
      sizes,
      ['xml'],
      () => 10,
      () => runScript('xml.ts', note, options),
    ),
}

/** Runs a script in a process of its own. It prints the figures of its rows. */
async function runScript(file: string, note: Note, { isQuick }: Options): Promise<void> {
  const args = [join(import.meta.dirname, file), ...(isQuick ? ['--quick'] : [])]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  for (const [row, figures] of Object.entries(Rows.parse(JSON.parse(stdout)))) note(row, figures)
}

/** Measures by itself, in rounds of its own, and writes a file of its own. */
function apart(name: string, about: string, args: readonly string[] = []): Part {
  const run = async () => {
    const file = join(import.meta.dirname, `${name}.ts`)
    const [status] = await once(spawn(process.execPath, [...args, file], { stdio: 'inherit' }), 'exit')
    if (status !== 0) process.exitCode = 1
  }
  return { name, about, steps: (_sizes, _note, { isQuick }) => (isQuick ? [] : [{ what: about, seconds: 30, run }]) }
}

function kindOf(row: string): Kind {
  return row === 'raw' || row === 'raw-fast' || row === 'raw-durable' ? row : 'switchboard'
}

export const PARTS: readonly Part[] = [
  generator,
  start,
  dispatch,
  journal,
  xml,
  closed,
  secure,
  open,
  chats,
  history,
  memory,
  apart('matching', 'Keywords in a text; writes bench/matching.json.'),
  apart('blacklist', 'A blacklist of a million; writes bench/blacklist.json.'),
  apart('faq', 'The faq bot; writes bench/faq.json.', ['--expose-gc']),
]
