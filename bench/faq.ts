/**
 * How well and how fast the faq bot understands: `node --expose-gc bench/faq.ts` writes bench/faq.json and prints it.
 * Beside it minisearch, with words by `Intl.Segmenter`, with pairs of Chinese characters, and with the bot's own words:
 * how often each finds the right entry, and how fast. Whether that may be answered, minisearch's scores do not say.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import MiniSearch from 'minisearch'
import { fold } from '#core'
import { type Knowledge, readKnowledge } from '../plugins/bots/faq/knowledge.ts'
import { type Labelled, labelledPart, measure, shop } from '../plugins/bots/faq/measure.ts'
import { searchIn } from '../plugins/bots/faq/search.ts'
import { wordsOf } from '../plugins/bots/faq/terms.ts'
import { DEFAULTS, understanding } from '../plugins/bots/faq/understand.ts'

type Search = (text: string) => readonly string[]

const segmenter = new Intl.Segmenter('zh', { granularity: 'word' })

function wordsBySegmenter(text: string): string[] {
  return [...segmenter.segment(fold(text))].flatMap(({ segment, isWordLike }) => (isWordLike ? [segment] : []))
}

function wordsAndPairs(text: string): string[] {
  const pieces = fold(text).match(/\p{Script=Han}+|[[\p{L}\p{N}]--\p{Script=Han}]+/gv) ?? []
  return pieces.flatMap((piece) =>
    /\p{Script=Han}/u.test(piece) ? [...piece].map((one, i) => one + (piece[i + 1] ?? '')) : [piece],
  )
}

/** As the bot does: stems of words, Chinese characters, and pairs of them. */
function wordsOfTheBot(text: string): string[] {
  const isHan = (word = '') => /\p{Script=Han}/u.test(word)
  const words = wordsOf(text)
  return words.flatMap((word, i) => (isHan(word) && isHan(words[i + 1]) ? [word, `${word}${words[i + 1]}`] : [word]))
}

function byMiniSearch({ entries }: Knowledge, tokenize: (text: string) => string[]): Search {
  const index = new MiniSearch({
    fields: ['question'],
    storeFields: ['entry'],
    tokenize,
    searchOptions: { fuzzy: 0.2 },
  })
  const wordings = Object.entries(entries).flatMap(([entry, { questions }]) =>
    questions.map((question) => ({ entry, question })),
  )
  index.addAll(wordings.map((wording, id) => ({ id, ...wording })))
  return (text) => [...new Set(index.search(text).map(({ entry }) => String(entry)))]
}

function byFaq({ entries, synonyms }: Knowledge): Search {
  const names = Object.keys(entries)
  const search = searchIn(
    Object.values(entries).map(({ questions }) => questions),
    synonyms,
  )
  return (text) => search(text, DEFAULTS.choices).found.map(({ entry }) => names[entry] ?? '')
}

