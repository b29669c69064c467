import { expect, test } from 'vitest'
import { testRuntime } from '#core/testing'
import desk from './index.ts'
import { deskRuntime, newId, type SimulatedScreen, staffOf } from './simulated-screen.ts'

const DESK = {
  use: desk,
  people: { amy: { name: 'Amy', role: 'administrator' }, bo: { name: 'Bo' } },
  teams: { presale: { members: ['bo'], assign: 'by-hand' } },
}
const TOPIC = { name: { en: 'Topic', 'zh-CN': '问题' }, options: { order: 'Order', refund: { en: 'Refund' } } }

const summarised = (summary: object) => deskRuntime({ desks: { support: { ...DESK, summary } } })

async function idOfOpen(screen: SimulatedScreen): Promise<string> {
  return (await screen.call('GET /conversations', { query: { list: 'all' } })).rows[0]?.id ?? ''
}

test('a close without a field that is required is refused with its name, and nothing is lost (C-LC-06)', async () => {
  await using bot = await summarised({ topic: { ...TOPIC, required: true }, remark: { name: 'Remark' } })
  const { amy, bo } = await staffOf(bot, 'bo')
  await bot.user('u1').says('hello')
  await bot.idle()
  await bot.agent('bo').takes('u1')
  const params = { conversation: await idOfOpen(bo) }
  const close = (summary?: { [field: string]: string }, id = newId()) => ({
    params,
    body: { id, because: 'solved', say: 'Bye!', ...(summary && { summary }) },
  })
  const path = `api/conversations/${params.conversation}/close`
  const json = { 'content-type': 'application/json' }
  const answer = await bo.ask(path, {
    method: 'POST',
    headers: json,
    body: JSON.stringify(close({ remark: 'x' }).body),
  })
  expect([answer.status, JSON.parse(answer.text)]).toMatchObject([
    400,
    { code: 'SUMMARY_MISSING', params: { field: 'topic' } },
  ])
  for (const wrong of [{ topic: 'weather' }, { topic: 'toString' }, { topic: 'order', mood: 'good' }])
    expect(await bo.refused('POST /conversations/:conversation/close', close(wrong))).toBe('SUMMARY_UNKNOWN')
  // Also for whoever acts for others.
  expect(await amy.refused('POST /conversations/:conversation/close', close())).toBe('SUMMARY_MISSING')
  expect(await bot.conversation('u1')).toMatchObject({ state: 'assigned' })
  await bot.user('u1').hearsNothing()

  const done = close({ topic: 'refund', remark: ' two cups ' })
  await bo.call('POST /conversations/:conversation/close', done)
  await bo.call('POST /conversations/:conversation/close', done)
  await bot.user('u1').hears('Bye!').hearsNothing()
  const [row] = (await bo.call('GET /conversations', { query: { list: 'closed' } })).rows
  const summary = { topic: 'refund', remark: 'two cups' }
  expect(row).toMatchObject({ closed: { reason: 'solved', summary } })
  const chat = row?.chat ?? ''
  const { conversations } = await bo.call('GET /chats/:chat/entries', { params: { chat }, query: {} })
  expect(conversations).toMatchObject([{ summary }])
  // As `switchboard explain` tells it.
  const notes = bot.runtime.engine.read.selectFrom('entry').select('body_json').where('kind', '=', 'note')
  const noted = await notes.where('type', '=', 'close').execute()
  expect(noted).toEqual([{ body_json: '{"text":"solved; topic: refund; remark: two cups"}' }])
  const customer = row?.customer.id ?? ''
  expect((await amy.ask(`api/customers/${customer}/export`)).text).toContain('two cups')
})

