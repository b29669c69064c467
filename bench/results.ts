/** Writes what was measured: `bench/results.json` with every launch, and `bench/RESULTS.md` to be read. */
import { execFileSync } from 'node:child_process'
import { closeSync, existsSync, fdatasyncSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import type { Figures, Part } from './parts.ts'
import { median, rounded } from './statistics.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** Of each row, the figures of each launch. */
export type Rows = Record<string, Figures[]>

const FILE = join(import.meta.dirname, 'results.json')
const TABLE = join(import.meta.dirname, 'RESULTS.md')

const Measured = z.object({
  about: z.string(),
  date: z.string(),
  commit: z.string(),
  node: z.string(),
  machine: z.string(),
  /** How long one small write takes until it is on disk, as the journal's are. */
  flushMs: z.number(),
  rows: z.record(z.string(), z.array(z.record(z.string(), z.number().nullable()))),
})
const Results = z.record(z.string(), Measured)
type Results = z.infer<typeof Results>

/** What is to be reached: the median, over the launches, of one figure divided by another of the same launch. */
interface Goal {
  readonly what: string
  readonly of: readonly [part: string, row: string, figure: string]
  /** Left out: the figure itself counts. */
  readonly by?: readonly [part: string, row: string, figure: string]
  readonly atMost?: number
  readonly atLeast?: number
}

const GOALS: readonly Goal[] = [
  {
    what: 'CPU per message beside raw',
    of: ['closed', 'switchboard', 'cpuUs'],
    by: ['closed', 'raw', 'cpuUs'],
    atMost: 1.6,
  },
  {
    what: 'Messages per second beside raw',
    of: ['closed', 'switchboard', 'perSecond'],
    by: ['closed', 'raw', 'perSecond'],
    atLeast: 0.6,
  },
  {
    what: 'p95 at 2,000/s beside raw',
    of: ['open', 'switchboard 2000/s', 'p95Ms'],
    by: ['open', 'raw 2000/s', 'p95Ms'],
    atMost: 3,
  },
  {
    what: 'p99 at 2,000/s beside raw',
    of: ['open', 'switchboard 2000/s', 'p99Ms'],
    by: ['open', 'raw 2000/s', 'p99Ms'],
    atMost: 3,
  },
  {
    what: 'p99 of acknowledging with 64 under way, ms',
    of: ['closed', 'switchboard', 'ackP99Ms'],
    atMost: 1_000,
  },
  {
    what: 'p99 of acknowledging at 2,000/s, from when each was due, ms',
    of: ['open', 'switchboard 2000/s', 'ackP99Ms'],
    atMost: 1_000,
  },
  // One of 256 lines is waited for first, which no platform does.
  {
    what: 'p99 of acknowledging at 2,000/s, from when each was sent, ms',
    of: ['open', 'switchboard 2000/s', 'takenP99Ms'],
    atMost: 1_000,
  },
  {
    what: 'The longest of them, ms',
    of: ['open', 'switchboard 2000/s', 'takenMaxMs'],
    atMost: 4_500,
  },
  {
    what: 'Dispatch with its trace beside plain calls',
    of: ['dispatch', 'switchboard', 'us'],
    by: ['dispatch', 'plain', 'us'],
    atMost: 5,
  },
  { what: 'CPU from start to ready, ms', of: ['start', 'switchboard', 'cpuMs'], atMost: 1_000 },
  { what: 'Memory after 200,000 messages, MiB', of: ['memory', 'switchboard', 'firstMib'], atMost: 350 },
  { what: 'Memory after 200,000 more beside that', of: ['memory', 'switchboard', 'growth'], atMost: 1.05 },
  ...['text', 'elements', 'references'].map((row) => ({
    what: `XML of ${row}: time per byte at 256 KB beside 2 KB`,
    of: ['xml', row, 'growth'] as const,
    atMost: 1.5,
  })),
  {
    what: 'CPU per message with 1,000,000 rows of history beside none',
    of: ['history', '1,000,000 rows', 'cpuUs'],
    by: ['history', 'hardly any', 'cpuUs'],
    atMost: 1.15,
  },
]

/** Replaces the results of one part; those of the others stay as they are, with their own date and commit. */
export function writeResults(part: Part, rows: Rows): void {
  const before = existsSync(FILE) ? Results.parse(JSON.parse(readFileSync(FILE, 'utf8'))) : {}
  const results: Results = {
    ...before,
    [part.name]: {
      about: part.about,
      date: new Date().toISOString().slice(0, 16).replace('T', ' '),
      commit: commit(),
      node: process.version,
      machine: `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}`,
      flushMs: rounded(flushMs()),
      rows: Object.fromEntries(Object.entries(rows).map(([row, launches]) => [row, launches.map(roundedFigures)])),
    },
  }
  writeFileSync(FILE, `${JSON.stringify(results, undefined, 2)}\n`)
  writeFileSync(TABLE, asMarkdown(results))
}

/** Prints the medians of one part. */
export function printPart(part: Part, rows: Rows): void {
  console.log(`\n${part.about}`)
  console.table(
    Object.fromEntries(
      Object.entries(rows).map(([row, launches]) => [
        row,
        Object.fromEntries(figuresOf(launches).map((figure) => [figure, rounded(median(valuesOf(launches, figure)))])),
      ]),
    ),
  )
}

function roundedFigures(figures: Figures): Figures {
  return Object.fromEntries(Object.entries(figures).map(([figure, value]) => [figure, rounded(value)]))
}

/** All results as a page, with what is to be reached on top. */
export function asMarkdown(results: Results): string {
  const lines = [
    '# What it takes',
    '',
    'Made by `npm run bench`; see `bench/run.ts`. Each figure is the median of the launches, with the lowest and the highest.',
    '',
  ]
  lines.push('| goal | measured | to reach | reached |', '|---|---|---|---|')
  for (const goal of GOALS) lines.push(goalLine(goal, results))
  for (const [name, { about, date, commit, node, machine, flushMs, rows }] of Object.entries(results)) {
    const launches = Object.values(rows)[0]?.length ?? 0
    const figures = [...new Set(Object.values(rows).flatMap(figuresOf))]
    lines.push('', `## ${name}`, '', about, '')
    lines.push(
      `${date}, commit ${commit}, Node ${node}, ${machine}, a write on disk after ${flushMs} ms; ${launches} launches.`,
      '',
    )
    lines.push(`| | ${figures.join(' | ')} |`, `|---|${figures.map(() => '---').join('|')}|`)
    for (const [row, measured] of Object.entries(rows))
      lines.push(`| ${row} | ${figures.map((figure) => cell(valuesOf(measured, figure))).join(' | ')} |`)
  }
  return `${lines.join('\n')}\n`
}

function goalLine({ what, of, by, atMost, atLeast }: Goal, results: Results): string {
  const limit = atMost === undefined ? `at least ${atLeast}` : `at most ${atMost}`
  const values = launchesOf(results, of)
  const base = by && launchesOf(results, by)
  const shares = base ? values.map((value, i) => value / (base[i] ?? Number.NaN)) : values
  if (shares.length === 0 || shares.some(Number.isNaN)) return `| ${what} | not measured | ${limit} | – |`
  const reached = atMost === undefined ? median(shares) >= (atLeast ?? 0) : median(shares) <= atMost
  return `| ${what} | ${cell(shares)} | ${limit} | ${reached ? 'yes' : 'no'} |`
}

function launchesOf(results: Results, [part, row, figure]: Goal['of']): readonly number[] {
  return valuesOf(results[part]?.rows[row] ?? [], figure)
}

type Launches = readonly { readonly [figure: string]: number | null }[]

function figuresOf(launches: Launches): readonly string[] {
  return [...new Set(launches.flatMap((figures) => Object.keys(figures)))]
}

function valuesOf(launches: Launches, figure: string): readonly number[] {
  return launches.map((figures) => figures[figure] ?? Number.NaN)
}

function cell(values: readonly number[]): string {
  const known = values.filter((value) => !Number.isNaN(value))
  if (known.length === 0) return ''
  const [middle, low, high] = [median(known), Math.min(...known), Math.max(...known)].map(written)
  return low === high ? `${middle}` : `${middle} (${low}–${high})`
}

function written(value: number): string {
  return rounded(value).toLocaleString('en')
}

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
    }).trim()
  } catch {
    // Not every copy of the project has its history.
    return 'unknown'
  }
}

/** How long the disk takes for what the journal asks of it. */
function flushMs(): number {
  using folder = temporaryFolder()
  const file = openSync(join(folder.path, 'flushed'), 'w')
  const times = Array.from({ length: 101 }, () => {
    writeSync(file, Buffer.alloc(4_096))
    const startMs = performance.now()
    fdatasyncSync(file)
    return performance.now() - startMs
  })
  closeSync(file)
  return median(times)
}
