import { describe, expect, test } from 'vitest'
import { ALWAYS, type Hooks, type InboundEvent, type Inline, type Say } from '#core'
import { memoryChannel, testRuntime } from '#core/testing'
import { botThat, featureWith, gate } from './cast.ts'

let ids = 0
const message = (text: string, id = `m${++ids}`): InboundEvent => ({
  id,
  chat: 'u1',
  atMs: 1,
  grants: 'message',
  type: 'message',
  parts: [{ type: 'text', text }],
})
const textOf = (delivery: { part: unknown } | undefined) => delivery?.part
const text = (of: string) => ({ type: 'text', text: of })

/** Pictures are never joined, as texts are. */
const picture = (of: string) => ({ type: 'image', url: `https://files.example/${of}.png` }) as const

/** Says what it is told, one reply for each line; waits at the door when it is told so. */
function talker(door: ReturnType<typeof gate>, say: (line: string) => Say = (line) => `echo: ${line}`) {
  return botThat(async (turn) => {
    if (turn.text.startsWith('slow')) await door.pass()
    const [first = '', ...rest] = turn.text.split('|')
    for (const line of [first, ...rest].slice(0, -1)) turn.say(say(line))
    return turn.reply(say([first, ...rest].at(-1) ?? ''))
  })
}

test('a channel that answers only inside the response gets its answer there', async () => {
  const channel = memoryChannel({ capabilities: { inline: { withinMs: 4_500 }, later: [] } })
  await using runtime = await testRuntime({ bots: { bot: { use: talker(gate()) } } }, { channel })
  expect(textOf(await channel.receive(message('hello')))).toEqual(text('echo: hello'))
  await runtime.idle()
  expect(channel.sent).toEqual([])
  const rows = await runtime.runtime.engine.read.selectFrom('delivery').select('state').execute()
  expect(rows).toEqual([{ state: 'sent' }])
})

test('all texts of a turn are one in the response of a channel that answers only there, whoever said them', async () => {
  const greeter = featureWith({
    inbound: {
      respond(turn, next) {
        if (turn.conversation === undefined) turn.say('Welcome!')
        return next()
      },
    },
  })
  const channel = memoryChannel({ capabilities: { inline: { withinMs: 4_500 }, later: [] } })
  const config = { bots: { bot: { use: talker(gate()) } }, features: [{ use: greeter }] }
  await using runtime = await testRuntime(config, { channel })
  expect(textOf(await channel.receive(message('one|two')))).toEqual(text('Welcome!\necho: one\necho: two'))
  await runtime.idle()
  expect(textOf(await channel.receive(message('three')))).toEqual(text('echo: three'))
  await runtime.idle()
  const { read } = runtime.runtime.engine
  const said = await read.selectFrom('entry').select('body_json').where('kind', '=', 'out').execute()
  expect(said).toHaveLength(2)
  expect(JSON.stringify(said)).toContain('Welcome!')
})

test('what does not fit into the response waits for the next event, and comes before its answer', async () => {
  const channel = memoryChannel({ capabilities: { inline: { withinMs: 4_500 }, later: [] } })
  await using runtime = await testRuntime({ bots: { bot: { use: talker(gate(), picture) } } }, { channel })
  expect(textOf(await channel.receive(message('one|two')))).toEqual(picture('one'))
  await runtime.idle()
  expect(textOf(await channel.receive(message('three')))).toEqual(picture('two'))
  await runtime.idle()
  expect(textOf(await channel.receive(message('four')))).toEqual(picture('three'))
})

test('what waits is not said to an event that a guard has turned away, nor to a repeat of it', async () => {
  const channel = memoryChannel({ capabilities: { inline: { withinMs: 4_500 }, later: [] } })
  const guard: Hooks = {
    inbound: { guard: (turn, next) => (turn.text === 'spam' ? turn.drop('spam') : next()) },
  }
  await using runtime = await testRuntime(
    { bots: { bot: { use: talker(gate(), picture) } }, features: [{ use: featureWith(guard) }] },
    { channel },
  )
  expect(textOf(await channel.receive(message('one|two')))).toEqual(picture('one'))
  await runtime.idle()
  expect(await channel.receive(message('spam', 'spam'))).toBeUndefined()
  await runtime.idle()
  expect(await channel.receive(message('spam', 'spam'))).toBeUndefined()
  expect(textOf(await channel.receive(message('three')))).toEqual(picture('two'))
})

test('what waits is said to a repeat, while its event is still being answered and after that', async () => {
  const door = gate()
  const channel = memoryChannel({ capabilities: { inline: { withinMs: 4_500 }, later: [] } })
  // Its time is over before the bot is asked: so the bot is still under way when the first answer is forgotten.
  const never = gate()
  const slowly: Hooks = {
    inbound: { enrich: (turn) => (turn.text === 'slow' ? never.pass() : undefined) },
  }
  await using runtime = await testRuntime(
    { bots: { bot: { use: talker(door, picture) } }, features: [{ use: featureWith(slowly) }] },
    { channel },
  )
  const ask = async (said: string) => textOf(await channel.receive(message(said, said)))
  expect(await ask('one|two|three|four')).toEqual(picture('one'))
  await runtime.idle()
  expect(await ask('slow')).toEqual(picture('two'))
  await never.reached()
  await runtime.clock.advance(5_000)
  await door.reached()
  await runtime.clock.advance(55_000)
  expect(await ask('slow')).toEqual(picture('three'))
  door.open()
  await runtime.idle()
  await runtime.clock.advance(60_000)
  expect(await ask('slow')).toEqual(picture('four'))
})

