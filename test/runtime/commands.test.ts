import { expect, test } from 'vitest'
import type { Hooks } from '#core'
import { memoryChannel, testRuntime } from '#core/testing'
import { readStory, storyAsText } from '../../core/cli/story.ts'
import { botThat, featureWith, gate, quietDesk } from './cast.ts'

const bot = botThat((turn) =>
  turn.text === 'person' ? turn.handOff({ because: 'asked', say: '' }) : turn.reply(`echo: ${turn.text}`),
)

async function withDesk() {
  const { desk, items } = quietDesk()
  const runtime = await testRuntime({ bots: { bot: { use: bot } }, desks: { support: { use: desk } } })
  return { runtime, items, user: runtime.user('u1'), amy: runtime.agent('amy'), bo: runtime.agent('bo') }
}

test('the same command id does nothing twice, and gives the first result', async () => {
  const { runtime, user } = await withDesk()
  await using _ = runtime
  await user.says('person').hearsNothing()
  await runtime.agent('amy').takes('u1')
  const { id = '' } = (await runtime.conversation('u1')) ?? {}
  const send = {
    id: 'one',
    conversation: id,
    type: 'send',
    content: 'Hello!',
    by: { kind: 'agent', person: 'amy' },
  } as const
  const results = await Promise.all([
    runtime.runtime.command(send),
    runtime.runtime.command(send),
    runtime.runtime.command(send),
  ])
  expect(results).toEqual([results[0], results[0], results[0]])
  await user.hears('Hello!').hearsNothing()
  const refused = { ...send, id: 'two', by: { kind: 'agent', person: 'bo' } } as const
  expect(await runtime.runtime.command(refused)).toMatchObject({ ok: false, code: 'NOT_OWNER' })
  await runtime.agent('amy').does({ type: 'transfer', conversation: id, to: { person: 'bo' } })
  expect(await runtime.runtime.command(refused)).toMatchObject({ ok: false, code: 'NOT_OWNER' })
})

test('what is noted at a close is kept with the conversation, and told by explain (C-LC-06)', async () => {
  const { runtime, user, amy } = await withDesk()
  await using _ = runtime
  await user.says('person').hearsNothing()
  await amy.takes('u1')
  const { id: conversation = '' } = (await runtime.conversation('u1')) ?? {}
  const summary = { topic: 'refund', remark: 'two cups' }
  const wrong = { type: 'close', conversation, because: 'solved', summary: { topic: 'x'.repeat(10_001) } } as const
  expect(await amy.does(wrong)).toMatchObject({ ok: false, code: 'INVALID' })
  expect(await amy.does({ type: 'close', conversation, because: 'solved', summary })).toMatchObject({ ok: true })
  const { engine } = runtime.runtime
  expect((await engine.findConversation(conversation))?.conversation.closed).toMatchObject({
    reason: 'solved',
    summary,
  })
  const story = await readStory(engine.read, 'u1')
  expect(story && storyAsText(story)).toContain('amy: (close) solved; topic: refund; remark: two cups')
})

test('a close is refused while the customer has written something that nobody has handled', async () => {
  const door = gate()
  const slow = featureWith({
    inbound: {
      async intercept(turn, next) {
        if (turn.text === 'wait') await door.pass()
        return next()
      },
    },
  })
  const { desk } = quietDesk()
  await using runtime = await testRuntime({
    bots: { bot: { use: bot } },
    desks: { support: { use: desk } },
    features: [{ use: slow }],
  })
  await runtime.user('u1').says('person').hearsNothing()
  await runtime.agent('amy').takes('u1')
  await runtime.user('u1').says('wait')
  await door.reached()
  expect(await runtime.agent('amy').closes('u1')).toMatchObject({ ok: false, code: 'NEW_MESSAGE' })
  door.open()
  await runtime.idle()
  expect(await runtime.agent('amy').closes('u1')).toMatchObject({ ok: true })
  expect(await runtime.conversation('u1')).toBeUndefined()
})

test('whom a guard turns away has what is open closed, and what is being answered begun again, its guards first', async () => {
  const door = gate()
  let asked = 0
  const slow = botThat(async (turn) => {
    asked += 1
    if (turn.text === 'slow' && asked === 2) await door.pass()
    return turn.reply(`${turn.text} by ${asked}`)
  })
  let guarded = 0
  const counting: Hooks = {
    inbound: {
      guard(_turn, next) {
        guarded += 1
        return next()
      },
    },
  }
  const guard = featureWith(counting, 'guard')
  await using runtime = await testRuntime({ bots: { bot: { use: slow } }, features: [{ use: guard }] })
  const user = runtime.user('u1')
  await user.says('hello').hears('hello by 1')
  const before = (await runtime.conversation('u1'))?.id ?? ''
  await user.says('slow')
  await door.reached()
  expect(guarded).toBe(2)
  const chat = (await runtime.runtime.engine.findChat('memory:memory', 'u1')) ?? ''
  const turnAway = { type: 'turn-away', chat, because: 'test' } as const
  // Only who guards the channel turns anybody away.
  expect(await runtime.agent('amy').does(turnAway)).toEqual({ ok: true })
  const by = { kind: 'feature', name: 'guard' } as const
  expect(await runtime.runtime.command({ ...turnAway, id: 'one', by })).toEqual({ ok: true, conversation: before })
  door.open()
  await user.hears('slow by 3').hearsNothing()
  expect(guarded).toBe(3)
  expect((await runtime.conversation('u1'))?.id).not.toBe(before)
})

