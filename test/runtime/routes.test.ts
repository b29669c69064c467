import { expect, test } from 'vitest'
import { testRuntime } from '#core/testing'
import { botThat, featureWith, quietDesk } from './cast.ts'

const TEXTS = {
  offline: 'Nobody is here.',
  noPeople: 'No people here.',
  handedOver: 'One moment.',
  unknown: 'Pardon?',
  fallback: 'Sorry.',
}
const person = featureWith({
  inbound: { respond: (turn, next) => (turn.text === 'person' ? turn.handOff({ because: 'asked' }) : next()) },
})

/** Answers as the text says. */
const bot = botThat((turn) => {
  if (turn.text === 'unknown') return turn.unknown()
  if (turn.text === 'fail') throw new Error('The bot is broken.')
  if (turn.text === 'guided') return turn.reply('Did you mean …', { guided: true })
  if (turn.text === 'refund') return turn.reply('I see.', { intent: 'refund' })
  if (turn.text === 'give up') return turn.handOff({ because: 'too hard', say: 'Over to people.' })
  return turn.reply(`echo: ${turn.text}`)
})

test('C-RM-01: bot-only: bots answer, and who asks for a person is told that there are none', async () => {
  await using runtime = await testRuntime({
    bots: { bot: { use: bot } },
    features: [{ use: person }],
    texts: TEXTS,
    routes: [{ from: ['memory'], mode: 'bot-only', bot: 'bot' }],
  })
  await runtime.user('u1').says('hello').hears('echo: hello').says('person').hears('No people here.')
  expect((await runtime.conversation('u1'))?.owner).toEqual({ kind: 'bot', bot: 'bot' })
})

test('C-RM-01: agent-only: the first message waits in the queue, and the desk has it', async () => {
  const { desk, items } = quietDesk()
  await using runtime = await testRuntime({
    desks: { support: { use: desk } },
    texts: TEXTS,
    routes: [{ from: ['memory'], mode: 'agent-only', desk: 'support' }],
  })
  await runtime.user('u1').says('hello').hears('One moment.').says('anybody?').hearsNothing()
  expect((await runtime.conversation('u1'))?.owner).toEqual({ kind: 'queue', desk: 'support', team: 'presale' })
  expect(items).toMatchObject([
    { type: 'handed-over', channel: 'memory', history: [{ by: { kind: 'customer' }, text: 'hello' }] },
    { type: 'message', parts: [{ type: 'text', text: 'anybody?' }] },
  ])
})

test('agent-only with nobody there: the customer is told so, and every message is', async () => {
  const { desk, items } = quietDesk()
  await using runtime = await testRuntime({
    desks: { support: { use: desk, teams: [] } },
    texts: TEXTS,
    routes: [{ from: ['memory'], mode: 'agent-only', desk: 'support' }],
  })
  await runtime.user('u1').says('hello').hears('Nobody is here.')
  expect(await runtime.conversation('u1')).toBeUndefined()
  expect(items).toEqual([])
})

test('C-RM-01: cooperation: people own the conversation, and the bot drafts suggestions that are never sent', async () => {
  const { desk, items } = quietDesk()
  await using runtime = await testRuntime({
    bots: { bot: { use: bot } },
    desks: { support: { use: desk } },
    texts: TEXTS,
    routes: [{ from: ['memory'], mode: 'cooperation', bot: 'bot', desk: 'support' }],
  })
  await runtime.user('u1').says('hello').hears('One moment.').says('price?').hearsNothing()
  expect(items.map(({ type }) => type)).toEqual(['handed-over', 'suggestion', 'message', 'suggestion'])
  expect(items[3]).toMatchObject({ content: [{ type: 'text', text: 'echo: price?' }] })
})

