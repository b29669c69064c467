/** The operator's routes, asked over HTTP as programs do. */
import { expect, test, vi } from 'vitest'
import { type TestRuntime, testRuntime } from '#core/testing'
import { csvLine, readCsv } from './csv.ts'
import blacklist from './index.ts'

const TOKEN = 'a-token-that-nobody-guesses'
const config = {
  server: { port: 0, publicUrl: 'http://localhost', token: TOKEN },
  bots: { parrot: { use: 'echo' } },
  features: [{ use: blacklist }],
}
const start = () => testRuntime(config, { listen: true })

async function ask(
  { runtime }: TestRuntime,
  path: string,
  { method = 'GET', body, type = 'application/json', token = TOKEN }: Asking = {},
) {
  const headers = { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': type }) }
  const response = await fetch(`${runtime.url}/blacklist${path}`, {
    method,
    headers,
    ...(body !== undefined && { body }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json')
  const json: unknown = isJson ? JSON.parse(text) : undefined
  return { status: response.status, text, json }
}
interface Asking {
  readonly method?: string
  readonly body?: string
  readonly type?: string
  readonly token?: string
}

const add = (bot: TestRuntime, entry: object) => ask(bot, '', { method: 'POST', body: JSON.stringify(entry) })
const U1 = { account: 'memory:memory', id: 'u1' }

test('C-BL-01: the operator adds with a reason, finds, lists and removes; nobody else gets in', async () => {
  await using bot = await start()
  expect(await ask(bot, '', { token: 'wrong' })).toMatchObject({ status: 401 })
  expect(await add(bot, { ...U1, reason: '  ', by: 'amy' })).toMatchObject({
    status: 400,
    json: { message: 'reason: Say why: a reason must be given.' },
  })
  expect((await add(bot, { ...U1, reason: 'Spam', by: 'amy', until: '2030-01-01T08:00:00+08:00' })).status).toBe(201)
  const entry = { ...U1, reason: 'Spam', by: 'amy', at: '2026-01-01T00:00:00.000Z', until: '2030-01-01T00:00:00.000Z' }
  expect((await ask(bot, '')).json).toEqual({ entries: [entry] })
  expect((await ask(bot, '/find?account=memory:memory&id=u1')).json).toEqual(entry)
  await bot.user('u1').says('hello').hearsNothing()
  const remove = () => ask(bot, '?account=memory:memory&id=u1&by=bo', { method: 'DELETE' })
  expect(await remove()).toMatchObject({ status: 200 })
  expect(await remove()).toMatchObject({ status: 404 })
  expect(await ask(bot, '/find?account=memory:memory&id=u1')).toMatchObject({ status: 404 })
  await bot.user('u1').says('hello').hears('echo: hello')
})

test('who is meant must be clear', async () => {
  await using bot = await start()
  const about = { reason: 'Spam', by: 'amy' }
  const unclear = { status: 400, json: { message: expect.stringContaining('Say who') } }
  expect(await add(bot, about)).toMatchObject(unclear)
  expect(await add(bot, { ...about, account: 'memory:memory' })).toMatchObject(unclear)
  expect(await add(bot, { ...about, ...U1, customer: 'c1' })).toMatchObject(unclear)
  expect(await add(bot, { ...about, id: 'u1', account: 'shop wechat' })).toMatchObject({ status: 400 })
  expect(await add(bot, { ...U1, reason: 'Spam' })).toMatchObject({ status: 400 })
  const nobody = { status: 400, json: { message: 'There is no customer "c1".' } }
  expect(await add(bot, { ...about, customer: 'c1' })).toMatchObject(nobody)
  expect(await add(bot, { ...U1, ...about, until: 'tomorrow' })).toMatchObject({ status: 400 })
  expect(await bot.rows('blacklist', 'entry')).toEqual([])
})

test.each(['json', 'csv'])(
  'whoever is exported as %s is turned away by another server too, and by the same',
  async (form) => {
    await using bot = await start()
    await bot.user('u1').says('hello').hears('echo: hello')
    const { id: customer } = (await bot.customer('u1')) ?? {}
    await add(bot, { customer, reason: 'Wrote "spam",\nthree times', by: '=amy' })
    await add(bot, { account: 'memory:memory', id: '+u2', reason: '广告', by: 'amy', until: '2030-01-01T00:00:00Z' })
    const exported = (await ask(bot, `/export.${form}`)).text
    const asking =
      form === 'csv'
        ? { body: exported, type: 'text/csv' }
        : { body: JSON.stringify({ by: 'bo', ...JSON.parse(exported) }) }
    const imported = { status: 200, json: { imported: 2, leftOut: [] } }
    await using other = await start()
    await other.user('u1').says('hello').hears('echo: hello')
    expect(await ask(other, '/import?by=bo', { method: 'POST', ...asking })).toMatchObject(imported)
    for (const user of ['u1', '+u2']) await other.user(user).says('hello?').hearsNothing()
    const { id: there } = (await other.customer('u1')) ?? {}
    expect((await ask(other, `/find?customer=${there}`)).status).toBe(200)
    const rows = await bot.rows('blacklist', 'entry')
    expect(await ask(bot, '/import?by=bo', { method: 'POST', ...asking })).toMatchObject(imported)
    expect(await bot.rows('blacklist', 'entry')).toEqual(rows)
    expect((await ask(bot, `/export.${form}`)).text).toBe(exported)
  },
)

test('an import notes each change, and leaves out whom it would not turn away', async () => {
  await using bot = await start()
  const send = (entries: readonly object[]) =>
    ask(bot, '/import', { method: 'POST', body: JSON.stringify({ by: 'bo', entries }) })
  await add(bot, { ...U1, reason: 'Spam', by: 'amy' })
  const { json } = await send([
    { ...U1, reason: 'Rude', by: 'carol' },
    { customer: 'nobody', reason: 'Spam' },
    { ...U1, account: 'memry:memory', reason: 'Spam' },
    { ...U1, reason: 'Spam', until: '2001-01-01T00:00:00Z' },
    { customer: 'elsewhere', ...U1, id: 'u2', reason: 'Spam' },
  ])
  const leftOut = [
    { entry: 2, because: 'There is no customer "nobody".' },
    { entry: 3, because: 'No channel has the account "memry:memory".' },
    { entry: 4, because: 'Its end is over already.' },
  ]
  expect(json).toEqual({ imported: 2, leftOut })
  const audit = () =>
    bot.runtime.engine.read
      .selectFrom('audit')
      .select(['action', 'before_json', 'after_json', 'by_json'])
      .orderBy('id')
      .execute()
  const by_json = '{"kind":"agent","person":"bo"}'
  const reason = (of: string) => expect.stringContaining(of)
  const noted = [
    { action: 'blacklist.add', before_json: null },
    { action: 'blacklist.import', before_json: reason('Spam'), after_json: reason('Rude'), by_json },
    { action: 'blacklist.import', before_json: null, after_json: reason('u2'), by_json },
  ]
  await vi.waitFor(async () => expect(await audit()).toMatchObject(noted), 10_000)
  // Once more: nothing changes, and nothing is noted.
  await send([{ ...U1, reason: 'Rude', by: 'carol', at: '2026-01-01T00:00:00Z' }])
  await send([{ ...U1, id: 'u3', reason: 'Spam' }])
  await vi.waitFor(async () => expect(await audit()).toMatchObject([...noted, { after_json: reason('u3') }]), 10_000)
  for (const user of ['u1', 'u2', 'u3']) await bot.user(user).says('hello').hearsNothing()
})

test('an import that the table refuses leaves nothing of it behind', async () => {
  await using bot = await start()
  await bot.runtime.engine.write([
    {
      sql: `CREATE TRIGGER "blacklist__full" BEFORE INSERT ON "blacklist__entry" WHEN new.id = 'x1500'
        BEGIN SELECT RAISE(ABORT, 'no more'); END`,
      parameters: [],
    },
  ])
  const entries = Array.from({ length: 2_000 }, (_, i) => ({ ...U1, id: `x${i}`, reason: 'List' }))
  const refused = await ask(bot, '/import', { method: 'POST', body: JSON.stringify({ by: 'amy', entries }) })
  expect(refused.status).toBe(500)
  expect(await bot.rows('blacklist', 'entry')).toEqual([])
})

test('an import closes what is open, is all or nothing, and says which entry is wrong', async () => {
  await using bot = await start()
  await bot.user('u1').says('hello').hears('echo: hello')
  const send = (entries: readonly object[]) =>
    ask(bot, '/import', { method: 'POST', body: JSON.stringify({ by: 'amy', entries }) })
  const wrong = await send([
    { ...U1, reason: 'Spam' },
    { ...U1, id: 'u2' },
  ])
  expect(wrong).toMatchObject({ status: 400, json: { message: expect.stringMatching(/^Entry 2, reason: .*Nothing/) } })
  expect((await bot.conversation('u1'))?.state).toBe('bot')
  const many = Array.from({ length: 2_500 }, (_, i) => ({ ...U1, id: `x${i}`, reason: 'List' }))
  expect(await send([...many, { ...U1, reason: 'Spam' }, { ...U1, reason: 'Spam again' }])).toMatchObject({
    status: 200,
  })
  expect(await bot.conversation('u1')).toBeUndefined()
  const first = await ask(bot, '?limit=1000')
  expect(first.json).toMatchObject({ next: 1_000 })
  expect(await bot.rows('blacklist', 'entry')).toHaveLength(2_500 + 2)
  const tooMany = Array.from({ length: 10_001 }, () => ({}))
  expect(await send(tooMany)).toMatchObject({ status: 400, json: { message: expect.stringContaining('10000') } })
})

test('a long list is whole after a restart', async () => {
  await using bot = await start()
  const entries = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => ({ ...U1, id: `x${from + i}`, reason: 'List' }))
  for (const some of [entries(0, 10_000), entries(10_000, 10)])
    await ask(bot, '/import', { method: 'POST', body: JSON.stringify({ by: 'amy', entries: some }) })
  await bot.restart()
  await bot.user('x10009').says('hello').hearsNothing()
  await bot.user('x10010').says('hello').hears('echo: hello')
})

test.each([
  ['account,id,reason\nmemory:memory,u1,"Spam', 'Line 2 is not CSV: look at its quotes.'],
  ['account,id,Grund\n', /^Line 1 names a column "Grund"; there are customer, account, id, reason/],
  ['account;id;reason\nmemory:memory;u1;Spam', /^Line 1 names a column "account;id;reason"/],
  ['id,id\n', 'Line 1 has the column "id" twice.'],
  ['id\na\na,b\n', 'Line 3 has more cells than line 1 has names.'],
])('a table is refused by its line: %j', async (body, message) => {
  await using bot = await start()
  const answer = await ask(bot, '/import?by=amy', { method: 'POST', body, type: 'text/csv' })
  const said = typeof message === 'string' ? message : expect.stringMatching(message)
  expect(answer).toMatchObject({ status: 400, json: { message: said } })
})

test.each([
  ['lines', `id\n${'b\n'.repeat(2_000_000)}`],
  ['empty lines', `id\n${'\n'.repeat(4_000_000)}`],
  ['cells', `id\n${'b,'.repeat(2_000_000)}`],
  ['names', ','.repeat(4_000_000)],
])('of a table with millions of %s only the beginning is read', (_, table) => {
  const before = process.cpuUsage()
  expect(() => readCsv(table, ['id'], 10_000)).toThrow(/^(Line|Import at most 10000 entries)/)
  // It took seconds, in which nobody was answered.
  expect(process.cpuUsage(before).user / 1_000).toBeLessThan(1_000)
})

test('cells keep their quotes, commas, lines and spaces; what a spreadsheet would run is made harmless', () => {
  const cells = ['a', 'b "c", d', 'two\r\nlines', ' ', '=1+1', '@x', "'=quoted", '-5']
  expect(csvLine(cells)).toBe(`a,"b ""c"", d","two\r\nlines", ,'=1+1,'@x,''=quoted,'-5\r\n`)
  const names = cells.map((_, i) => `c${i}`)
  const [row] = readCsv(`\uFEFF${csvLine(names)}\r\n${csvLine(cells)}`, names, 10)
  expect(Object.values(row ?? {})).toEqual(cells)
  expect(readCsv('', names, 10)).toEqual([])
})
