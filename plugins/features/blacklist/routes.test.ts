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

test.each(['json', 'csv'])('what is exported as %s can be imported, and comes out the same again', async (form) => {
  await using bot = await start()
  await bot.user('u1').says('hello').hears('echo: hello')
  const { id: customer } = (await bot.customer('u1')) ?? {}
  await add(bot, { customer, reason: 'Wrote "spam",\nthree times', by: '=amy' })
  await add(bot, { account: 'memory:memory', id: '+u2', reason: '广告', by: 'amy', until: '2030-01-01T00:00:00Z' })
  const exported = (await ask(bot, `/export.${form}`)).text
  await using other = await start()
  const asking =
    form === 'csv'
      ? { body: exported, type: 'text/csv' }
      : { body: JSON.stringify({ by: 'bo', ...JSON.parse(exported) }) }
  const imported = await ask(other, `/import?by=bo`, { method: 'POST', ...asking })
  expect(imported).toMatchObject({ status: 200, json: { imported: 2 } })
  expect((await ask(other, `/export.${form}`)).text).toBe(exported)
  await other.user('+u2').says('hello').hearsNothing()
  const audit = other.runtime.engine.read.selectFrom('audit').select(['action', 'after_json', 'by_json'])
  const noted = { action: 'blacklist.import', after_json: '{"entries":2}', by_json: '{"kind":"agent","person":"bo"}' }
  await vi.waitFor(async () => expect(await audit.execute()).toEqual([noted]))
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

test('a table that is no CSV is refused by its line', async () => {
  await using bot = await start()
  const body = 'account,id,reason\nmemory:memory,u1,"Spam'
  const answer = await ask(bot, '/import?by=amy', { method: 'POST', body, type: 'text/csv' })
  expect(answer).toMatchObject({ status: 400, json: { message: 'Line 2 is not CSV: look at its quotes.' } })
})

test('cells keep their quotes, commas, lines and spaces; what a spreadsheet would run is made harmless', () => {
  const cells = ['a', 'b "c", d', 'two\r\nlines', ' ', '=1+1', '@x', "'=quoted", '-5']
  expect(csvLine(cells)).toBe(`a,"b ""c"", d","two\r\nlines", ,'=1+1,'@x,''=quoted,'-5\r\n`)
  const names = cells.map((_, i) => `c${i}`)
  const [row] = readCsv(`\uFEFF${csvLine(names)}\r\n${csvLine(cells)}`, names, 10)
  expect(Object.values(row ?? {})).toEqual(cells)
  expect(readCsv('', names, 10)).toEqual([])
})
