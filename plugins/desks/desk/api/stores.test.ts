/** Several stores at one desk, as the rows of the product's checklist ask it of groups. */
import { expect, test } from 'vitest'
import { manualClock, memoryChannel, type TestConfig, testRuntime } from '#core/testing'
import desk from '../index.ts'
import { deskRuntime, newId, other, type SimulatedScreen, staffOf } from '../simulated-screen.ts'

const said = (text: string) => ({ type: 'message', parts: [{ type: 'text', text }], grants: 'message' }) as const

async function namesIn(screen: SimulatedScreen): Promise<readonly unknown[]> {
  const { rows } = await screen.call('GET /conversations', { query: { list: 'all' } })
  return rows.map(({ customer, channel }) => `${customer.name} at ${channel}`).toSorted()
}

test('C-GR-01, C-LC-01: what comes from several stores is in one list, and each agent has that of their own team', async () => {
  const second = other()
  await using bot = await deskRuntime({}, { other: second })
  const { sue, bo, cai } = await staffOf(bot, 'sue', 'bo', 'cai')
  const atMs = bot.clock.now()
  await bot.channel.receive({ id: '1', chat: 'u1', atMs, sender: { name: 'Ann' }, ...said('hello') })
  await second.receive({ id: '2', chat: 'u1', atMs, sender: { name: '李' }, ...said('你好') })
  await bot.idle()
  expect(await namesIn(sue)).toEqual(['Ann at memory', '李 at other'])
  expect(await namesIn(bo)).toEqual(['Ann at memory'])
  expect(await namesIn(cai)).toEqual(['李 at other'])
})

test('C-GR-06: another store is one more block, and changes nothing for those that are there', async () => {
  const third = memoryChannel({ name: 'third' })
  const people = { amy: { name: 'Amy' }, bo: { name: 'Bo' } }
  const one = { first: { members: ['amy'], sources: ['memory'] } }
  const two = { ...one, second: { members: ['bo'], sources: ['third'] } }
  const shop = (teams: object, channels: TestConfig['channels']) => ({
    channels,
    desks: { support: { use: desk, people, teams } },
  })
  await using bot = await testRuntime(shop(one, {}), { clock: manualClock(), there: ['amy', 'bo'] })
  await bot.user('u1').says('hello')
  await bot.apply(shop(two, { third: { use: third.plugin } }))
  await third.receive({ id: '1', chat: 'u2', atMs: bot.clock.now(), ...said('hello') })
  await bot.idle()
  const rows = await bot.runtime.engine.read.selectFrom('conversation').select(['team', 'person']).execute()
  expect(rows.toSorted((a, b) => String(a.team).localeCompare(String(b.team)))).toEqual([
    { team: 'first', person: 'amy' },
    { team: 'second', person: 'bo' },
  ])
})

test('C-GR-08: a team that is deleted while its chats run leaves them to the team that takes their channel now', async () => {
  const people = { amy: { name: 'Amy' }, bo: { name: 'Bo' } }
  const shop = (teams: object) => ({ desks: { support: { use: desk, people, teams } } })
  await using bot = await testRuntime(shop({ old: { members: ['amy'] } }), { there: ['amy', 'bo'] })
  await bot.user('u1').says('hello')
  await bot.idle()
  expect((await bot.conversation('u1'))?.owner).toMatchObject({ person: 'amy' })
  await bot.apply(shop({ renamed: { members: ['bo'] } }))
  await bot.idle()
  expect((await bot.conversation('u1'))?.owner).toMatchObject({ kind: 'agent', team: 'renamed', person: 'bo' })
})

test('C-GR-05: a chat that was over because its store was away comes to the team of the store anew', async () => {
  const store = memoryChannel({ name: 'store' })
  const shopWith = (sources: readonly unknown[]) => ({
    desks: {
      support: {
        use: desk,
        people: { amy: { name: 'Amy' }, bo: { name: 'Bo' } },
        teams: {
          returns: { members: ['amy'], sources, assign: 'by-hand' },
          rest: { members: ['bo'], assign: 'by-hand' },
        },
      },
    },
  })
  const withStore = {
    ...shopWith([{ channel: 'store', entry: 'returns' }]),
    channels: { store: { use: store.plugin } },
  }
  await using bot = await deskRuntime(withStore)
  async function says(id: string, entry?: string): Promise<void> {
    const message = { id, chat: 's1', parts: [{ type: 'text', text: 'person' } as const], ...(entry && { entry }) }
    await store.receive({ ...message, type: 'message', atMs: bot.clock.now(), grants: 'message' })
    await bot.idle()
  }
  const teams = async () =>
    (await bot.runtime.engine.read.selectFrom('conversation').select('team').orderBy('opened_at').execute()).map(
      ({ team }) => team,
    )
  await says('1', 'returns')
  await bot.apply({ ...shopWith(['memory']), channels: { other: { use: other().plugin } } })
  await bot.idle()
  await bot.apply(withStore)
  await bot.advance(60_000)
  await says('2')
  expect(await teams()).toEqual(['returns', 'rest'])
})

test('C-GR-11: a status, a transfer, the blacklist and a reload are in the audit log, with who did it', async () => {
  await using bot = await deskRuntime({ features: [{ use: 'blacklist' }] })
  const { bo } = await staffOf(bot, 'bo')
  await bot.user('u1', { name: 'Ann' }).says('hello')
  await bot.idle()
  const [row] = (await bo.call('GET /conversations', { query: { list: 'queue' } })).rows
  const params = { conversation: row?.id ?? '' }
  await bo.call('POST /conversations/:conversation/take', { params, body: { id: newId() } })
  await bot.agent('sue').comes()
  await bo.call('POST /conversations/:conversation/transfer', { params, body: { id: newId(), person: 'sue' } })
  await bo.call('POST /status', { body: { status: 'away' } })
  const customer = row?.customer.id ?? ''
  await bo.call('POST /customers/:customer/blacklist', { params: { customer }, body: { reason: 'Spam' } })
  const before = bot.runtime.config.revision.hash
  await bot.apply({
    desks: { support: { use: desk, people: { bo: { name: 'Bo' } }, teams: { all: { members: ['bo'] } } } },
  })
  const rows = await bot.runtime.engine.read.selectFrom('audit').selectAll().orderBy('id').execute()
  const of = (action: string) =>
    rows.filter((line) => line.action === action).map(({ by_json, after_json }) => [by_json, after_json ?? ''])
  const byBo = '{"kind":"agent","person":"bo"}'
  expect(of('desk.transfer')).toEqual([[byBo, expect.stringContaining('sue')]])
  expect(of('people.status')).toEqual([[byBo, expect.stringContaining('away')]])
  expect(of('customers.blacklist')).toEqual([[byBo, expect.stringContaining(customer)]])
  const after = bot.runtime.config.revision.hash
  expect(of('config.apply')).toEqual([['{"kind":"core"}', JSON.stringify({ revision: after })]])
  expect(after).not.toBe(before)
})
