/** What the operator and programs of theirs do with the list by HTTP. */
import { Readable } from 'node:stream'
import { type Actor, type Context, z } from '#core'
import type { Blacklist, Listed } from '../../services/blacklist.ts'
import { BadImport, csvLine, readCsv } from './csv.ts'
import type { Entries, NewEntry } from './entries.ts'
import { auditAdded, type Told, told } from './service.ts'

/** Who asks: the operator's token is no name. */
const By = z.string().trim().min(1).max(100)
const Id = z.string().min(1).max(512)
const Reason = z.string().trim().min(1, { error: 'Say why: a reason must be given.' }).max(500)
const Time = z.iso.datetime({ offset: true }).transform((time) => Date.parse(time))

const where = {
  customer: Id.optional(),
  account: z
    .string()
    .max(512)
    .regex(/^[^:\s]+:./, 'Write the account as explain shows it, such as wechat:wx1234567890.')
    .optional(),
  id: Id.optional(),
}
const Who = z.strictObject(where).transform(whoOf)
const Removing = z
  .strictObject({ ...where, by: By })
  .transform(({ by, ...who }, context) => ({ by, who: whoOf(who, context) }))
const Adding = z
  .strictObject({ ...where, reason: Reason, by: By, until: Time.optional() })
  .transform(({ reason, by, until: untilMs, ...who }, context) => ({ who: whoOf(who, context), reason, by, untilMs }))
/** What was exported can be imported: with the customer, if they are known here, and by their address anywhere. */
const Imported = z
  .strictObject({ ...where, reason: Reason, by: By.optional(), at: Time.optional(), until: Time.optional() })
  .transform(({ customer, account, id, reason, by, at: atMs, until: untilMs }, context) => {
    const about = { reason, by, atMs, untilMs }
    if (customer !== undefined && account !== undefined && id !== undefined)
      return { who: { customer, account, id }, ...about }
    return { who: whoOf({ customer, account, id }, context), ...about }
  })

function whoOf(
  { customer, account, id }: { readonly [K in keyof typeof where]?: string | undefined },
  context: z.RefinementCtx,
): Listed {
  if (customer !== undefined && account === undefined && id === undefined) return { customer }
  if (customer === undefined && account !== undefined && id !== undefined) return { account, id }
  context.addIssue('Say who: a customer, or the account and the id that its platform gives them.')
  return z.NEVER
}

const Page = z.object({
  after: z.coerce.number().int().nonnegative().default(0),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
})

const MAX_IMPORTED = 10_000
const MAX_IMPORT_BYTES = 4 * 1024 * 1024
const Import = z.strictObject({
  by: By,
  entries: z
    .array(z.unknown())
    .min(1)
    .max(MAX_IMPORTED, { error: `Import at most ${MAX_IMPORTED} entries at a time.` }),
})

const COLUMNS = ['customer', 'account', 'id', 'reason', 'by', 'at', 'until'] as const

type Tools = Pick<Context<unknown, unknown>, 'web' | 'clock' | 'audit'>

/** All of them are the operator's. */
export function addRoutes({ web, clock, audit }: Tools, entries: Entries, list: Blacklist): void {
  web.get('/', async ({ query }) => {
    const { after, limit } = Page.parse(query)
    const page = await entries.page(after, limit)
    return { entries: page.entries.map(told), ...(page.entries.length === limit && { next: page.last }) }
  })

  web.get('/find', async ({ query }, answer) => {
    const [entry] = await entries.entriesFor(Who.parse(query))
    return entry ? told(entry) : answer.code(404).send(NOT_LISTED)
  })

  web.post('/', async ({ body }, answer) => {
    const { who, by, ...entry } = Adding.parse(body)
    await list.add(who, { ...entry, by: personOf(by) })
    return answer.code(201).send({ ...who, reason: entry.reason })
  })

  web.delete('/', async ({ query }, answer) => {
    const { who, by } = Removing.parse(query)
    const wasListed = await list.remove(who, { by: personOf(by) })
    return wasListed ? { removed: true } : answer.code(404).send(NOT_LISTED)
  })

  web.addContentTypeParser('text/csv', { parseAs: 'string' }, (_request, body, done) => done(null, String(body)))
  web.post('/import', { bodyLimit: MAX_IMPORT_BYTES }, async ({ body, query }) => {
    const given =
      typeof body === 'string'
        ? { ...z.object({ by: By }).parse(query), entries: readCsv(body, COLUMNS, MAX_IMPORTED) }
        : body
    const { by, entries: rows } = Import.parse(given)
    const read = rows.map((row, index) => imported(row, index, by, clock.now()))
    const problems = await entries.problemsWith(read)
    const good = read.filter((_, index) => problems[index] === undefined)
    auditAdded(audit, 'blacklist.import', personOf(by), await entries.add(good))
    const leftOut = problems.flatMap((because, index) => (because ? [{ entry: index + 1, because }] : []))
    return { imported: good.length, leftOut }
  })

  web.get('/export.json', (_request, answer) => {
    const body = Readable.from(asJson(allOf(entries)))
    return answer
      .type('application/json; charset=utf-8')
      .header('content-disposition', 'attachment; filename="blacklist.json"')
      .send(body)
  })

  web.get('/export.csv', (_request, answer) => {
    const body = Readable.from(asCsv(allOf(entries)))
    return answer
      .type('text/csv; charset=utf-8')
      .header('content-disposition', 'attachment; filename="blacklist.csv"')
      .send(body)
  })
}

const NOT_LISTED = { code: 'NOT_FOUND', message: 'Nobody of that name is on the list.' }

function personOf(person: string): Actor {
  return { kind: 'agent', person }
}

function imported(row: unknown, index: number, importer: string, nowMs: number): NewEntry {
  const { success, data, error } = Imported.safeParse(row)
  if (success) return { ...data, by: data.by ?? importer, atMs: data.atMs ?? nowMs }
  const [issue] = error.issues
  const at = issue?.path.length ? `, ${issue.path.join('.')}` : ''
  throw new BadImport(`Entry ${index + 1}${at}: ${issue?.message ?? 'it is not valid'}. Nothing was imported.`)
}

/** An entry for each address: our ids of customers mean nothing to another server. */
interface Exported extends Omit<Told, 'customer' | 'account' | 'id'> {
  readonly customer?: string | undefined
  readonly account?: string | undefined
  readonly id?: string | undefined
}

async function* allOf(entries: Entries): AsyncGenerator<readonly Exported[]> {
  for (let after = 0; ; ) {
    const page = await entries.page(after, 1_000)
    if (page.entries.length === 0) return
    const places = await entries.placesOf(page.entries)
    yield page.entries.flatMap((entry, index) => {
      const found = places[index] ?? []
      if (found.length === 0) return [told(entry)]
      return found.map(({ account, id }) => ({ ...entry.who, account, id, ...told(entry) }))
    })
    after = page.last
  }
}

async function* asJson(pages: AsyncIterable<readonly Exported[]>): AsyncGenerator<string> {
  let before = '{ "entries": ['
  for await (const page of pages) {
    yield `${before}\n  ${page.map((entry) => JSON.stringify(entry)).join(',\n  ')}`
    before = ','
  }
  yield before === ',' ? '\n] }\n' : `${before}] }\n`
}

async function* asCsv(pages: AsyncIterable<readonly Exported[]>): AsyncGenerator<string> {
  yield csvLine(COLUMNS)
  for await (const page of pages) {
    yield page
      .map((entry) => {
        const cells: { readonly [column: string]: string | undefined } = { ...entry }
        return csvLine(COLUMNS.map((column) => cells[column]))
      })
      .join('')
  }
}
