import { setTimeout } from 'node:timers/promises'
import type { KeepUntil } from '../engine.ts'
import type { TrimInput, TrimOutput, TrimWhat } from './protocol.ts'

/** Between two slices, so that what comes in meanwhile never waits for more than one. */
const PAUSE_MS = 2

/** What goes when: children before parents, and ids that are remembered with their entries behind those. Items of feeds go with the traces. */
const ORDER: readonly (readonly [TrimWhat, keyof KeepUntil])[] = [
  ['command', 'commandsBeforeMs'],
  ['audit', 'auditBeforeMs'],
  ['feed', 'tracesBeforeMs'],
  ['trace', 'tracesBeforeMs'],
  ['delivery', 'deliveriesBeforeMs'],
  ['entry', 'messagesBeforeMs'],
  ['dedupe', 'dedupeBeforeMs'],
  ['conversation', 'messagesBeforeMs'],
]

/** Trims everything, a slice at a time. Gives the number of rows. */
export async function trimAll(keep: KeepUntil, trim: (slice: TrimInput) => Promise<TrimOutput>): Promise<number> {
  let rows = 0
  for (const [what, until] of ORDER) {
    let after: TrimOutput['next']
    do {
      const { deleted, next } = await trim({ what, beforeMs: keep[until], after })
      rows += deleted
      after = next
      if (after !== undefined) await setTimeout(PAUSE_MS)
    } while (after !== undefined)
  }
  return rows
}