test('a conversation goes from agent to agent, to a team, back to the bot, and the desk is told', async () => {
  const { runtime, items, user, amy, bo } = await withDesk()
  await using _ = runtime
  await user.says('person').hearsNothing()
  const owner = async () => (await runtime.conversation('u1'))?.owner
  const conversation = (await runtime.conversation('u1'))?.id ?? ''
  await amy.takes('u1')
  expect(await bo.takes('u1')).toMatchObject({ ok: false, code: 'NOT_OWNER' })
  await amy.does({ type: 'transfer', conversation, to: { person: 'bo' } })
  expect(await owner()).toEqual({ kind: 'agent', desk: 'support', team: 'presale', person: 'bo' })
  await bo.does({ type: 'transfer', conversation, to: { team: 'presale' } })
  expect(await owner()).toEqual({ kind: 'queue', desk: 'support', team: 'presale' })
  await amy.takes('u1')
  await amy.does({ type: 'return', conversation })
  expect(await owner()).toEqual({ kind: 'bot', bot: 'bot' })
  await user.says('hello').hears('echo: hello').hearsNothing()
  expect(items.map(({ type }) => type)).toEqual(['handed-over', 'returned'])
  const leases = await runtime.runtime.engine.read
    .selectFrom('conversation_change')
    .select(['lease', 'type'])
    .orderBy('n')
    .execute()
  expect(leases.map(({ type }) => type)).toEqual([
    'opened',
    'queued',
    'assigned',
    'assigned',
    'queued',
    'assigned',
    'returned',
  ])
})

test('a command under an old lease is refused, and one for a closed conversation does not touch the next', async () => {
  const { runtime, user, amy } = await withDesk()
  await using _ = runtime
  await user.says('person').hearsNothing()
  await amy.takes('u1')
  const { id: conversation = '', lease } = (await runtime.conversation('u1')) ?? {}
  await amy.does({ type: 'return', conversation })
  expect(await amy.does({ type: 'assign', conversation, person: 'bo', lease })).toMatchObject({
    ok: false,
    code: 'NOT_OWNER',
  })
  await amy.does({ type: 'close', conversation, because: 'done' })
  await user.says('hello').hears('echo: hello')
  expect(await amy.does({ type: 'close', conversation, because: 'again' })).toMatchObject({
    ok: false,
    code: 'NOT_FOUND',
  })
  expect((await runtime.conversation('u1'))?.state).toBe('bot')
})

test('calling back opens a conversation of its own; it is refused when one is open, outside the window, and by a guard', async () => {
  const HOUR = 3_600_000
  const channel = memoryChannel({
    capabilities: { later: [{ on: 'message', withinMs: 48 * HOUR, max: 5, resets: true }] },
  })
  const { desk } = quietDesk()
  let blocked = false
  const guard = featureWith({ inbound: { guard: (turn, next) => (blocked ? turn.drop('blacklist') : next()) } })
  await using runtime = await testRuntime(
    { bots: { bot: { use: bot } }, desks: { support: { use: desk } }, features: [{ use: guard }] },
    { channel },
  )
  const user = runtime.user('u1')
  const amy = runtime.agent('amy')
  await user.says('hello').hears('echo: hello')
  const chat = (await runtime.runtime.engine.findChat('memory:memory', 'u1')) ?? ''
  const callBack = () => amy.does({ type: 'call-back', chat, content: 'Hello again.' })
  expect(await callBack()).toMatchObject({ ok: false, code: 'ALREADY_OPEN' })
  await amy.closes('u1')
  blocked = true
  expect(await callBack()).toMatchObject({ ok: false, code: 'BLOCKED', message: expect.stringContaining('blacklist') })
  blocked = false
  expect(await callBack()).toMatchObject({ ok: true })
  await user.hears('Hello again.')
  expect(await runtime.conversation('u1')).toMatchObject({
    origin: 'callback',
    owner: { kind: 'agent', person: 'amy' },
  })
  await amy.closes('u1')
  await runtime.advance(48 * HOUR + 1)
  expect(await callBack()).toMatchObject({ ok: false, code: 'WINDOW_CLOSED' })
})

test('a note is seen by our side only', async () => {
  const { runtime, user, amy } = await withDesk()
  await using _ = runtime
  await user.says('person').hearsNothing()
  await amy.takes('u1')
  const conversation = (await runtime.conversation('u1'))?.id ?? ''
  expect(await amy.does({ type: 'note', conversation, text: 'A regular.' })).toMatchObject({ ok: true })
  await user.hearsNothing()
  expect((await runtime.entries('u1')).filter(({ kind, type }) => kind === 'note' && type === 'note')).toHaveLength(1)
})

test('a command that makes no sense is refused in words, and changes nothing', async () => {
  const { runtime, user, amy } = await withDesk()
  await using _ = runtime
  await user.says('hello').hears('echo: hello')
  expect(await amy.does({ type: 'close', conversation: 'no-such', because: 'x' })).toMatchObject({
    ok: false,
    code: 'NOT_FOUND',
  })
  expect(await amy.sends('u1', '')).toMatchObject({ ok: false })
  const nonsense: unknown = { id: 'x', type: 'explode', by: { kind: 'core' }, chat: 'x' }
  const run: (command: never) => unknown = runtime.runtime.command
  expect(await Reflect.apply(run, undefined, [nonsense])).toMatchObject({ ok: false, code: 'INVALID' })
})
