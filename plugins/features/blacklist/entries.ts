/** The entries that are made at run time: in a table, and as fingerprints in memory, so that most turns ask no table. */
import { type Actor, type Chat, type Context, type Customer, type Generated, tables, z } from '#core'
import type { Listed } from '../../services/blacklist.ts'
import { makeFingerprints } from './fingerprints.ts'

/**
 * One address, or (with an empty `account`) one customer by our own id. What was listed for a customer has `customer`:
 * it goes together.
 */
interface Row {
  n: Generated<number>
  account: string
  id: string
  customer: string | null
  reason: string
  actor: string
  at: number
  until: number | null
}

export const TABLES = tables<{ entry: Row }>({
  // Numbers are not used again, so that whoever has read up to one finds all that came later.
  '1-entry': `CREATE TABLE entry (n INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, id TEXT NOT NULL,
    customer TEXT, reason TEXT NOT NULL, actor TEXT NOT NULL, at BIGINT NOT NULL, until BIGINT);
    CREATE UNIQUE INDEX entry_address ON entry (account, id);
    CREATE INDEX entry_customer ON entry (customer) WHERE customer IS NOT NULL;
    CREATE INDEX entry_until ON entry (until) WHERE until IS NOT NULL`,
})

/** An entry as people see it: a customer's is one, however many chats they have. */
export interface Entry {
  readonly who: Listed
  readonly reason: string
  /** Who made it. */
  readonly by: string
  readonly atMs: number
  readonly untilMs?: number | undefined
}

export type Entries = Awaited<ReturnType<typeof openEntries>>
type StoredRow = Omit<Row, 'n'> & { readonly n: number }
type Tools = Context<unknown, { entry: Row }>

const Keys = z.array(z.string())

/** How many rows are read or written at a time. */
const SLICE = 1_000
/** How many rows are read at a time when all are: the fewer, the longer it takes; the more, the more memory. */
const LOAD_SLICE = 10_000

