/**
 * Remembers which request was about which event. The signature of a clear message does not cover what it says: whoever
 * has seen one on its way could put other words under it. So none is taken twice, but for the same event (a retry).
 */
import type { Compilable, Kysely } from 'kysely'
import type { Clock } from '#core'

export interface NonceTables {
  /** Requests that could be sent again with other words, for the time after a restart or a reload. */
  readonly used: { readonly signature: string; readonly event: string; readonly until: number }
}

/** To be spread into the channel's `tables`. */
export const nonceTables = {
  'receiving-1': 'CREATE TABLE used (signature TEXT NOT NULL, event TEXT NOT NULL, until INTEGER NOT NULL)',
  'receiving-2': 'CREATE UNIQUE INDEX used_once ON used(signature)',
} as const
export const laterNonceTables = {
  // By time: what comes together stands together, however chance has made the signatures.
  'receiving-3': `CREATE TABLE by_time (until INTEGER NOT NULL, signature TEXT NOT NULL, event TEXT NOT NULL,
      PRIMARY KEY (until, signature)) WITHOUT ROWID;
    INSERT INTO by_time SELECT until, signature, event FROM used;
    DROP TABLE used;
    ALTER TABLE by_time RENAME TO used`,
} as const
export const latestNonceTables = {
  // As they come: by their signature they were in another place within each second, and that costs a page of the log.
  'receiving-4': `CREATE TABLE as_they_come (until INTEGER NOT NULL, signature TEXT NOT NULL, event TEXT NOT NULL);
    INSERT INTO as_they_come SELECT until, signature, event FROM used;
    DROP TABLE used;
    ALTER TABLE as_they_come RENAME TO used`,
} as const

/** More are not remembered: 80 in each second, for as long as they could be used again. Those of longest ago go first. */
const MAX_REMEMBERED = 100_000

export interface Nonces {
  /**
   * Whether this request may tell of this event: it has told of no other. From now on it may tell of this one alone.
   * What stands for a request is its signature, which is one of its time and nonce together.
   */
  claim(signature: string, event: string, sentAtMs: number): boolean
  /** Resolves when a claim is on disk. Twice is safe. */
  keep(signature: string, event: string, sentAtMs: number): Promise<void>
  /**
   * What keeps a claim, to be written together with its event: both are on disk, or neither is. `undefined` where another
   * request has told of the event before: what goes with a repeat is not written, so `keep` has to.
   */
  keeping(signature: string, event: string, sentAtMs: number): Compilable | undefined
  /** How many there are in memory. */
  readonly remembered: number
  /** Forgets on disk what is too old to be taken anyway. */
  forget(): Promise<void>
}

/** `freshnessMs`: so far from now may the time of a request be. */
export async function makeNonces(
  sql: Kysely<NonceTables>,
  { clock, freshnessMs }: { readonly clock: Pick<Clock, 'now'>; readonly freshnessMs: number },
): Promise<Nonces> {
  const used = new Map<string, { readonly event: string; readonly untilMs: number; isKept: boolean }>()
  const rows = await sql
    .selectFrom('used')
    .selectAll()
    .where('until', '>=', clock.now())
    .orderBy('until', 'desc')
    .limit(MAX_REMEMBERED)
    .execute()
  /** Which request told of an event first. */
  const first = new Map<string, string>()
  function remember(signature: string, event: string, untilMs: number, isKept: boolean): void {
    used.set(signature, { event, untilMs, isKept })
    if (!first.has(event)) first.set(event, signature)
  }
  for (const { signature, event, until } of rows.toReversed()) remember(signature, event, until, true)
  // Each message comes by here: it is put together once.
  const insert = sql.insertInto('used').values({ until: 0, signature: '', event: '' }).compile()

  function makeRoom(): void {
    for (const [signature, { event, untilMs }] of used) {
      if (untilMs >= clock.now() && used.size < MAX_REMEMBERED) return
      used.delete(signature)
      if (first.get(event) === signature) first.delete(event)
    }
  }

  const inserting = (signature: string, event: string, sentAtMs: number) => ({
    ...insert,
    parameters: [sentAtMs + freshnessMs, signature, event],
  })

  return {
    claim(signature, event, sentAtMs) {
      const before = used.get(signature)
      if (before) return before.event === event
      makeRoom()
      remember(signature, event, sentAtMs + freshnessMs, false)
      return true
    },
    async keep(signature, event, sentAtMs) {
      const claimed = used.get(signature)
      if (claimed?.isKept) return
      await sql.executeQuery(inserting(signature, event, sentAtMs))
      if (claimed) claimed.isKept = true
    },
    keeping(signature, event, sentAtMs) {
      if (first.get(event) !== signature) return undefined
      return { compile: () => inserting(signature, event, sentAtMs) }
    },
    get remembered() {
      return used.size
    },
    async forget() {
      await sql.deleteFrom('used').where('until', '<', clock.now()).execute()
    },
  }
}
