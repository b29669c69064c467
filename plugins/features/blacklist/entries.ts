/** The entries that are made at run time: in a table, and as fingerprints in memory, so that most turns ask no table. */
import { randomUUID } from 'node:crypto'
import { sql as raw } from 'kysely'
import {
  type Actor,
  type Chat,
  type Context,
  type Customer,
  type ErasedCustomer,
  type Generated,
  type Json,
  type KnownAs,
  tables,
  z,
} from '#core'
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

/** One that is to be made. `who` may have an address of the customer besides, which is listed with the others. */
export interface NewEntry extends Omit<Entry, 'who'> {
  readonly who: Listed | (Place & { readonly customer: string })
}

/** What was made of it: `before` is the entry in whose place it is. */
export interface Change {
  readonly before: Entry | undefined
  readonly after: Entry
}

export type Entries = Awaited<ReturnType<typeof openEntries>>
type StoredRow = Omit<Row, 'n'> & { readonly n: number }
type Tools = Context<unknown, { entry: Row }>

const Keys = z.array(z.string())

/** The reason why somebody is listed of whom nothing else is kept. */
const ERASED = 'erased'

/** How many keys are looked for at a time. */
const SLICE = 1_000
/** How many rows are read at a time when all are: the fewer, the longer it takes; the more, the more memory. */
const LOAD_SLICE = 10_000
/** How many chats are turned away at a time. */
const AT_ONCE = 50