test.each([
  [
    'so many unknown answers in a row',
    { unknown: 2 },
    ['unknown', 'hello', 'unknown', 'unknown'],
    ['Pardon?', 'echo: hello', 'Pardon?', 'One moment.'],
    '2 unknown answers of bot',
  ],
  ['so many failures in a row', { failures: 2 }, ['fail', 'fail'], ['Sorry.', 'One moment.'], '2 failures of the bot'],
  ['a guided answer', { guided: true }, ['guided'], ['Did you mean …', 'One moment.'], 'a guided answer of bot'],
  [
    'an intent',
    { intents: ['refund'] },
    ['hello', 'refund'],
    ['echo: hello', 'I see.', 'One moment.'],
    'bot understood refund',
  ],
  ['the bot itself', {}, ['give up'], ['Over to people.'], 'too hard'],
])('bot-first hands over after %s', async (_what, handOff, says, hears, because) => {
  const { desk } = quietDesk()
  await using runtime = await testRuntime({
    bots: { bot: { use: bot } },
    desks: { support: { use: desk } },
    texts: TEXTS,
    routes: [{ from: ['memory'], mode: 'bot-first', bot: 'bot', desk: 'support', handOff }],
  })
  for (const text of says) await runtime.user('u1').says(text)
  await runtime
    .user('u1')
    .hears(...hears)
    .hearsNothing()
  expect((await runtime.outcomes('u1')).at(-1)).toBe(`handed-off: ${because}`)
})

test('C-RM-01: bot-first hands over at a menu item, without a word', async () => {
  const { desk } = quietDesk()
  await using runtime = await testRuntime({
    bots: { bot: { use: bot } },
    desks: { support: { use: desk } },
    texts: TEXTS,
    routes: [{ from: ['memory'], mode: 'bot-first', bot: 'bot', desk: 'support', handOff: { menu: ['HUMAN'] } }],
  })
  await runtime.user('u1').does({ type: 'menu-click', key: 'HUMAN' }).hears('One moment.')
  expect(await runtime.outcomes('u1')).toEqual(['handed-off: menu HUMAN'])
})

test('a bot that passes leaves the message to the next one of the route', async () => {
  const passes = botThat((turn, next) => (turn.text === 'mine' ? turn.reply('mine indeed') : next()), 'picky')
  await using runtime = await testRuntime({
    bots: { picky: { use: passes }, bot: { use: bot } },
    routes: [{ from: ['memory'], mode: 'bot-only', bot: ['picky', 'bot'] }],
  })
  await runtime.user('u1').says('mine').hears('mine indeed').says('other').hears('echo: other')
})

test('an event that nobody answers is recorded as ignored, and says why', async () => {
  await using runtime = await testRuntime({ bots: { bot: { use: bot } } })
  await runtime.user('u1').does({ type: 'follow' }).does({ type: 'other', kind: 'survey' }).hearsNothing()
  expect(await runtime.outcomes('u1')).toEqual(['ignored: nobody answers follow', 'ignored: nobody answers other'])
  expect(await runtime.conversation('u1')).toBeUndefined()
})

test('three short lines become one question to the bot', async () => {
  await using runtime = await testRuntime({
    bots: { bot: { use: bot } },
    routes: [{ from: ['memory'], mode: 'bot-only', bot: 'bot', collect: '2s' }],
  })
  const user = runtime.user('u1')
  await user.says('hi')
  await runtime.clock.advance(500)
  await user.says('I have').says('a question')
  await runtime.advance(2_000)
  await user.hears('echo: hi\nI have\na question').hearsNothing()
  expect(await runtime.outcomes('u1')).toEqual([
    'handled: gathered with the next message',
    'handled: gathered with the next message',
    'answered: bot',
  ])
})

test('a choice may be clicked, or typed as its number or its label', async () => {
  const choices = [
    { id: 'r', label: 'Red' },
    { id: 'b', label: 'Blue' },
  ]
  const asks = botThat((turn) =>
    turn.choice ? turn.reply(`chosen: ${turn.choice}`) : turn.reply({ type: 'choices', prompt: 'Colour?', choices }),
  )
  await using runtime = await testRuntime({ bots: { bot: { use: asks } } })
  const user = runtime.user('u1')
  await user.says('?').hears({ type: 'choices', prompt: 'Colour?' }).says('2').hears('chosen: b')
  await user.says('2').hears({ type: 'choices' }).says('red').hears('chosen: r')
  await user.says('?').hears({ type: 'choices' }).clicks('b').hears('chosen: b')
})
