/**
 * Tells where time goes: of each thread's `.cpuprofile` the functions that took most by themselves. What is native (a
 * statement of SQLite's, the flush of a commit) counts for the function that called it, and waiting in it counts too: so
 * a disk, or a busy machine, makes it more than the processor's time. `npm run bench -- closed --prof` prints it; on
 * other profiles:
 *
 *   node bench/profile.ts <folder>
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

const SHOWN = 40
const ROOT = fileURLToPath(new URL('../', import.meta.url))

const Profile = z.object({
  nodes: z.array(
    z.object({
      id: z.int(),
      callFrame: z.object({ functionName: z.string(), url: z.string(), lineNumber: z.int() }),
      children: z.array(z.int()).default([]),
    }),
  ),
  /** In µs of the clock that all processes share, as in `Measured`. */
  startTime: z.number(),
  samples: z.array(z.int()),
  timeDeltas: z.array(z.number()),
})
type Profile = z.infer<typeof Profile>

/** The time of a profile that counts, and how many messages came in it. */
const Measured = z.object({ fromUs: z.number(), toUs: z.number(), messages: z.int() })
type Measured = z.infer<typeof Measured>
const MEASURED = 'measured.json'

/** Notes in a folder of profiles which time of them counts: what comes before is the start and the compiler's. */
export function noteMeasured(folder: string, measured: Measured): void {
  writeFileSync(join(folder, MEASURED), JSON.stringify(measured))
}

/** What profiles call the time. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n)
}

/** Which thread a profile is of, by what only that one runs. Their files say only a number. */
const THREADS = [
  ['journal writer', 'core/journal/sqlite/writer.ts'],
  ['journal reader', 'core/journal/sqlite/reader.ts'],
  ['watchdog', 'core/runtime/watchdog-thread.ts'],
] as const
const IDLE = new Set(['(idle)', '(program)'])

/** Prints all profiles of a folder. */
export function printProfiles(folder: string): void {
  const noted = join(folder, MEASURED)
  const measured = existsSync(noted) ? Measured.parse(JSON.parse(readFileSync(noted, 'utf8'))) : undefined
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith('.cpuprofile')) continue
    print(file, Profile.parse(JSON.parse(readFileSync(join(folder, file), 'utf8'))), measured)
  }
}

function print(file: string, { nodes, startTime, samples, timeDeltas }: Profile, measured: Measured | undefined): void {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const selfUs = new Map<string, number>()
  const byFileUs = new Map<string, number>()
  let totalUs = 0
  let atUs = startTime
  for (const [i, id] of samples.entries()) {
    const us = timeDeltas[i] ?? 0
    atUs += us
    if (measured && (atUs < measured.fromUs || atUs > measured.toUs)) continue
    const frame = byId.get(id)?.callFrame
    if (!frame || frame.functionName === '(idle)') continue
    totalUs += us
    const place = placeOf(frame.url)
    const where = place === '' ? '' : `  ${place}:${frame.lineNumber + 1}`
    add(selfUs, `${frame.functionName || '(anonymous)'}${where}`, us)
    add(byFileUs, groupOf(place, frame.functionName), us)
  }
  const thread = threadOf(file, nodes)
  const messages = measured?.messages
  const column = messages ? 'µs/message' : 'ms'
  const amount = (us: number) => (messages ? us / messages : us / 1_000).toFixed(1).padStart(10)
  const share = (us: number) => `${((us / totalUs) * 100).toFixed(1).padStart(5)} %`
  const list = (title: string, times: Map<string, number>) => {
    console.log(`\n${title}\n${column.padStart(10)}    share`)
    for (const [what, us] of [...times].sort((a, b) => b[1] - a[1]).slice(0, SHOWN))
      console.log(`${amount(us)}  ${share(us)}  ${what}`)
  }
  console.log(`\n════ ${thread}: ${(totalUs / 1_000_000).toFixed(1)} s awake (${file})`)
  list('by part', byFileUs)
  list('by function, itself only', selfUs)
}

function add(times: Map<string, number>, what: string, us: number): void {
  times.set(what, (times.get(what) ?? 0) + us)
}

/** From the project's folder; as it is where that is Node's own. */
function placeOf(url: string): string {
  return url.startsWith('file:') ? relative(ROOT, fileURLToPath(url)) : url
}

/** A package, a folder of ours, or what Node and V8 do. */
function groupOf(place: string, name: string): string {
  if (place === '') return IDLE.has(name) || name.startsWith('(') ? name : 'built into Node and V8'
  const packaged = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(place)?.[1]
  if (packaged !== undefined) return `package ${packaged}`
  if (place.startsWith('node:')) return place.split('/').slice(0, 2).join('/')
  return place.split('/').slice(0, 3).join('/')
}

function threadOf(file: string, nodes: Profile['nodes']): string {
  // CPU.<date>.<time>.<process>.<thread>.<number>.cpuprofile; the first thread is 0.
  if (file.split('.')[4] === '0') return 'main thread'
  const places = new Set(nodes.map(({ callFrame }) => placeOf(callFrame.url)))
  return THREADS.find(([, source]) => places.has(source))?.[0] ?? 'another thread'
}

if (import.meta.main) {
  const [, , folder] = process.argv
  if (folder === undefined) {
    process.stderr.write('Usage: node bench/profile.ts <folder with .cpuprofile files>\n')
    process.exit(2)
  }
  printProfiles(folder)
}