/** Reads what is there. A million entries take some seconds, in which nothing else waits. */
export async function openEntries({ name, sql, journal, clock, command, feed, log, schedule }: Tools) {
  const fingerprints = makeFingerprints()
  const changes = feed('changes')
  let last = 0

  async function load(): Promise<void> {
    for (;;) {
      const slice = sql.selectFrom('entry').selectAll().where('n', '>', last).orderBy('n').limit(LOAD_SLICE).as('slice')
      // As one text: so many rows would take three times as long from one thread to the other.
      const { keys, until, count } = await sql
        .selectFrom(slice)
        .select((of) => [
          of.fn<string>('json_group_array', [of(of('account', '||', '\n'), '||', of.ref('id'))]).as('keys'),
          of.fn.max('n').as('until'),
          of.fn.countAll<number>().as('count'),
        ])
        .executeTakeFirstOrThrow()
      for (const key of Keys.parse(JSON.parse(keys))) fingerprints.add(key)
      last = until ?? last
      if (count < LOAD_SLICE) return
    }
  }

  /** The addresses and customers that each of these comes to: a known one is listed with all that is known of them. */
  async function addressesOf(who: readonly Listed[]): Promise<readonly (readonly Address[])[]> {
    const byAddress = await customersAt(journal, who)
    const customers = who.map((one) => ('customer' in one ? one.customer : byAddress.get(keyOf(one))))
    const chats = await chatsOf(journal, customers)
    return who.map((one, index) => {
      const customer = customers[index]
      if (customer !== undefined) return [{ account: '', id: customer, customer }, ...(chats.get(customer) ?? [])]
      return 'customer' in one ? [] : [{ ...one, customer: null }]
    })
  }

  /** Closes at once: what the customer has just written is turned away after it. */
  async function close(conversation: string): Promise<void> {
    const id = `${name}:${conversation}:${clock.now()}`
    const by = { kind: 'feature', name } as const
    const close = { id, type: 'close', conversation, by, because: 'blacklisted', evenIfNewMessage: true } as const
    const result = await command(close)
    if (result.ok || result.code === 'NOT_FOUND') return
    log.warn({ conversation, code: result.code }, `The conversation of a listed customer stays open: ${result.message}`)
  }

  async function closeAll(customers: readonly string[]): Promise<void> {
    for (const some of sliced(customers)) {
      const open = await journal
        .selectFrom('chat')
        .select('conversation')
        .where('customer', 'in', some)
        .where('conversation', 'is not', null)
        .execute()
      for (const { conversation } of open) if (conversation !== null) await close(conversation)
    }
  }

  /** What is there for this one: by their own id, and by every address of theirs. */
  async function rowsFor(who: Listed): Promise<readonly StoredRow[]> {
    const [addresses = []] = await addressesOf([who])
    const rows = await Promise.all(
      addresses.map(({ account, id }) =>
        sql.selectFrom('entry').selectAll().where('account', '=', account).where('id', '=', id).executeTakeFirst(),
      ),
    )
    return rows.filter((row) => row !== undefined)
  }

  schedule('1h', async () => {
    await sql.deleteFrom('entry').where('until', '<=', clock.now()).execute()
  })
  // While another instance of this name is being replaced, or replaces this one, both take what the other lists.
  const loading = onceMore(load, (error) => log.error({ error }, 'New entries could not be read.'))
  changes.subscribe(0, loading)
  await load()

  return {
    close,

    /** Why somebody is turned away. Asks no table unless there is something to find. */
    find(chat: Chat, customer: Customer): Promise<string | undefined> | undefined {
      const places = [
        { account: chat.account, id: chat.externalId },
        { account: '', id: customer.id },
      ]
      return places.some((place) => fingerprints.mayHave(keyOf(place))) ? reasonOf(places) : undefined
    },

    /** The entry that holds for this one now. */
    async entryFor(who: Listed): Promise<Entry | undefined> {
      const row = (await rowsFor(who)).find(({ until }) => until === null || until > clock.now())
      return row && entryOf(row)
    },

    /** All of them are on disk, and in force, when this resolves. What was open with them is closed then, too. */
    async add(entries: readonly Entry[]): Promise<void> {
      const customers = new Set<string>()
      for (const some of sliced(entries)) {
        const addresses = await addressesOf(some.map(({ who }) => who))
        const rows = some.flatMap(({ reason, by, atMs, untilMs = null }, index) =>
          (addresses[index] ?? []).map((address) => ({ ...address, reason, actor: by, at: atMs, until: untilMs })),
        )
        // The same one twice in one statement would be its own conflict.
        const unique = [...new Map(rows.map((row) => [keyOf(row), row])).values()]
        for (const values of sliced(unique)) await insert(values)
        for (const { customer } of unique) if (customer !== null) customers.add(customer)
      }
      await changes.publish(entries.length)
      await closeAll([...customers])
    },

    /** The entries that were there for this one. What belongs together goes together, as one. */
    async remove(who: Listed): Promise<readonly Entry[]> {
      const rows = await rowsFor(who)
      const [ns, customers] = [rows.map(({ n }) => n), rows.flatMap(({ customer }) => customer ?? [])]
      // A chat may have gone over to another customer since: then its entry is still that of the first.
      const all = sql
        .deleteFrom('entry')
        .where((where) => where.or([where('n', 'in', ns), where('customer', 'in', customers)]))
      if (rows.length > 0) await all.execute()
      return [...new Map(rows.map((row) => [row.customer ?? keyOf(row), entryOf(row)])).values()]
    },

    /** A page of them, the oldest first, after a number. */
    async page(after: number, limit: number): Promise<{ readonly entries: readonly Entry[]; readonly last: number }> {
      const rows = await sql
        .selectFrom('entry')
        .selectAll()
        .where('n', '>', after)
        .where((where) => where.or([where('customer', 'is', null), where('account', '=', '')]))
        .orderBy('n')
        .limit(limit)
        .execute()
      return { entries: rows.map(entryOf), last: rows.at(-1)?.n ?? after }
    },
  }

  async function insert(values: readonly Omit<Row, 'n'>[]): Promise<void> {
    await sql
      .insertInto('entry')
      .values([...values])
      .onConflict((conflict) =>
        conflict.columns(['account', 'id']).doUpdateSet((row) => ({
          customer: row.ref('excluded.customer'),
          reason: row.ref('excluded.reason'),
          actor: row.ref('excluded.actor'),
          at: row.ref('excluded.at'),
          until: row.ref('excluded.until'),
        })),
      )
      .execute()
    for (const row of values) fingerprints.add(keyOf(row))
  }

  async function reasonOf(places: readonly Place[]): Promise<string | undefined> {
    const row = await sql
      .selectFrom('entry')
      .select('reason')
      .where((where) =>
        where.or(places.map(({ account, id }) => where.and([where('account', '=', account), where('id', '=', id)]))),
      )
      .where((where) => where.or([where('until', 'is', null), where('until', '>', clock.now())]))
      .limit(1)
      .executeTakeFirst()
    return row?.reason
  }
}

