/** Customers over the API: their list, what people change of them, calling back, one customer's export and end. */
import { Readable } from 'node:stream'
import type { Kysely } from 'kysely'
import { type Context, type JournalTables, z } from '#core'
import type { Blacklist } from '../../../services/blacklist.ts'
import { type askedOfCustomers, type Customer, type CustomerList, MAX_TAGS } from '../api/customers-shapes.ts'
import type { EntriesOf } from '../api/entries.ts'
import { Refusal } from '../api/refusal.ts'
import { personOf, type Sight } from '../api/seen.ts'
import { type Api, OK } from '../api/serve.ts'
import type { Settings } from '../config.ts'
import { addBlacklist, blockedOf } from './blacklist.ts'
import { exportOf } from './export.ts'
import { fieldNames, shownFields } from './fields.ts'
import { makeHistory } from './history.ts'
import { type Period, weekOf } from './period.ts'

const Cursor = z.tuple([z.number(), z.string()])
const Tags = z.array(z.string())
const Fields = z.record(z.string(), z.json())
/** So many of those who are turned away are listed. */
const MAX_BLOCKED = 1_000

type ListQuery = z.output<typeof askedOfCustomers.list>

export function addCustomers(
  api: Api,
  of: {
    readonly desk: string
    readonly settings: Settings
    readonly journal: Kysely<JournalTables>
    readonly sight: Sight
    readonly entries: EntriesOf
    readonly blacklist: Blacklist | undefined
    readonly timeZone: string
    readonly clock: { now(): number }
    readonly customers: Context<unknown, unknown>['customers']
    channelOf(account: string): string
    accountOf(channel: string): string | undefined
    /** Counts what is about to go. */
    beforeErasing(): Promise<void>
  },
): void {
  const { desk, settings, journal, sight, entries, blacklist, timeZone, clock, customers } = of
  const names = fieldNames(settings)
  const history = makeHistory({ journal, sight, entries })
  addBlacklist(api, blacklist)

  api.on('GET /customers', async ({ calling, query }): Promise<CustomerList> => {
    const isAgent = calling.role === 'agent'
    if (isAgent && !settings.customers.forAgents)
      throw new Refusal('CUSTOMERS_NOT_FOR_AGENTS', { params: { setting: `desks.${desk}.customers.forAgents` } })
    const created = createdIn(query)
    const { search, name, id, tag, channel, blocked, sort, limit } = query
    const account = channel === undefined ? undefined : (of.accountOf(channel) ?? channel)
    const page = await customers.list({
      filter: {
        ...{ search, name, id, tag, account, created },
        ...(blocked && { among: (await blacklist?.customers(MAX_BLOCKED)) ?? [] }),
      },
      servedBy: calling.teams && { desk, teams: calling.teams, person: personOf(calling) },
      sort,
      cursor: query.cursor === undefined ? undefined : cursorOf(query.cursor),
      limit,
    })
    const turnedAway = await blacklist?.among(page.customers.map(({ id }) => id))
    return {
      customers: page.customers.map(({ name, avatarUrl, language, ...one }) => ({
        id: one.id,
        ...(name !== undefined && { name }),
        ...(avatarUrl !== undefined && { avatarUrl }),
        ...(language !== undefined && { language }),
        tags: [...one.tags],
        fields: Fields.parse(shownFields(one.fields)),
        chats: one.chats.map(({ account, externalId }) => ({ channel: of.channelOf(account), externalId })),
        firstAtMs: one.firstAtMs,
        lastAtMs: one.lastAtMs,
        isBlocked: turnedAway?.has(one.id) ?? false,
      })),
      ...(page.next && { next: JSON.stringify(page.next) }),
      ...(created && { created }),
      timeZone,
    }
  })

  /** This week, unless something else is asked for. */
  function createdIn({ from, until, came, search, name, id, tag, channel, blocked }: ListQuery): Period | undefined {
    if (from !== undefined || until !== undefined) return { fromMs: from ?? 0, untilMs: until ?? clock.now() + 1 }
    const isSearch = [search, name, id, tag, channel, blocked].some((one) => one !== undefined)
    const isEver = came === undefined ? isSearch : came === 'ever'
    return isEver ? undefined : weekOf(clock.now(), timeZone, settings.customers.weekStartsOn)
  }

  api.on('GET /customers/:customer', async ({ calling, params }): Promise<Customer> => {
    const { id } = await mustBe(params.customer)
    const row = await journal.selectFrom('customer').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
    const conversations = await entries.stretchesOf(calling, id)
    const all = await journal
      .selectFrom('chat')
      .select(['id', 'account', 'external_id'])
      .where('customer', '=', id)
      .execute()
    const seen = new Set(conversations.map(({ chat }) => chat))
    const chats = calling.teams ? all.filter(({ id }) => seen.has(id)) : all
    const blocked = await blacklist?.list(row.id)
    return {
      id: row.id,
      ...(row.name !== null && { name: row.name }),
      ...(row.avatar_url !== null && { avatarUrl: row.avatar_url }),
      ...(row.language !== null && { language: row.language }),
      tags: Tags.parse(JSON.parse(row.tags_json)),
      fields: shownFields(Fields.parse(JSON.parse(row.fields_json))),
      firstAtMs: row.first_at,
      lastAtMs: row.last_at,
      chats: chats.map(({ id, account, external_id }) => ({
        chat: id,
        channel: of.channelOf(account),
        externalId: external_id,
      })),
      conversations: [...conversations],
      ...(blocked && { blacklist: blocked.map(blockedOf) }),
    }
  })

  api.on('GET /customers/:customer/history', async ({ calling, params, query }) =>
    history(calling, (await mustBe(params.customer)).id, query),
  )

  api.on('POST /customers/:customer/change', async ({ params, body: { name, fields }, note }) => {
    const unknown = Object.keys(fields).find((field) => !names.includes(field))
    if (unknown !== undefined) throw new Refusal('FIELD_UNKNOWN', { params: { field: unknown } })
    const before = await mustBe(params.customer)
    await customers.patch(params.customer, { name, fields })
    const changed = Object.keys(fields).map((field) => [field, before.fields[field] ?? null])
    note({
      before: { ...(name !== undefined && { name: before.name ?? null }), ...Object.fromEntries(changed) },
      after: { ...(name !== undefined && { name }), ...fields },
    })
    return OK
  })

  api.on('POST /customers/:customer/tags', async ({ params, body, note }) => {
    const before = await mustBe(params.customer)
    const next = new Set([...before.tags.filter((tag) => !body.remove.includes(tag)), ...body.add])
    if (body.add.length > 0 && next.size > MAX_TAGS) throw new Refusal('TOO_MANY_TAGS', { params: { most: MAX_TAGS } })
    const after = await customers.tag(params.customer, body)
    note({ before: [...before.tags], after: [...(after ?? [])] })
    return OK
  })

  api.on('POST /customers/:customer/merge', async ({ calling, params, body: { into }, note }) => {
    if (!(await sight.customer(calling, into))) throw new Refusal('NOT_FOUND')
    const [from, to] = [await mustBe(params.customer), await mustBe(into)]
    if (from.id === to.id) throw new Refusal('SAME_CUSTOMER')
    const done = await customers.merge(params.customer, into)
    if (done === 'not-found') throw new Refusal('NOT_FOUND')
    if (done === 'known-apart') throw new Refusal('KNOWN_APART')
    const notes = [to, from].map(({ fields }) => fields.notes).filter((one) => typeof one === 'string' && one !== '')
    if (notes.length > 1) await customers.patch(into, { fields: { notes: notes.join('\n') } })
    note({ before: { from: from.name ?? null, into: to.name ?? null }, after: { into } })
    return OK
  })

  api.on('GET /customers/:customer/export', async ({ params, reply }) => {
    const { id } = await mustBe(params.customer)
    const kept = await customers.kept(id)
    reply
      .header('content-disposition', `attachment; filename="customer-${id}.json"`)
      .type('application/json; charset=utf-8')
      .send(Readable.from(exportOf(journal, id, kept)))
    return undefined
  })

  api.on('POST /customers/:customer/erase', async ({ params, note }) => {
    const { id } = await mustBe(params.customer)
    await of.beforeErasing()
    const { state, entries } = await customers.erase(id)
    if (state === 'not-found') throw new Refusal('NOT_FOUND')
    // They have written something while it went on; what was gone by then is gone.
    if (state === 'busy') throw new Refusal('CUSTOMER_BUSY', entries > 0 ? { done: { entries } } : {})
    note({ after: { entries } })
    return OK
  })

  async function mustBe(id: string) {
    const found = await customers.get(id)
    if (!found) throw new Refusal('NOT_FOUND')
    return found
  }
}

function cursorOf(text: string): z.output<typeof Cursor> {
  try {
    return Cursor.parse(JSON.parse(text))
  } catch (cause) {
    throw new Refusal('CURSOR_NOT_GOOD', { cause })
  }
}
