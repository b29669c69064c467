/** Bots that ask outside are not asked again in a replay, and their chats end as they did. */
import { expect, test } from 'vitest'
import { differences, Replay } from '../../core/replay/replay.ts'
import { type TestConfig, testRuntime, testServer } from '../../core/testing/index.ts'

/** How often the other side was asked, and what in a replay ended otherwise than it did. */
async function replayed(config: TestConfig, answer: (nth: number) => Response, said: readonly string[]) {
  let asked = 0
  await using server = await testServer(() => answer(++asked))
  const text = JSON.stringify({ ...config, http: { allow: [server.host] } }).replaceAll('http://bot', server.url)
  await using bot = await testRuntime(JSON.parse(text), { there: ['amy'] })
  for (const one of said) await bot.user('u1').says(one)
  const outcomes = await bot.outcomes('u1')
  const before = asked
  const chat = (await bot.runtime.engine.findChat('memory:memory', 'u1')) ?? ''
  await using again = new Replay(bot.runtime.engine.read, {
    plugins: { memory: bot.channel.plugin },
    literalSecrets: true,
  })
  const { deeds, ...ended } = await again.chat(chat)
  return { outcomes, replayed: deeds.length, differing: differences({ deeds, ...ended }), askedAgain: asked - before }
}

const SUPPORT = {
  use: 'desk',
  people: { amy: { name: 'Amy' } },
  teams: { all: { members: ['amy'], assign: 'by-hand' } },
}

test('webhook: answers, what it keeps, failures and handovers', async () => {
  const answers = [
    () => Response.json({ content: 'one', state: { n: 1 } }),
    () => new Response('data: {"delta":"two"}\n\ndata: {"answer":{"state":2}}\n\n', EVENTS),
    () => new Response(null, { status: 500 }),
    () => Response.json({ unknown: true }),
    () => Response.json({ handOff: { because: 'enough' } }),
  ]
  const bots = { helper: { use: 'webhook', url: 'http://bot/', secret: 'between-us-two' } }
  const config = { bots, desks: { support: SUPPORT } }
  const { outcomes, ...again } = await replayed(config, (nth) => answers[nth - 1]?.() ?? Response.error(), [
    ...['a', 'b', 'c', 'd', 'e'],
  ])
  expect(outcomes).toEqual([
    ...['answered: bot', 'answered: bot', 'failed: no bot answered', 'answered: unknown', 'handed-off: enough'],
  ])
  expect(again).toEqual({ replayed: 6, differing: [], askedAgain: 0 })
})

test('webhook: its fallback, its pause, and what it passes on', async () => {
  const answers = [
    () => Response.json({ pass: true }),
    () => Response.json({ content: 'one' }),
    () => new Response(null, { status: 503 }),
  ]
  const helper = { use: 'webhook', url: 'http://bot/', secret: 'between-us-two', fallback: 'Asleep.', pauseAfter: 1 }
  const routes = [{ from: 'memory', mode: 'bot-only', bot: ['helper', 'parrot'] }]
  const config = { bots: { helper, parrot: { use: 'echo' } }, routes }
  const { outcomes, ...again } = await replayed(config, (nth) => answers[nth - 1]?.() ?? Response.error(), [
    ...['a', 'b', 'c', 'd'],
  ])
  expect(outcomes).toEqual([
    'answered: bot',
    'answered: bot',
    'answered: unknown: It answered with HTTP 503.',
    expect.stringContaining('answered: unknown: It failed 1 times in a row and is not asked before'),
  ])
  expect(again).toEqual({ replayed: 4, differing: [], askedAgain: 0 })
})

const EVENTS = { headers: { 'content-type': 'text/event-stream' } }

test('llm: answers, failures, what it does not know and handovers, with what they used', async () => {
  const stream = (...chunks: readonly object[]) =>
    new Response(chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join(''), EVENTS)
  const ended = (delta: object) => [
    { choices: [{ delta, finish_reason: 'stop' }] },
    { choices: [], usage: { prompt_tokens: 10, completion_tokens: 5 } },
  ]
  const calls = (name: string) => ended({ tool_calls: [{ index: 0, function: { name, arguments: '{}' } }] })
  const answers = [
    () => stream(...ended({ content: 'one' })),
    () => stream({ choices: [{ delta: { content: 'half' } }] }),
    () => stream(...calls('not_known')),
    () => stream(...calls('hand_off')),
  ]
  const bots = { ai: { use: 'llm', url: 'http://bot/v1', key: 'sk-replay', model: 'm', prompt: 'Be brief.' } }
  const config = { bots, desks: { support: SUPPORT } }
  const { outcomes, ...again } = await replayed(config, (nth) => answers[nth - 1]?.() ?? Response.error(), [
    ...['a', 'b', 'c', 'd'],
  ])
  expect(outcomes).toEqual([
    'answered: 10 + 5 tokens',
    'failed: no bot answered',
    'answered: unknown: the model said so',
    'handed-off: the model asked for a person',
  ])
  expect(again).toEqual({ replayed: 5, differing: [], askedAgain: 0 })
})
