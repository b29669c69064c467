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
  /** Has a claim written together with its event, by `receive`: both are on disk, or neither is. */
  keepWith<T>(
    signature: string,
    event: string,
    sentAtMs: number,
    receive: (writeAlways: Compilable | undefined) => Promise<T>,
  ): Promise<T>
  /** Knows of what another instance has used while it was about to take its place. */
  learn(): Promise<void>
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

  async function learn(): Promise<void> {
    const rows = await sql
      .selectFrom('used')
      .selectAll()
      .where('until', '>=', clock.now())
      .orderBy('until', 'desc')
      .limit(MAX_REMEMBERED)
      .execute()
    for (const { signature, event, until } of rows.toReversed())
      if (!used.has(signature)) used.set(signature, { event, untilMs: until, isKept: true })
  }
  await learn()
  // Each message comes by here: it is put together once.
  const insert = sql.insertInto('used').values({ until: 0, signature: '', event: '' }).compile()
  const rowOf = (signature: string, event: string, sentAtMs: number) => ({
    ...insert,
    parameters: [sentAtMs + freshnessMs, signature, event],
  })

  function makeRoom(): void {
    for (const [signature, { untilMs }] of used) {
      if (untilMs >= clock.now() && used.size < MAX_REMEMBERED) return
      used.delete(signature)
    }
  }

  async function keep(signature: string, event: string, sentAtMs: number): Promise<void> {
    const claimed = used.get(signature)
    if (claimed?.isKept) return
    await sql.executeQuery(rowOf(signature, event, sentAtMs))
    if (claimed) claimed.isKept = true
  }

  return {
    claim(signature, event, sentAtMs) {
      const before = used.get(signature)
      if (before) return before.event === event
      makeRoom()
      used.set(signature, { event, untilMs: sentAtMs + freshnessMs, isKept: false })
      return true
    },
    keep,
    async keepWith(signature, event, sentAtMs, receive) {
      const claimed = used.get(signature)
      if (claimed?.isKept) return receive(undefined)
      try {
        const received = await receive({ compile: () => rowOf(signature, event, sentAtMs) })
        if (claimed) claimed.isKept = true
        return received
      } catch (error) {
        // It was seen on its way all the same. If this fails too, it is for the same reason.
        await keep(signature, event, sentAtMs).catch(() => {})
        throw error
      }
    },
    learn,
    get remembered() {
      return used.size
    },
    async forget() {
      await sql.deleteFrom('used').where('until', '<', clock.now()).execute()
    },
  }
}
