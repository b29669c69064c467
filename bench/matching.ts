/**
 * How fast keywords are found, beside the fastest simple thing that finds them: a Map from a keyword's first two
 * characters to the keywords that begin so, and `startsWith`. That one finds less: no folding, no words, not the first
 * of the list. `node bench/matching.ts` prints what it measures, and writes it to `bench/matching.json`.
 *
 * All run in turns, a few ms each, and the medians are compared: what else the machine does slows all alike. Compiling
 * is measured in a process of its own each time (`node bench/matching.ts compile 100000`): a program does it once, when
 * nothing of it has run before.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { type Keyword, matcher } from '../core/matcher.ts'
import { randomFrom } from './random.ts'
import { median } from './statistics.ts'

const SEED = 7
const TEXTS = 200
const TEXT_CHARS = 50
const ROUNDS = 61
const BUILDS = 5

/** What texts have besides Chinese and English: one of these in each. */
const RARE = ['', '😀', '…', '·', '¥', '→', 'é', '①', 'す']

/** What must hold, see `gates` in the file that is written. */
const MAX_RATIO = new Map([
  [1_000, 1.5],
  [100_000, 5],
])
const MAX_BUILD_MS = 200

const compiled = process.argv[2] === 'compile' ? Number(process.argv[3]) : undefined
const random = randomFrom(SEED)

/** Seven of ten are Chinese, of 2 to 4 characters; the others English, of 4 to 8 letters. */
function makeKeywords(count: number): readonly string[] {
  return Array.from({ length: count }, () => (random(10) < 7 ? chinese(2 + random(3)) : english(4 + random(5))))
}

/** Chinese and English in one, with hardly a keyword in it: most of what customers write has none. */
function makeText(rare: string): string {
  let text = ''
  while (text.length < TEXT_CHARS) text += random(2) === 0 ? chinese(1 + random(6)) : ` ${english(2 + random(7))} `
  const at = random(TEXT_CHARS)
  return `${text.slice(0, at)}${rare}${text.slice(at, TEXT_CHARS - rare.length)}`
}

function chinese(chars: number): string {
  return String.fromCharCode(...Array.from({ length: chars }, () => 0x4e00 + random(3_000)))
}

function english(letters: number): string {
  return String.fromCharCode(...Array.from({ length: letters }, () => 0x61 + random(26)))
}

type Find = (text: string) => string | undefined

function firstTwoCharacters(keywords: readonly string[]): Find {
  const byStart = Map.groupBy(keywords, (keyword) => keyword.slice(0, 2))
  return (text) => {
    for (let i = 0; i < text.length; i++) {
      const found = byStart.get(text.slice(i, i + 2))?.find((keyword) => text.startsWith(keyword, i))
      if (found !== undefined) return found
    }
    return undefined
  }
}

/** The same with the two as one number, so that no text is cut out: what it could be at its best. */
function firstTwoAsNumber(keywords: readonly string[]): Find {
  const numberAt = (text: string, i: number) => (text.charCodeAt(i) << 14) ^ text.charCodeAt(i + 1)
  const byStart = Map.groupBy(keywords, (keyword) => numberAt(keyword, 0))
  return (text) => {
    for (let i = 0; i < text.length; i++) {
      const found = byStart.get(numberAt(text, i))?.find((keyword) => text.startsWith(keyword, i))
      if (found !== undefined) return found
    }
    return undefined
  }
}

function microsecondsPerText(find: (text: string) => unknown, texts: readonly string[]): number {
  const startMs = performance.now()
  for (const text of texts) find(text)
  return ((performance.now() - startMs) * 1_000) / texts.length
}

function measure(count: number, rare: string) {
  const words = makeKeywords(count)
  const texts = Array.from({ length: TEXTS }, () => makeText(rare))
  const baseline = firstTwoCharacters(words)
  const asNumber = firstTwoAsNumber(words)
  const find = matcher(asKeywords(words))
  // Once for the compiler, and so that neither is paid for what it never did.
  for (let i = 0; i < 20; i++) {
    for (const one of [baseline, asNumber, find]) microsecondsPerText(one, texts)
  }
  const times = Array.from({ length: ROUNDS }, () => ({
    baseline: microsecondsPerText(baseline, texts),
    asNumber: microsecondsPerText(asNumber, texts),
    matcher: microsecondsPerText(find, texts),
  }))
  return {
    keywords: count,
    rare,
    baselineUs: rounded(median(times.map((one) => one.baseline))),
    asNumberUs: rounded(median(times.map((one) => one.asNumber))),
    matcherUs: rounded(median(times.map((one) => one.matcher))),
    ratio: rounded(median(times.map((one) => one.matcher / one.baseline))),
    ratioToNumber: rounded(median(times.map((one) => one.matcher / one.asNumber))),
  }
}

function asKeywords(words: readonly string[]): readonly Keyword[] {
  return words.map((text): Keyword => ({ text, match: 'word' }))
}

/** Of this process: all its threads. */
function compileCpuMs(count: number): number {
  const keywords = asKeywords(makeKeywords(count))
  const before = process.cpuUsage()
  matcher(keywords)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

function coldCompileCpuMs(count: number): number {
  const inNewProcess = () =>
    Number(execFileSync(process.execPath, [import.meta.filename, 'compile', `${count}`], { encoding: 'utf8' }))
  return rounded(median(Array.from({ length: BUILDS }, inNewProcess)))
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100
}

function main(): void {
  const counts = [100, 1_000, 10_000, 100_000]
  const results = counts.flatMap((count) => RARE.map((rare) => measure(count, rare)))
  const builds = counts.map((keywords) => ({ keywords, coldCpuMs: coldCompileCpuMs(keywords) }))
  const gates = [...MAX_RATIO].map(([keywords, maxRatio]) => {
    const worst = Math.max(...results.filter((one) => one.keywords === keywords).map(({ ratio }) => ratio))
    const coldCpuMs = builds.find((one) => one.keywords === keywords)?.coldCpuMs ?? Number.POSITIVE_INFINITY
    const passed = worst <= maxRatio && coldCpuMs <= MAX_BUILD_MS
    return { keywords, worstRatio: worst, maxRatio, coldCpuMs, maxColdCpuMs: MAX_BUILD_MS, passed }
  })
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  const about = { date: new Date().toISOString().slice(0, 10), commit, node: process.version, cpu: cpus()[0]?.model }
  writeFileSync(
    new URL('./matching.json', import.meta.url),
    `${JSON.stringify({ ...about, textChars: TEXT_CHARS, seed: SEED, results, builds, gates }, undefined, 2)}\n`,
  )
  console.table(results)
  console.table(gates)
  process.exitCode = gates.every(({ passed }) => passed) ? 0 : 1
}

if (compiled === undefined) main()
else console.log(compileCpuMs(compiled))
