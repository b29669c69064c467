/** What waits, as the journal has it: for `/readyz` and `/metrics`. */
import type { Kysely } from 'kysely'
import type { JournalTables } from '../journal/tables.ts'
import type { Clock } from '../services/clock.ts'

export interface Backlog {
  /** Events that wait to be handled. */
  readonly waiting: number
  /** How long the oldest of them has waited; 0 when none does. */
  readonly oldestMs: number
  /** Deliveries on their way, by channel (`gone`: it is no longer in the YAML) or `desk:<name>`. */
  readonly openDeliveries: ReadonlyMap<string, number>
  /** Deliveries of which nobody knows whether they were sent. */
  readonly unknownDeliveries: number
  /** Open conversations, by state. */
  readonly conversations: ReadonlyMap<string, number>
}

/** Whoever reads more often is told the same. */
const KEPT_MS = 5_000

/** Reads the journal beside the main path, at most once in a few seconds. `nameOf` knows a channel by its account. */
export function makeBacklog(
  journal: Kysely<JournalTables>,
  clock: Pick<Clock, 'now'>,
  nameOf: (account: string) => string,
): () => Promise<Backlog> {
  let last: { readonly atMs: number; readonly read: Promise<Backlog> } | undefined
  return () => {
    const nowMs = clock.now()
    if (last && nowMs - last.atMs < KEPT_MS) return last.read
    const read = readBacklog(journal, nowMs, nameOf)
    last = { atMs: nowMs, read }
    // What could not be read is asked for again at once.
    read.catch(() => {
      if (last?.read === read) last = undefined
    })
    return read
  }
}

async function readBacklog(
  journal: Kysely<JournalTables>,
  nowMs: number,
  nameOf: (account: string) => string,
): Promise<Backlog> {
  const [waiting, open, unknown, conversations] = await Promise.all([
    journal
      .selectFrom('entry')
      .select(({ fn }) => [fn.countAll<number>().as('count'), fn.min('accepted_at').as('oldest')])
      .where('done_at', 'is', null)
      .executeTakeFirstOrThrow(),
    journal
      .selectFrom('delivery')
      .innerJoin('chat', 'chat.id', 'delivery.chat')
      .select(({ fn }) => ['chat.account', 'delivery.destination', fn.countAll<number>().as('count')])
      .where('delivery.state', 'in', ['pending', 'sending'])
      .groupBy(['chat.account', 'delivery.destination'])
      .execute(),
    journal
      .selectFrom('delivery')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('state', '=', 'unknown')
      .executeTakeFirstOrThrow(),
    journal
      .selectFrom('conversation')
      .select(({ fn }) => ['state', fn.countAll<number>().as('count')])
      .where('state', '<>', 'closed')
      .groupBy('state')
      .execute(),
  ])
  const openDeliveries = new Map<string, number>()
  for (const { account, destination, count } of open) {
    const to = destination === 'channel' ? nameOf(account) : destination
    openDeliveries.set(to, (openDeliveries.get(to) ?? 0) + count)
  }
  return {
    waiting: waiting.count,
    oldestMs: waiting.oldest === null ? 0 : Math.max(0, nowMs - waiting.oldest),
    openDeliveries,
    unknownDeliveries: unknown.count,
    conversations: new Map(conversations.map(({ state, count }) => [state, count])),
  }
}