/** Of the questions with one answer: how often it is found first, and how often among the first four. */
function finds({ understood }: Labelled, search: Search) {
  const ranks = Object.entries(understood).flatMap(([entry, questions]) =>
    questions.map((question) => search(question).indexOf(entry)),
  )
  const share = (among: number) => rounded(ranks.filter((rank) => rank >= 0 && rank < among).length / ranks.length, 3)
  return { first: share(1), amongFour: share(4) }
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

// ── size ────────────────────────────────────────────────────────────────────────────────────

const ENTRIES = 10_000

/** Questions made of the characters and words of the real ones, four to an entry. */
function large(small: Knowledge): string {
  const text = Object.values(small.entries).flatMap(({ questions }) => questions)
  const characters = text.join('').match(/\p{Script=Han}/gu) ?? []
  const words = [...new Set(text.join(' ').match(/[a-z]{3,}/g))]
  const random = seeded(20261122)
  const some = (from: readonly string[], count: number, between: string) =>
    Array.from({ length: count }, () => from[Math.floor(random() * from.length)]).join(between)
  const entries = Array.from({ length: ENTRIES }, (_, i) => [
    `  e${i}:`,
    '    questions:',
    ...[1, 2].flatMap(() => [`      - ${some(characters, 14, '')}`, `      - ${some(words, 7, ' ')} ${i}`]),
    `    answer: { zh-CN: 答案 ${i}, en: Answer ${i} }`,
  ])
  return `entries:\n${entries.flat().join('\n')}\n`
}

/** Numbers from 0 to below 1, the same in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    const mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    const again = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((again ^ (again >>> 14)) >>> 0) / 2 ** 32
  }
}

/** How long it keeps a processor busy, in ms: others on the machine do not count. */
function cpuMs<T>(work: () => T): { readonly ms: number; readonly result: T } {
  const before = process.cpuUsage()
  const result = work()
  const { user, system } = process.cpuUsage(before)
  return { ms: (user + system) / 1000, result }
}

function usedMB(): number {
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return (heapUsed + arrayBuffers) / 1024 / 1024
}

/** In ms of a processor. Each is asked once before, so that what is compiled is compiled. */
function speedOf(questions: readonly string[], ask: (question: string) => unknown) {
  for (const question of questions) ask(question)
  const times = questions.map((question) => cpuMs(() => ask(question)).ms).sort((a, b) => a - b)
  return {
    median: rounded(times[times.length >> 1] ?? 0, 2),
    p99: rounded(times[Math.floor(times.length * 0.99)] ?? 0, 2),
  }
}

function measureSize(small: Knowledge, questions: readonly string[]) {
  const text = large(small)
  const before = usedMB()
  const read = cpuMs(() => readKnowledge({ path: '/large.yaml', text }))
  const { knowledge } = read.result
  if (!knowledge) throw new Error(read.result.mistakes[0]?.message)
  const index = cpuMs(() => understanding(knowledge, DEFAULTS))
  const memoryMB = usedMB() - before
  const bySegmenter = cpuMs(() => byMiniSearch(knowledge, wordsBySegmenter))
  return {
    entries: ENTRIES,
    questions: ENTRIES * 4,
    fileMB: rounded(Buffer.byteLength(text) / 1024 / 1024, 1),
    readMs: Math.round(read.ms),
    indexMs: Math.round(index.ms),
    memoryMB: Math.round(memoryMB),
    answerMs: speedOf(questions, index.result),
    minisearch: { indexMs: Math.round(bySegmenter.ms), answerMs: speedOf(questions, bySegmenter.result) },
  }
}

// ── all of it ───────────────────────────────────────────────────────────────────────────────

const knowledge = shop()
const understand = understanding(knowledge, DEFAULTS)
const parts = { tuning: labelledPart('tuning'), heldOut: labelledPart('held-out') }
const searches = {
  faq: byFaq(knowledge),
  faqWithoutSynonyms: byFaq({ ...knowledge, synonyms: [] }),
  minisearchWithSegmenter: byMiniSearch(knowledge, wordsBySegmenter),
  minisearchWithPairs: byMiniSearch(knowledge, wordsAndPairs),
  minisearchWithOurWords: byMiniSearch(knowledge, wordsOfTheBot),
}
const found = (part: Labelled) =>
  Object.fromEntries(Object.entries(searches).map(([name, search]) => [name, finds(part, search)]))
const questions = Object.values(parts).flatMap(({ understood, unknown }) => [
  ...Object.values(understood).flat(),
  ...unknown,
])
const report = {
  thresholds: DEFAULTS,
  tuning: { ...measure(parts.tuning, understand), finds: found(parts.tuning) },
  heldOut: { ...measure(parts.heldOut, understand), finds: found(parts.heldOut) },
  size: measureSize(knowledge, questions),
}
const json = `${JSON.stringify(report, null, 2)}\n`
writeFileSync(join(import.meta.dirname, 'faq.json'), json)
process.stdout.write(json)
