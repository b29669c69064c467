/** The moments at which the process under test can be killed, by what the transaction then under way has written. */

/** What a transaction contains when it is the one that is meant. */
export const TRANSACTIONS = {
  /** An event is accepted. */
  accept: /^INSERT INTO entry\b.*'in'/s,
  /** A turn ends: its outcome and all that it changes. */
  turn: /^UPDATE entry SET done_at/,
  command: /^INSERT INTO command/,
  /** Due wakes become entries. */
  wake: /^DELETE FROM wake/,
  /** What became of a delivery is recorded. */
  recorded: /^UPDATE delivery SET state = \?/,
  /** After a crash: deliveries that were on their way become `unknown`. */
  recovered: /^UPDATE delivery SET state = 'unknown'/,
  /** Any at all. */
  any: /^/,
} as const satisfies { readonly [name: string]: RegExp }

/** The process is killed at the `nth` transaction of this kind: with everything written, `before` or `after` COMMIT. */
export interface Point {
  readonly at: keyof typeof TRANSACTIONS
  readonly when: 'before' | 'after'
  readonly nth: number
}

/** The environment of the process under test. */
export const POINT = 'CRASH_POINT'
/** Names a file: while it is there, the journal cannot grow. */
export const FULL = 'CRASH_FULL'

/** As it stands in the environment. */
export function pointText({ at, when, nth }: Point): string {
  return `${at} ${when} ${nth}`
}

/** Reads it back. Throws when it is none. */
export function parsePoint(text: string): Point {
  const [at = '', when, nth] = text.split(' ')
  if (!isTransaction(at) || (when !== 'before' && when !== 'after')) throw new Error(`"${text}" is no point.`)
  return { at, when, nth: Number(nth) }
}

function isTransaction(name: string): name is Point['at'] {
  return name in TRANSACTIONS
}
