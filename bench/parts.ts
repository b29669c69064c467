/** What is measured, part by part: each a list of steps, in which the servers take turns. */
import { cpuMsOf, type Kind, rssMibOf, type Server, startGenerator, startServer, temporaryFolder } from './launch.ts'
import type { Ask, Told } from './load.ts'

/** How much of everything. */
export interface Sizes {
  readonly launches: number
  readonly warmUp: number
  readonly closed: number
  readonly openSeconds: number
  /** Twice so many. */
  readonly memory: number
}

export const FULL: Sizes = { launches: 5, warmUp: 20_000, closed: 100_000, openSeconds: 10, memory: 200_000 }
/** A smoke test: nothing that it measures means anything. */
export const QUICK: Sizes = { launches: 1, warmUp: 50, closed: 300, openSeconds: 0.5, memory: 300 }

export interface Figures {
  readonly [figure: string]: number
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
  steps(sizes: Sizes, note: Note, profileTo: string | undefined): readonly Step[]
}

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
  options: { readonly folder?: string; readonly customers?: number; readonly profileTo?: string | undefined } = {},
): Promise<void> {
  using own = temporaryFolder()
  const { folder = own.path, customers = CUSTOMERS, profileTo } = options
  const generator = await startGenerator(customers)
  const server = await startServer(kind, generator.sinkPort, { folder, profileTo })
  async function run(ask: Ask): Promise<Figures> {
    const before = [cpuMsOf(server.pid), cpuMsOf(generator.pid)] as const
    const told = await generator.ask(ask)
    return figuresOf(told, cpuMsOf(server.pid) - before[0], cpuMsOf(generator.pid) - before[1])
  }
  const { url } = server
  await generator.ask({ do: 'probe', url })
  await use({ server, run, closed: (how) => run({ do: 'closed', url, inFlight: IN_FLIGHT, ...how }) })
  // In this order: what is sent when it stops has somewhere to go.
  await server.stop()
  await generator.stop()
}

function figuresOf(told: Told, serverMs: number, generatorMs: number): Figures {
  const { answered, refused, seconds, p50Ms, p95Ms, p99Ms } = told
  return {
    cpuUs: (serverMs * 1_000) / answered,
    perSecond: answered / seconds,
    p50Ms: p50Ms ?? Number.NaN,
    p95Ms: p95Ms ?? Number.NaN,
    p99Ms: p99Ms ?? Number.NaN,
    refused,
    // Of one processor.
    generatorBusy: generatorMs / 1_000 / seconds,
  }
}

/** One step for each server in each launch; every other launch the other way round, since whoever is second gains or loses by it. */
function alternating(
  { launches }: Sizes,
  rows: readonly string[],
  seconds: (row: string) => number,
  run: (row: string) => Promise<void>,
): readonly Step[] {
  return Array.from({ length: launches }, (_, i) => (i % 2 === 0 ? rows : rows.toReversed()).map((row) => ({ row, i })))
    .flat()
    .map(({ row, i }) => ({ what: `${row} ${i + 1}/${launches}`, seconds: seconds(row), run: () => run(row) }))
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
  steps: (sizes, note, profileTo) =>
    alternating(
      sizes,
      profileTo ? ['switchboard'] : ['raw', 'raw-fast', 'switchboard'],
      (row) => (row === 'switchboard' ? 35 : 12),
      (row) =>
        launch(
          kindOf(row),
          async ({ closed }) => {
            await closed({ messages: sizes.warmUp })
            note(row, await closed({ messages: sizes.closed }))
          },
          { profileTo },
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

function kindOf(row: string): Kind {
  return row === 'raw' || row === 'raw-fast' ? row : 'switchboard'
}

export const PARTS: readonly Part[] = [generator, start, closed, open, memory]