/** Reads what is there. A million entries take some seconds, in which nothing else waits. */
export async function openEntries({ name, sql, journal, clock, command, channels, feed, log }: Tools) {
  const fingerprints = makeFingerprints()
  const changes = feed('changes')
  const oneByOne = queue()
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

  /** The addresses that each of these comes to: a known customer is listed with all that is known of them. */
  async function addressesOf(who: readonly NewEntry['who'][]): Promise<readonly (readonly Address[])[]> {
    const byAddress = await customersAt(journal, who)
    const byId = await whoTheyAre(journal, who)
    const customers = who.map(
      (one) =>
        ('customer' in one ? byId.get(one.customer) : undefined) ??
        ('account' in one ? byAddress.get(keyOf(one)) : undefined),
    )
    const chats = await chatsOf(journal, customers)
    return who.map((one, index) => {
      const customer = customers[index]
      const own = 'account' in one ? [{ account: one.account, id: one.id, customer: customer ?? null }] : []
      return customer === undefined
        ? own
        : [{ account: '', id: customer, customer }, ...(chats.get(customer) ?? []), ...own]
    })
  }

  /** Whatever is open or under way in these chats ends: the list is in force by now. */
  async function turnAway(chats: readonly string[]): Promise<void> {
    const by = { kind: 'feature', name } as const
    for (const some of sliced([...new Set(chats)], AT_ONCE)) {
      const results = await Promise.all(
        some.map((chat) => command({ id: randomUUID(), type: 'turn-away', chat, by, because: 'blacklisted' })),
      )
      for (const [index, result] of results.entries()) {
        if (!result.ok && result.code !== 'NOT_FOUND')
          log.warn({ chat: some[index] }, `The chat of a listed customer stays as it is: ${result.message}`)
      }
    }
  }

  /** The rows at these addresses. */
  function rowsAt(places: readonly Place[]): Promise<readonly StoredRow[]> {
    const keys = JSON.stringify(places.map(({ account, id }) => [account, id]))
    const among = raw<boolean>`(account, id) in (select value ->> 0, value ->> 1 from json_each(${keys}))`
    return sql.selectFrom('entry').selectAll().where(among).orderBy('n').execute()
  }

  /** What is there for this one: by their own id, and by every address of theirs. */
  async function rowsFor(who: Listed): Promise<readonly StoredRow[]> {
    const [addresses = []] = await addressesOf([who])
    return rowsAt(addresses)
  }

  /** One statement, and so one transaction: all of them, or none. */
  async function insert(values: readonly Omit<Row, 'n'>[]): Promise<void> {
    const given = raw<{ value: string }>`json_each(${JSON.stringify(values)})`.as('given')
    const column = (of: keyof Omit<Row, 'n'>) => raw<string>`given.value ->> ${raw.lit(of)}`.as(of)
    await sql
      .insertInto('entry')
      .columns(COLUMNS)
      // Without a condition SQLite would take what follows for that of a join.
      .expression((from) => from.selectFrom(given).select(COLUMNS.map(column)).where(raw<boolean>`true`))
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

  async function add(entries: readonly NewEntry[]): Promise<readonly Change[]> {
    const people = new Map<string, { readonly entry: Entry; readonly rows: Map<string, Omit<Row, 'n'>> }>()
    for (const some of sliced(entries)) {
      const addresses = await addressesOf(some.map(({ who }) => who))
      for (const [index, { reason, by, atMs, untilMs }] of some.entries()) {
        const [first, ...rest] = addresses[index] ?? []
        if (!first) continue
        // The same one twice would be its own conflict: the later counts, with the addresses of both.
        const key = first.customer ?? keyOf(first)
        const rows = people.get(key)?.rows ?? new Map<string, Omit<Row, 'n'>>()
        const about = { reason, actor: by, at: atMs, until: untilMs ?? null }
        for (const address of [...rows.values(), first, ...rest]) {
          const { account, id, customer } = address
          rows.set(keyOf(address), { account, id, customer, ...about })
        }
        people.set(key, { entry: entryOf({ ...first, ...about }), rows })
      }
    }
    const rows = [...people.values()].flatMap(({ rows }) => [...rows.values()])
    const before = new Map((await rowsAt(rows)).map((row) => [keyOf(row), row]))
    await insert(rows)
    await changes.publish(entries.length)
    await turnAway(await chatsAt(journal, rows))
    return [...people.values()].map(({ entry, rows }) => {
      const [replaced] = [...rows.keys()].flatMap((key) => before.get(key) ?? [])
      return { before: replaced && entryOf(replaced), after: entry }
    })
  }

  async function remove(who: Listed): Promise<readonly Entry[]> {
    const rows = await rowsFor(who)
    const [ns, customers] = [rows.map(({ n }) => n), rows.flatMap(({ customer }) => customer ?? [])]
    // A chat may have gone over to another customer since: then its entry is still that of the first.
    const all = sql
      .deleteFrom('entry')
      .where((where) => where.or([where('n', 'in', ns), where('customer', 'in', customers)]))
    if (rows.length > 0) await all.execute()
    return entriesOf(rows)
  }

  /** Of somebody who was erased: they stay turned away where they write, and nothing says why, or that they are one. */
  async function erase({ ids, chats, atMs }: ErasedCustomer): Promise<void> {
    const places = JSON.stringify(chats.map(({ account, externalId }) => [account, externalId]))
    const isTheirs = raw<boolean>`(customer in (select value from json_each(${JSON.stringify(ids)}))
      or (account, id) in (select value ->> 0, value ->> 1 from json_each(${places})))`
    await sql.deleteFrom('entry').where('account', '=', '').where('id', 'in', ids).execute()
    await sql
      .updateTable('entry')
      .set({ customer: null, reason: ERASED })
      .where(isTheirs)
      .where('at', '<=', atMs)
      .execute()
  }

  async function removeOver(): Promise<readonly Entry[]> {
    const over = sql.deleteFrom('entry').where('until', '<=', clock.now()).returningAll()
    return entriesOf((await over.execute()).toSorted((a, b) => a.n - b.n))
  }

  // While another instance of this name is being replaced, or replaces this one, both take what the other lists: and
  // nobody is let pass before it is known.
  let loading: Promise<void> | undefined
  const loadMore = onceMore(load, (error) => log.error({ error }, 'New entries could not be read.'))
  changes.subscribe(0, () => {
    const now = loadMore().then(() => {
      if (loading === now) loading = undefined
    })
    loading = now
  })
  await load()

  function find(chat: Chat, customer: Pick<Customer, 'id'>): Promise<string | undefined> | undefined {
    if (loading) return loading.then(() => find(chat, customer))
    const places = [
      { account: chat.account, id: chat.externalId },
      { account: '', id: customer.id },
    ]
    return places.some((place) => fingerprints.mayHave(keyOf(place))) ? reasonOf(places) : undefined
  }

  async function reasonOf(places: readonly Place[]): Promise<string | undefined> {
    const row = (await rowsAt(places)).find(({ until }) => until === null || until > clock.now())
    return row?.reason
  }

  return {
    turnAway,

    /** Why somebody is turned away. Asks no table unless there is something to find. */
    find,

    /** The entries that hold for this one now, the oldest first. */
    async entriesFor(who: Listed): Promise<readonly Entry[]> {
      return entriesOf((await rowsFor(who)).filter(({ until }) => until === null || until > clock.now()))
    },

    /** Why each of these would turn nobody away; `undefined`: it would. */
    async problemsWith(entries: readonly NewEntry[]): Promise<readonly (string | undefined)[]> {
      const customers = await whoTheyAre(
        journal,
        entries.map(({ who }) => who),
      )
      const accounts = new Set(channels().map(({ account }) => account))
      return entries.map(({ who, untilMs }) => {
        if (untilMs !== undefined && untilMs <= clock.now()) return 'Its end is over already.'
        if ('account' in who)
          return accounts.has(who.account) ? undefined : `No channel has the account "${who.account}".`
        return customers.has(who.customer) ? undefined : `There is no customer "${who.customer}".`
      })
    },

    /**
     * All of them are on disk, and in force, when this resolves, or none. What was open with them is closed then, too.
     * Whoever comes to nobody is left out: see `problemsWith`.
     */
    add: (entries: readonly NewEntry[]) => oneByOne(() => add(entries)),

    /** The entries that were there for this one. What belongs together goes together, as one. */
    remove: (who: Listed) => oneByOne(() => remove(who)),

    async kept({ ids: [customer = ''] }: KnownAs): Promise<Json | undefined> {
      const rows = await rowsFor({ customer })
      return rows.length > 0 ? JSON.parse(JSON.stringify(entriesOf(rows))) : undefined
    },

    erase: (customer: ErasedCustomer) => oneByOne(() => erase(customer)),

    /** Those whose end is over go; what was there is given. */
    removeOver: () => oneByOne(removeOver),

    /** A page of those that hold now, the oldest first, after a number. */
    async page(after: number, limit: number): Promise<{ readonly entries: readonly Entry[]; readonly last: number }> {
      const rows = await sql
        .selectFrom('entry')
        .selectAll()
        .where('n', '>', after)
        .where((where) => where.or([where('customer', 'is', null), where('account', '=', '')]))
        .where((where) => where.or([where('until', 'is', null), where('until', '>', clock.now())]))
        .orderBy('n')
        .limit(limit)
        .execute()
      return { entries: rows.map(entryOf), last: rows.at(-1)?.n ?? after }
    },

    /** Whether something holds now for one of these addresses, and for which. */
    async heldAt(places: readonly Place[]): Promise<(place: Place) => boolean> {
      const held = (await rowsAt(places)).filter(({ until }) => until === null || until > clock.now())
      const keys = new Set(held.map(keyOf))
      return (place) => keys.has(keyOf(place))
    },

    /** The customers of whom it is known that these addresses are theirs. */
    customersAt: async (places: readonly Place[]) => [...(await customersAt(journal, places)).values()],

    /** The customers for whom something holds now: of so many entries, the latest first. */
    async latestCustomers(limit: number): Promise<readonly string[]> {
      const rows = await sql
        .selectFrom('entry')
        .select(['account', 'id', 'customer'])
        .where((where) => where.or([where('customer', 'is', null), where('account', '=', '')]))
        .where((where) => where.or([where('until', 'is', null), where('until', '>', clock.now())]))
        .orderBy('n', 'desc')
        .limit(limit)
        .execute()
      const who = rows.map(({ account, id, customer }) => (customer === null ? { account, id } : { customer }))
      const [byAddress, byId] = [await customersAt(journal, who), await whoTheyAre(journal, who)]
      return who.flatMap((one) => ('customer' in one ? byId.get(one.customer) : byAddress.get(keyOf(one))) ?? [])
    },

    /** The addresses that each of these stands for: those that were listed, and those that have come since. */
    async placesOf(entries: readonly Entry[]): Promise<readonly (readonly Place[])[]> {
      const customers = entries.flatMap(({ who }) => ('customer' in who ? who.customer : []))
      const chats = await chatsOf(journal, customers)
      const rows = await sql
        .selectFrom('entry')
        .selectAll()
        .where(raw<boolean>`customer in (select value from json_each(${JSON.stringify(customers)}))`)
        .where('account', '!=', '')
        .orderBy('n')
        .execute()
      const listed = Map.groupBy(rows, ({ customer }) => customer)
      return entries.map(({ who }) => {
        if (!('customer' in who)) return [who]
        const all = [...(listed.get(who.customer) ?? []), ...(chats.get(who.customer) ?? [])]
        return [...new Map(all.map((place) => [keyOf(place), place])).values()]
      })
    },
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
async function customersAt(journal: Journal, who: readonly NewEntry['who'][]): Promise<ReadonlyMap<string, string>> {
  const places = who.flatMap((one) => ('account' in one ? one : []))
  const chats = await chatRowsAt(journal, places)
  return new Map(chats.map(({ account, external_id: id, customer }) => [keyOf({ account, id }), customer]))
}

/** By the ids among these, whose they are: somebody may have turned out to be another customer. */
async function whoTheyAre(journal: Journal, who: readonly NewEntry['who'][]): Promise<ReadonlyMap<string, string>> {
  const ids = who.flatMap((one) => ('customer' in one ? one.customer : []))
  const found = new Map<string, string>()
  for (const some of sliced(ids)) {
    const rows = await journal.selectFrom('customer').select(['id', 'merged_into']).where('id', 'in', some).execute()
    for (const { id, merged_into } of rows) found.set(id, merged_into ?? id)
  }
  return found
}

async function chatsOf(
  journal: Journal,
  customers: readonly (string | undefined)[],
): Promise<ReadonlyMap<string, readonly Address[]>> {
  const known = [...new Set(customers.flatMap((customer) => customer ?? []))]
  const found: Address[] = []
  for (const some of sliced(known)) {
    const chats = await journal
      .selectFrom('chat')
      .select(['account', 'external_id', 'customer'])
      .where('customer', 'in', some)
      .execute()
    for (const { account, external_id: id, customer } of chats) found.push({ account, id, customer })
  }
  return Map.groupBy(found, ({ customer }) => customer ?? '')
}

/** The chats of these addresses, and of these customers: also those that have come since they were looked up. */
async function chatsAt(journal: Journal, rows: readonly Address[]): Promise<readonly string[]> {
  const ids = (await chatRowsAt(journal, rows)).map(({ id }) => id)
  const customers = rows.flatMap(({ account, customer }) => (account === '' && customer !== null ? customer : []))
  for (const some of sliced(customers)) {
    const chats = await journal.selectFrom('chat').select('id').where('customer', 'in', some).execute()
    ids.push(...chats.map(({ id }) => id))
  }
  return ids
}

async function chatRowsAt(journal: Journal, places: readonly Place[]) {
  const found: { id: string; account: string; external_id: string; customer: string }[] = []
  for (const [account, some] of Map.groupBy(places, ({ account }) => account)) {
    for (const slice of sliced(some)) {
      const ids = slice.map(({ id }) => id)
      const chats = journal.selectFrom('chat').select(['id', 'account', 'external_id', 'customer'])
      found.push(...(await chats.where('account', '=', account).where('external_id', 'in', ids).execute()))
    }
  }
  return found
}

// ── rows ────────────────────────────────────────────────────────────────────────────────────

const COLUMNS = ['account', 'id', 'customer', 'reason', 'actor', 'at', 'until'] as const

function keyOf({ account, id }: Place): string {
  return `${account}\n${id}`
}

function entryOf({ account, id, reason, actor, at, until, customer }: Omit<Row, 'n'>): Entry {
  const who = customer === null ? { account, id } : { customer }
  return { who, reason, by: actor, atMs: at, ...(until !== null && { untilMs: until }) }
}

/** What belongs together is one entry. */
function entriesOf(rows: readonly Omit<Row, 'n'>[]): readonly Entry[] {
  const entries = new Map<string, Entry>()
  for (const row of rows) {
    const key = row.customer ?? keyOf(row)
    if (!entries.has(key)) entries.set(key, entryOf(row))
  }
  return [...entries.values()]
}

function sliced<T>(items: readonly T[], size = SLICE): readonly (readonly T[])[] {
  const slices: T[][] = []
  for (let from = 0; from < items.length; from += size) slices.push(items.slice(from, from + size))
  return slices
}

/** Runs what it is given one after the other. */
function queue(): <T>(run: () => Promise<T>) => Promise<T> {
  let before: Promise<unknown> = Promise.resolve()
  return (run) => {
    const now = before.then(run)
    before = now.catch(() => undefined)
    return now
  }
}

/** Runs it once for all calls that come before it has begun, and again for those that come while it runs. */
function onceMore(run: () => Promise<void>, onError: (error: unknown) => void): () => Promise<void> {
  let waits = false
  let queue = Promise.resolve()
  return () => {
    if (waits) return queue
    waits = true
    queue = queue.then(() => {
      waits = false
      return run().catch(onError)
    })
    return queue
  }
}

/** Who did it, as an entry says it. */
export function nameOf(by: Actor): string {
  return 'person' in by ? by.person : 'name' in by ? by.name : by.kind
}
