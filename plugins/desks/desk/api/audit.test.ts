import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestRuntime } from '#core/testing'
import { deskOf, deskRuntime, newId, type SimulatedScreen, screenOf, staffOf } from '../simulated-screen.ts'
import type { QueryOf } from './routes.ts'

let bot: TestRuntime
let amy: SimulatedScreen
let sue: SimulatedScreen
let from: number
let until: number

/** What three people and a machine did in three minutes. */
beforeAll(async () => {
  bot = await deskRuntime()
  const staff = await staffOf(bot, 'sue', 'bo')
  amy = staff.amy
  sue = staff.sue
  await bot.user('ann', { name: '=cmd()' }).says('hello')
  await bot.idle()
  const customer = (await bot.customer('ann'))?.id ?? ''
  const { id: conversation = '' } = (await bot.conversation('ann')) ?? {}
  await bot.advance(60_000)
  from = bot.clock.now()
  await staff.bo.call('POST /conversations/:conversation/take', { params: { conversation }, body: { id: newId() } })
  await bot.agent('sue').comes()
  await sue.call('POST /conversations/:conversation/assign', {
    params: { conversation },
    body: { id: newId(), person: 'sue' },
  })
  await bot.advance(60_000)
  until = bot.clock.now()
  await staff.bo.call('POST /status', { body: { status: 'busy' } })
  const { secret } = await amy.call('POST /tokens', { body: { name: 'crm', role: 'supervisor' } })
  const crm = screenOf(deskOf(bot), { token: secret })
  const tags = { add: ['=1+1'], remove: [] }
  await crm.call('POST /customers/:customer/tags', { params: { customer }, body: tags })
  await bot.idle()
})
afterAll(() => bot[Symbol.asyncDispose]())

const actionsOf = async (query: QueryOf<'GET /audit'>) =>
  (await sue.call('GET /audit', { query })).lines.map(({ action }) => action)

describe('the audit log (C-GR-11)', () => {
  test('is filtered by time, by who has acted, and by what was done', async () => {
    expect(await actionsOf({ from, until })).toEqual(['desk.assign', 'desk.take'])
    expect(await actionsOf({ from: until, action: 'customers.tags' })).toEqual(['customers.tags'])
    expect(await actionsOf({ until: from, action: 'customers.tags' })).toEqual([])
    expect(await actionsOf({ who: 'bo', from })).toEqual(['people.status', 'desk.take'])
    // A supervisor who gives it to somebody acts in the name of the desk, and a machine has a name, too.
    expect(await actionsOf({ who: 'sue', action: 'desk.' })).toEqual(['desk.assign'])
    expect(await actionsOf({ who: 'crm' })).toEqual(['customers.tags'])
    expect(await actionsOf({ action: 'desk.' })).toEqual(['desk.assign', 'desk.take'])
    expect(await actionsOf({ action: 'desk.assign', who: 'bo' })).toEqual([])
    expect(await actionsOf({ action: 'de' })).toEqual([])
  })

  test('is read page by page, each line once, also where several are of one moment', async () => {
    const { lines: whole } = await sue.call('GET /audit', { query: { limit: 100 } })
    expect(new Set(whole.map(({ atMs }) => atMs)).size).toBeLessThan(whole.length - 2)
    for (const limit of [1, 2, 3]) {
      const read: typeof whole = []
      for (let cursor: string | undefined; ; ) {
        const page = await sue.call('GET /audit', { query: { limit, cursor } })
        read.push(...page.lines)
        cursor = page.next
        if (cursor === undefined) break
      }
      expect(read).toEqual(whole)
    }
    for (const cursor of ['x', '[1]', '["a","b"]']) {
      expect(await sue.refused('GET /audit', { query: { cursor } })).toBe('CURSOR_NOT_GOOD')
    }
  })

  test('is a file with all of it that spreadsheets open, and that stands in it', async () => {
    const file = await sue.ask(`api/audit/file?language=zh-CN&from=${until}`)
    expect(file.headers.get('content-disposition')).toBe('attachment; filename="audit.csv"')
    const [headings, tags, token, status, ...more] = file.text.split('\r\n')
    expect(headings).toBe('时间,操作人,身份,来源地址,操作,对象,操作前,操作后')
    expect(tags).toMatch(/^2026-01-01T12:02:00.000Z,crm,support,127.0.0.1,customers.tags,customer [\w-]+,\[\],/)
    expect(tags).toContain('"[""=1+1""]"')
    expect(token).toContain(',amy,amy,127.0.0.1,access.token,')
    expect(status).toContain('people.status,,"{""status"":""online""}","{""status"":""busy""}"')
    expect(more).toEqual([''])
    expect(await actionsOf({ limit: 1 })).toEqual(['audit.export'])
    const all = await sue.ask('api/audit/file?action=desk.')
    expect(all.text.split('\r\n')).toHaveLength(4)
  })
})
