import { describe, expect, test } from 'vitest'
import { ALWAYS, type Hooks, type InboundEvent, type Inline, type Say } from '#core'
import { type MemoryChannel, memoryChannel, type TestRuntime, testRuntime } from '#core/testing'
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

/** The customer has asked something slow, and its answer has come when the response had gone. */
async function late(runtime: TestRuntime, channel: MemoryChannel, door: ReturnType<typeof gate>): Promise<void> {
  const asked = channel.receive(message('slow', 'slow'))
  await door.reached()
  await runtime.clock.advance(4_500)
  expect(await asked).toBeUndefined()
  door.open()
  await runtime.idle()
}

/** Says what it is told, one reply for each line; says nothing to "…", and waits at the door when it is told so. */
function talker(door: ReturnType<typeof gate>, say: (line: string) => Say = (line) => `echo: ${line}`) {
  return botThat(async (turn) => {
    if (turn.text === '…') return turn.done('nothing to say')
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

test('what does not fit into the response waits for an event without an answer, and takes the place of none', async () => {
  const channel = memoryChannel({ capabilities: { inline: { withinMs: 4_500 }, later: [] } })
  await using runtime = await testRuntime({ bots: { bot: { use: talker(gate(), picture) } } }, { channel })
  expect(textOf(await channel.receive(message('one|two')))).toEqual(picture('one'))
  await runtime.idle()
  expect(textOf(await channel.receive(message('three')))).toEqual(picture('three'))
  await runtime.idle()
  expect(textOf(await channel.receive(message('…')))).toEqual(picture('two'))
  await runtime.idle()
  expect(await channel.receive(message('…'))).toBeUndefined()
})

test('after an answer that came too late every question gets its own, with the late one in front of the first', async () => {
  const door = gate()
  const channel = memoryChannel({ capabilities: { inline: { withinMs: 4_500 }, later: [] } })
  await using runtime = await testRuntime({ bots: { bot: { use: talker(door) } } }, { channel })
  await late(runtime, channel, door)
  expect(textOf(await channel.receive(message('two')))).toEqual(text('echo: slow\necho: two'))
  expect(textOf(await channel.receive(message('three')))).toEqual(text('echo: three'))
  await runtime.idle()
  const rows = await runtime.runtime.engine.read.selectFrom('delivery').select(['state', 'code']).execute()
  expect(rows).toEqual(Array(3).fill({ state: 'sent', code: null }))
})

test('what waits stands in front of the choices of an answer, and is not said where there is no room for it', async () => {
  const door = gate()
  const choices = [{ id: 'a', label: 'A' }]
  const say = (line: string): Say =>
    line === 'menu' ? { type: 'choices', prompt: 'Which?', choices } : `echo: ${line}`
  const channel = memoryChannel({
    capabilities: { sends: { text: { maxChars: 20 }, choices: {} }, inline: { withinMs: 4_500 }, later: [] },
  })
  await using runtime = await testRuntime({ bots: { bot: { use: talker(door, say) } } }, { channel })
  await late(runtime, channel, door)
  expect(textOf(await channel.receive(message('0123456789')))).toEqual(text('echo: 0123456789'))
  const prompt = 'echo: slow\nWhich?'
  expect(textOf(await channel.receive(message('menu')))).toEqual({ type: 'choices', prompt, choices })
})

test('what waits is said in no response of which the channel says that nobody sees it', async () => {
  const door = gate()
  const channel = memoryChannel({ capabilities: { inline: { withinMs: 4_500 }, later: [] } })
  await using runtime = await testRuntime({ bots: { bot: { use: talker(door) } } }, { channel })
  await late(runtime, channel, door)
  const unseen = { id: 'view', chat: 'u1', atMs: 1, type: 'other', kind: 'VIEW' } as const
  expect(await channel.receive(unseen, { answerable: false })).toBeUndefined()
  expect(await channel.receive(message('two'), { answerable: false })).toBeUndefined()
  await runtime.idle()
  expect(textOf(await channel.receive(message('three')))).toEqual(text('echo: slow\necho: two\necho: three'))
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
  expect(textOf(await channel.receive(message('…')))).toEqual(picture('two'))
})

test('a repeat of an event that was answered too late gets its answer, and then what else waits', async () => {
  const door = gate()
  const channel = memoryChannel({ capabilities: { inline: { withinMs: 4_500 }, later: [] } })
  await using runtime = await testRuntime({ bots: { bot: { use: talker(door, picture) } } }, { channel })
  const ask = async (said: string) => textOf(await channel.receive(message(said, said)))
  expect(await ask('one|two')).toEqual(picture('one'))
  await late(runtime, channel, door)
  expect(await ask('slow')).toEqual(picture('slow'))
  await runtime.idle()
  await runtime.clock.advance(60_000)
  expect(await ask('slow')).toEqual(picture('two'))
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