test('an answer that comes too late for the response goes the other way, where there is one', async () => {
  const door = gate()
  const channel = memoryChannel({ capabilities: { inline: { withinMs: 4_500 }, later: [ALWAYS] } })
  await using runtime = await testRuntime(
    { channels: { memory: { use: channel.plugin, answer: 'inline' } }, bots: { bot: { use: talker(door) } } },
    { channel },
  )
  expect(textOf(await channel.receive(message('quick')))).toEqual(text('echo: quick'))
  const slow = channel.receive(message('slow'))
  await door.reached()
  await runtime.clock.advance(4_500)
  expect(await slow).toBeUndefined()
  door.open()
  await runtime.user('u1').hears('echo: slow').hearsNothing()
})

test('two answers go the other way, where there is one: a response holds only one', async () => {
  const channel = memoryChannel({ capabilities: { inline: { withinMs: 4_500 }, later: [ALWAYS] } })
  await using runtime = await testRuntime(
    { channels: { memory: { use: channel.plugin, answer: 'inline' } }, bots: { bot: { use: talker(gate()) } } },
    { channel },
  )
  expect(await channel.receive(message('one|two'))).toBeUndefined()
  await runtime.user('u1').hears('echo: one', 'echo: two').hearsNothing()
})

describe('a channel that prefers the response', () => {
  const named = featureWith({
    outbound: { rewrite: (_reply, next) => next({ identity: { id: 'sales', name: 'Sales' } }) },
  })
  const prefers = (inline: Partial<Inline> = {}) =>
    memoryChannel({ capabilities: { inline: { withinMs: 4_500, isPreferred: true, ...inline }, later: [ALWAYS] } })

  test('answers there, unless the YAML says otherwise', async () => {
    const channel = prefers()
    const bots = { bot: { use: talker(gate()) } }
    await using runtime = await testRuntime({ bots }, { channel })
    expect(textOf(await channel.receive(message('hello')))).toEqual(text('echo: hello'))
    await runtime.idle()
    await runtime.apply({ channels: { memory: { use: channel.plugin, answer: 'later' } }, bots })
    expect(await channel.receive(message('hello'))).toBeUndefined()
    await runtime.user('u1').hears('echo: hello').hearsNothing()
  })

  test('answers afterwards with what cannot be said there', async () => {
    const channel = prefers({ parts: ['text'] })
    const say = (line: string) => (line === 'show' ? picture('it') : `echo: ${line}`)
    await using runtime = await testRuntime({ bots: { bot: { use: talker(gate(), say) } } }, { channel })
    expect(textOf(await channel.receive(message('hello')))).toEqual(text('echo: hello'))
    expect(await channel.receive(message('show'))).toBeUndefined()
    await runtime.idle()
    expect(channel.sent.map(({ part }) => part)).toEqual([picture('it')])
  })

  test('answers afterwards under a name that cannot be shown there', async () => {
    for (const [showsIdentity, isInside] of [
      [false, false],
      [true, true],
    ] as const) {
      const channel = prefers({ showsIdentity })
      const config = { bots: { bot: { use: talker(gate()) } }, features: [{ use: named }] }
      await using runtime = await testRuntime(config, { channel })
      expect((await channel.receive(message('hello'))) !== undefined).toBe(isInside)
      await runtime.idle()
      expect(channel.sent.length).toBe(isInside ? 0 : 1)
    }
  })

  test('answers there where no name is shown at all, for then it stands in the text', async () => {
    const capabilities = { inline: { withinMs: 4_500, isPreferred: true, showsIdentity: false }, later: [ALWAYS] }
    const channel = memoryChannel({ capabilities: { ...capabilities, showsIdentity: 'none' } })
    const config = { bots: { bot: { use: talker(gate()) } }, features: [{ use: named }] }
    await using _ = await testRuntime(config, { channel })
    expect(textOf(await channel.receive(message('hello')))).toEqual(text('Sales: echo: hello'))
  })
})

test('where both ways exist and the YAML says nothing, the platform is acknowledged at once', async () => {
  const door = gate()
  const channel = memoryChannel({ capabilities: { inline: { withinMs: 4_500 }, later: [ALWAYS] } })
  await using runtime = await testRuntime({ bots: { bot: { use: talker(door) } } }, { channel })
  expect(await channel.receive(message('slow'))).toBeUndefined()
  door.open()
  await runtime.user('u1').hears('echo: slow')
})

test('a repeated request joins the turn under way, and one after the answer gets the same again', async () => {
  const door = gate()
  const channel = memoryChannel({ capabilities: { inline: { withinMs: 4_500 }, later: [] } })
  await using runtime = await testRuntime({ bots: { bot: { use: talker(door) } } }, { channel })
  const first = channel.receive(message('slow', 'same'))
  await door.reached()
  const second = channel.receive(message('slow', 'same'))
  // The repeat is accepted before the door opens: another chat's whole turn has passed by then.
  await channel.receive({ ...message('hello'), chat: 'u2' })
  door.open()
  expect([textOf(await first), textOf(await second)]).toEqual([undefined, text('echo: slow')])
  await runtime.idle()
  expect(textOf(await channel.receive(message('slow', 'same')))).toEqual(text('echo: slow'))
  expect(await runtime.outcomes('u1')).toHaveLength(1)
})
