import { expect, test } from 'vitest'
import type { TestRuntime } from '#core/testing'
import { deskOf, deskRuntime, newId, type SimulatedScreen, screenOf, staffOf } from '../simulated-screen.ts'

const GREETING = {
  shortcut: 'hi',
  texts: { en: 'Hello {customer}, I am {agent}.', 'zh-CN': '{customer}您好，我是{agent}。' },
}

const shortcutsOf = async (screen: SimulatedScreen) =>
  (await screen.call('GET /replies')).replies.map(
    ({ shortcut, isShared }) => `${isShared ? 'all' : 'own'}: ${shortcut}`,
  )

async function staff(bot: TestRuntime) {
  const screens = await staffOf(bot, 'sue', 'bo', 'cai')
  const keep = (
    screen: SimulatedScreen,
    whose: 'shared' | 'own',
    reply: string,
    body: typeof GREETING & { readonly revision?: string } = GREETING,
  ) => screen.call(`POST /replies/${whose}/:reply`, { params: { reply }, body })
  return { ...screens, keep }
}

test('replies of everybody’s are kept by supervisors and read by all, own ones by nobody else', async () => {
  await using bot = await deskRuntime()
  const { sue, bo, cai, keep } = await staff(bot)
  const [shared, own] = [newId(), newId()]
  await keep(sue, 'shared', shared)
  await keep(bo, 'own', own, { ...GREETING, shortcut: 'bye' })
  expect(await shortcutsOf(bo)).toEqual(['own: bye', 'all: hi'])
  expect(await shortcutsOf(cai)).toEqual(['all: hi'])
  expect((await cai.call('GET /replies')).replies).toMatchObject([{ id: shared, isShared: true, used: 0, ...GREETING }])
  // What is another’s is not there: neither to change nor to remove nor to use.
  for (const whose of ['shared', 'own'] as const) {
    const [screen, reply] = whose === 'own' ? [cai, own] : [sue, own]
    const key = `POST /replies/${whose}/:reply` as const
    expect(await screen.refused(key, { params: { reply }, body: GREETING })).toBe('NOT_FOUND')
    expect(await screen.refused(`${key}/remove`, { params: { reply } })).toBe('NOT_FOUND')
  }
  expect(await cai.refused('POST /replies/:reply/used', { params: { reply: own } })).toBe('NOT_FOUND')
  expect(await bo.refused('POST /replies/shared/:reply', { params: { reply: own }, body: GREETING })).toBe('FORBIDDEN')
})

test('the same id again changes it, a shortcut is there once, and the audit log has before and after', async () => {
  await using bot = await deskRuntime()
  const { amy, sue, keep } = await staff(bot)
  const [first, second] = [newId(), newId()]
  await keep(sue, 'shared', first)
  await keep(sue, 'shared', first)
  const [{ revision = '' } = {}] = (await sue.call('GET /replies')).replies
  await keep(sue, 'shared', first, { shortcut: 'hello', texts: { ...GREETING.texts, en: 'Hi!' }, revision })
  await keep(sue, 'shared', second)
  expect(await shortcutsOf(sue)).toEqual(['all: hello', 'all: hi'])
  const twice = { params: { reply: second }, body: { ...GREETING, shortcut: 'hello', revision } }
  expect(await sue.refused('POST /replies/shared/:reply', twice)).toBe('SHORTCUT_TAKEN')
  // An own one may have the shortcut of a shared one.
  await keep(sue, 'own', newId())
  await sue.call('POST /replies/shared/:reply/remove', { params: { reply: first } })
  expect(await shortcutsOf(sue)).toEqual(['all: hi', 'own: hi'])
  const { lines } = await amy.call('GET /audit', { query: { limit: 100 } })
  const ours = lines.filter(({ action }) => action.startsWith('replies.'))
  expect(ours.map(({ action }) => action)).toEqual([
    'replies.shared-remove',
    'replies.own',
    ...Array.from({ length: 4 }, () => 'replies.shared'),
  ])
  expect(ours[1]).toMatchObject({ who: 'sue' })
  expect(ours[1]).not.toHaveProperty('after')
  expect(ours[0]).toMatchObject({ who: 'sue', about: { reply: first }, before: { shortcut: 'hello' } })
  expect(ours[3]).toMatchObject({ before: { shortcut: 'hi' }, after: { shortcut: 'hello', texts: { en: 'Hi!' } } })
})

test('what one has changed is not taken back unseen by whoever read it before', async () => {
  await using bot = await deskRuntime()
  const { amy, sue, keep } = await staff(bot)
  const reply = newId()
  await keep(sue, 'shared', reply)
  const [asSueReadIt] = (await sue.call('GET /replies')).replies
  const revision = asSueReadIt?.revision ?? ''
  const corrected = { ...GREETING, texts: { ...GREETING.texts, en: 'Hello!' }, revision }
  await keep(amy, 'shared', reply, corrected)
  // Its answer was lost: given again, it is done.
  await keep(amy, 'shared', reply, corrected)
  for (const body of [
    { ...GREETING, shortcut: 'hey', revision },
    { ...GREETING, shortcut: 'hey' },
  ])
    expect(await sue.refused('POST /replies/shared/:reply', { params: { reply }, body })).toBe('CHANGED_MEANWHILE')
  const [now] = (await sue.call('GET /replies')).replies
  expect(now).toMatchObject({ shortcut: 'hi', texts: { en: 'Hello!' } })
  // Of two at the same moment one is first.
  const both = ['a', 'b'].map((shortcut) =>
    keep(sue, 'shared', reply, { ...GREETING, shortcut, revision: now?.revision ?? '' }),
  )
  expect((await Promise.allSettled(both)).map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  const [last] = (await sue.call('GET /replies')).replies
  await sue.call('POST /replies/shared/:reply/remove', { params: { reply } })
  const gone = { params: { reply }, body: { ...GREETING, revision: last?.revision ?? '' } }
  expect(await amy.refused('POST /replies/shared/:reply', gone)).toBe('NOT_FOUND')
})

test('what is used most comes first, and a program with a token reads and uses what is everybody’s', async () => {
  await using bot = await deskRuntime()
  const { amy, sue, keep } = await staff(bot)
  const [first, second] = [newId(), newId()]
  await keep(sue, 'shared', first, { ...GREETING, shortcut: 'a' })
  await keep(sue, 'shared', second, { ...GREETING, shortcut: 'b' })
  const { secret } = await amy.call('POST /tokens', { body: { name: 'crm', role: 'agent' } })
  const machine = screenOf(deskOf(bot), { token: secret })
  expect(await shortcutsOf(machine)).toEqual(['all: a', 'all: b'])
  await machine.call('POST /replies/:reply/used', { params: { reply: second } })
  expect(await shortcutsOf(sue)).toEqual(['all: b', 'all: a'])
  expect((await sue.call('GET /replies')).replies.map(({ used }) => used)).toEqual([1, 0])
})

test.each([
  ['no text', { shortcut: 'x', texts: {} }],
  ['an empty text', { shortcut: 'x', texts: { en: ' ' } }],
  ['a shortcut of two words', { shortcut: 'x y', texts: { en: 'x' } }],
  ['what is no language', { shortcut: 'x', texts: { English: 'x' } }],
])('%s is not kept', async (_what, body) => {
  await using bot = await deskRuntime()
  const { amy } = await staffOf(bot)
  const answer = await amy.ask(`api/replies/own/${newId()}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect(answer.status).toBe(400)
  expect(await shortcutsOf(amy)).toEqual([])
})