// ── who is known ────────────────────────────────────────────────────────────────────────────

interface Place {
  readonly account: string
  readonly id: string
}
type Address = Place & { readonly customer: string | null }
type Journal = Tools['journal']

/** The customers behind the addresses among these. */
async function customersAt(journal: Journal, who: readonly Listed[]): Promise<ReadonlyMap<string, string>> {
  const customers = new Map<string, string>()
  const byAccount = new Map<string, string[]>()
  for (const one of who) {
    if ('customer' in one) continue
    const ids = byAccount.get(one.account)
    if (ids) ids.push(one.id)
    else byAccount.set(one.account, [one.id])
  }
  for (const [account, ids] of byAccount) {
    const chats = await journal
      .selectFrom('chat')
      .select(['external_id', 'customer'])
      .where('account', '=', account)
      .where('external_id', 'in', ids)
      .execute()
    for (const { external_id: id, customer } of chats) customers.set(keyOf({ account, id }), customer)
  }
  return customers
}

async function chatsOf(
  journal: Journal,
  customers: readonly (string | undefined)[],
): Promise<ReadonlyMap<string, readonly Address[]>> {
  const known = [...new Set(customers.flatMap((customer) => customer ?? []))]
  if (known.length === 0) return new Map()
  const chats = await journal
    .selectFrom('chat')
    .select(['account', 'external_id', 'customer'])
    .where('customer', 'in', known)
    .execute()
  return Map.groupBy(
    chats.map(({ account, external_id: id, customer }) => ({ account, id, customer })),
    ({ customer }) => customer,
  )
}

// ── rows ────────────────────────────────────────────────────────────────────────────────────

function keyOf({ account, id }: Place): string {
  return `${account}\n${id}`
}

function entryOf({ account, id, reason, actor, at, until, customer }: StoredRow): Entry {
  const who = customer === null ? { account, id } : { customer }
  return { who, reason, by: actor, atMs: at, ...(until !== null && { untilMs: until }) }
}

function sliced<T>(items: readonly T[]): readonly (readonly T[])[] {
  const slices: T[][] = []
  for (let from = 0; from < items.length; from += SLICE) slices.push(items.slice(from, from + SLICE))
  return slices
}

/** Runs it once for all calls that come before it has begun, and again for those that come while it runs. */
function onceMore(run: () => Promise<void>, onError: (error: unknown) => void): () => void {
  let waits = false
  let queue = Promise.resolve()
  return () => {
    if (waits) return
    waits = true
    queue = queue.then(() => {
      waits = false
      return run().catch(onError)
    })
  }
}

/** Who did it, as an entry says it. */
export function nameOf(by: Actor): string {
  return 'person' in by ? by.person : 'name' in by ? by.name : by.kind
}
