/**
 * Tells where time goes: of each thread's `.cpuprofile` the functions that took most by themselves. `npm run bench --
 * closed --prof` prints it; on other profiles:
 *
 *   node bench/profile.ts <folder> [how many messages it was]
 */
import { readdirSync, readFileSync } from 'node:fs'
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
  samples: z.array(z.int()),
  timeDeltas: z.array(z.number()),
})
type Profile = z.infer<typeof Profile>

/** Which thread a profile is of, by what only that one runs. Their files say only a number. */
const THREADS = [
  ['journal writer', 'core/journal/sqlite/writer.ts'],
  ['journal reader', 'core/journal/sqlite/reader.ts'],
  ['watchdog', 'core/runtime/watchdog-thread.ts'],
] as const
const IDLE = new Set(['(idle)', '(program)'])

/** Prints all profiles of a folder. `messages`: what a µs per message is counted by; the start of the process is in it too. */
export function printProfiles(folder: string, messages?: number): void {
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith('.cpuprofile'))
    .sort()) {
    const profile = Profile.parse(JSON.parse(readFileSync(join(folder, file), 'utf8')))
    print(file, profile, messages)
  }
}

function print(file: string, { nodes, samples, timeDeltas }: Profile, messages: number | undefined): void {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const selfUs = new Map<string, number>()
  const byFileUs = new Map<string, number>()
  let totalUs = 0
  for (const [i, id] of samples.entries()) {
    const us = timeDeltas[i] ?? 0
    const frame = byId.get(id)?.callFrame
    if (!frame || frame.functionName === '(idle)') continue
    totalUs += us
    const place = placeOf(frame.url)
    const where = place === '' ? '' : `  ${place}:${frame.lineNumber + 1}`
    add(selfUs, `${frame.functionName || '(anonymous)'}${where}`, us)
    add(byFileUs, groupOf(place, frame.functionName), us)
  }
  const thread = threadOf(file, nodes)
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
  const [, , folder, messages] = process.argv
  if (folder === undefined) {
    process.stderr.write('Usage: node bench/profile.ts <folder with .cpuprofile files> [messages]\n')
    process.exit(2)
  }
  printProfiles(folder, messages === undefined ? undefined : Number(messages))
}