test('what is not said is what the settings say (C-LC-06)', async () => {
  await using bot = await summarised({ topic: { ...TOPIC, required: true, default: 'order' } })
  const { bo } = await staffOf(bot, 'bo')
  const { summary } = await bo.call('GET /now')
  expect(summary).toEqual([
    {
      name: 'topic',
      title: TOPIC.name,
      options: [
        { name: 'order', title: 'Order' },
        { name: 'refund', title: { en: 'Refund' } },
      ],
      isRequired: true,
      otherwise: 'order',
    },
  ])
  await bot.user('u1').says('hello')
  await bot.idle()
  await bot.agent('bo').takes('u1')
  const params = { conversation: await idOfOpen(bo) }
  await bo.call('POST /conversations/:conversation/close', { params, body: { id: newId(), because: 'solved' } })
  const { rows } = await bo.call('GET /conversations', { query: { list: 'closed' } })
  expect(rows).toMatchObject([{ closed: { summary: { topic: 'order' } } }])
})

test('a field that some teams have is asked of their conversations alone (C-LC-06)', async () => {
  const teams = { presale: DESK.teams.presale, claims: { members: ['bo'], assign: 'by-hand' } }
  const summary = { topic: TOPIC, parcel: { name: 'Parcel', required: true, teams: ['claims'] } }
  await using bot = await deskRuntime({ desks: { support: { ...DESK, teams, summary } } })
  const { bo } = await staffOf(bot, 'bo')
  expect((await bo.call('GET /now')).summary).toMatchObject([{ name: 'topic' }, { name: 'parcel', teams: ['claims'] }])
  for (const [user, team] of [
    ['u1', 'presale'],
    ['u2', 'claims'],
  ] as const) {
    await bot.user(user).says('hello')
    await bot.idle()
    await bot.agent('bo').takes(user)
    const conversation = (await bot.conversation(user))?.id ?? ''
    await bot.agent('bo').does({ type: 'transfer', to: { team }, conversation })
    await bot.agent('bo').takes(user)
  }
  const closing = async (user: string, summary: { [field: string]: string }) => ({
    params: { conversation: (await bot.conversation(user))?.id ?? '' },
    body: { id: newId(), because: 'solved', summary },
  })
  const close = 'POST /conversations/:conversation/close'
  expect(await bo.refused(close, await closing('u1', { parcel: 'P1' }))).toBe('SUMMARY_UNKNOWN')
  expect(await bo.refused(close, await closing('u2', { topic: 'order' }))).toBe('SUMMARY_MISSING')
  await bo.call(close, await closing('u1', { topic: 'order' }))
  await bo.call(close, await closing('u2', { parcel: 'P1' }))
  const { rows } = await bo.call('GET /conversations', { query: { list: 'closed' } })
  const closed = new Map(rows.map(({ team, closed }) => [team, closed?.summary]))
  expect(Object.fromEntries(closed)).toEqual({ presale: { topic: 'order' }, claims: { parcel: 'P1' } })
})

test('who listens to the end of a conversation is told the summary, and without any nothing is kept', async () => {
  await using bot = await deskRuntime()
  const { bo } = await staffOf(bot, 'bo')
  for (const [name, summary] of [
    ['u1', { summary: 'a cup' }],
    ['u2', { summary: ' ' }],
  ] as const) {
    await bot.user(name).says('hello')
    await bot.idle()
    await bot.agent('bo').takes(name)
    const params = { conversation: await idOfOpen(bo) }
    await bo.call('POST /conversations/:conversation/close', {
      params,
      body: { id: newId(), because: 'solved', summary },
    })
  }
  const { read } = bot.runtime.engine
  const told = await read.selectFrom('entry').select('body_json').where('type', '=', 'conversation.closed').execute()
  expect(told.map(({ body_json }) => JSON.parse(body_json).summary)).toEqual([{ summary: 'a cup' }, undefined])
  const kept = await read.selectFrom('conversation').select('summary_json').orderBy('opened_at').execute()
  expect(kept.map(({ summary_json }) => summary_json)).toEqual(['{"summary":"a cup"}', null])
})

test('a default that is none of the options is a mistake in the file', async () => {
  const summary = { topic: { ...TOPIC, default: 'weather' } }
  await expect(testRuntime({ desks: { support: { ...DESK, summary } } })).rejects.toThrow(
    /summary\.topic\.default[\s\S]*topic has no option "weather"[\s\S]*order, refund/,
  )
})
