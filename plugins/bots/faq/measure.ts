/** How well a knowledge file is understood, by questions of which is known what they mean. For bench/faq.ts and a test. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from '#core'
import { type Knowledge, readKnowledge } from './knowledge.ts'
import type { Understanding } from './understand.ts'

const FIXTURES = join(import.meta.dirname, '__fixtures__')

const labelled = z.strictObject({
  /** By the entry that answers them. */
  understood: z.record(z.string(), z.array(z.string())),
  /** Too short or too open for one answer: these should be offered. */
  guided: z.array(z.strictObject({ question: z.string(), entries: z.array(z.string()) })),
  unknown: z.array(z.string()),
})

export type Labelled = z.output<typeof labelled>

/** `tuning` is what the weights were found with; `held-out` is only ever measured. */
export function labelledPart(part: 'tuning' | 'held-out'): Labelled {
  return labelled.parse(parse(readFileSync(join(FIXTURES, `${part}.yaml`), 'utf8')))
}

/** The knowledge that the labelled questions are about. */
export function shop(): Knowledge {
  const path = join(FIXTURES, 'shop.yaml')
  const { knowledge, mistakes } = readKnowledge({ path, text: readFileSync(path, 'utf8') })
  if (!knowledge) throw new Error(mistakes[0]?.message)
  return knowledge
}

/** Each from 0 to 1. */
export interface Quality {
  /** Of the answers of this kind, how many were right. */
  readonly precision: number
  /** Of the questions that this is the right kind for, how many got it. */
  readonly recall: number
}

export interface Measured {
  readonly questions: number
  /** Right is only the one entry that was meant. */
  readonly understood: Quality
  /** Right is whatever offers what was meant; found are those of which all that could be meant is offered. */
  readonly guided: Quality
  readonly unknown: Quality
  /** Questions with an answer that were answered, or whose answer was offered. */
  readonly helped: number
  /** Of the questions with an answer for which something was offered, those for which the right one was. */
  readonly offered: number
  /** Questions of all kinds that got an answer to another question. */
  readonly misled: number
}

export function measure(
  { understood, guided, unknown }: Labelled,
  understand: (text: string) => Understanding,
): Measured {
  const asked = [
    ...Object.entries(understood).flatMap(([entry, questions]) =>
      questions.map((question) => ({ kind: 'understood' as const, question, entries: [entry] })),
    ),
    ...guided.map((one) => ({ kind: 'guided' as const, ...one })),
    ...unknown.map((question) => ({ kind: 'unknown' as const, question, entries: [] })),
  ].map(({ kind, question, entries }) => {
    const got = understand(question)
    const offers = got.kind === 'guided' ? got.entries.map(({ entry }) => entry) : []
    const hasAll = entries.every((entry) => (got.kind === 'understood' ? got.entry === entry : offers.includes(entry)))
    return { kind, got: got.kind, hasAll }
  })
  const of = (count: number, all: number) => Math.round((1000 * count) / Math.max(1, all)) / 1000
  const quality = (kind: Understanding['kind'], isUseful: (one: (typeof asked)[number]) => boolean): Quality => {
    const got = asked.filter((one) => one.got === kind)
    const meant = asked.filter((one) => one.kind === kind)
    return {
      precision: of(got.filter(isUseful).length, got.length),
      recall: of(meant.filter((one) => one.got === kind && one.hasAll).length, meant.length),
    }
  }
  const answerable = asked.filter(({ kind }) => kind === 'understood')
  const offered = answerable.filter(({ got }) => got === 'guided')
  return {
    questions: asked.length,
    understood: quality('understood', ({ kind, hasAll }) => kind === 'understood' && hasAll),
    guided: quality('guided', ({ kind, hasAll }) => kind !== 'unknown' && hasAll),
    unknown: quality('unknown', ({ kind }) => kind === 'unknown'),
    helped: of(answerable.filter(({ got, hasAll }) => got !== 'unknown' && hasAll).length, answerable.length),
    offered: of(offered.filter(({ hasAll }) => hasAll).length, offered.length),
    misled: of(
      asked.filter(({ kind, got, hasAll }) => got === 'understood' && (kind === 'unknown' || !hasAll)).length,
      asked.length,
    ),
  }
}
