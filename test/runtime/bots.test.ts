/** What the core does for every bot: what it is told, what counts, and what is shown of its answer. */
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { defineBot, z } from '#core'
import { type TestConfig, testRuntime } from '#core/testing'
import { botThat, featureWith, gate, quietDesk } from './cast.ts'

const TEXTS = { unknown: 'Pardon?', fallback: 'Sorry.', handedOver: 'One moment.', offline: 'Nobody is here.' }
const PICTURE = { type: 'image', url: 'https://files.example/cat.png' } as const
const RECORDING = { type: 'audio', url: 'https://files.example/a.mp3' } as const

describe('what a bot is told was said before', () => {
  /** Answers with its history, and the words of now. */
  const recalls = botThat(async (turn) => {
    const said = await turn.history({ max: 10 })
    return turn.reply([...said.map(({ text }) => text), `now ${turn.text}`].join(' | '))
  })

  test('is not what it was gathered with, which are the words of now', async () => {
    await using runtime = await testRuntime({
      bots: { bot: { use: recalls } },
      routes: [{ from: ['memory'], mode: 'bot-only', bot: 'bot', collect: '2s' }],
    })
    const user = runtime.user('u1')
    await user.says('first')
    await runtime.advance(2_000)
    await user.hears('now first').says('I have').says('a question')
    await runtime.advance(2_000)
    await user.hears('first | now first | now I have\na question').says('thanks')
    await runtime.advance(2_000)
    await user.hears(
      'first | now first | I have | a question | first | now first | now I have\na question | now thanks',
    )
  })

  test('is not what was taken back, and of what was edited only what it says now', async () => {
    await using runtime = await testRuntime({ bots: { bot: { use: recalls } } })
    const user = runtime.user('u1')
    const ids = async () =>
      (await runtime.entries('u1'))
        .filter(({ type, kind }) => kind === 'in' && type === 'message')
        .map(({ body_json }) => z.object({ id: z.string() }).parse(JSON.parse(body_json)).id)
    const edited = (text: string) => [{ type: 'text', text }] as const
    await user
      .says('my number is 7')
      .hears('now my number is 7')
      .says('red')
      .hears(/now red$/)
    const [number = '', colour = ''] = await ids()
    await user.does({ type: 'edit', of: colour, parts: edited('green') })
    await user.does({ type: 'edit', of: colour, parts: edited('blue') })
    await user.does({ type: 'recall', of: number })
    await user
      .says('well?')
      .hears('now my number is 7 | blue | my number is 7 | now my number is 7 | now red | now well?')
  })

  test('is not what was taken back while more was waited for', async () => {
    await using runtime = await testRuntime({
      bots: { bot: { use: recalls } },
      routes: [{ from: ['memory'], mode: 'bot-only', bot: 'bot', collect: '2s' }],
    })
    const user = runtime.user('u1')
    await user.says('secret')
    const { body_json } = await runtime.runtime.engine.read.selectFrom('entry').selectAll().executeTakeFirstOrThrow()
    const { id } = z.object({ id: z.string() }).parse(JSON.parse(body_json))
    await user.says('hello').does({ type: 'recall', of: id })
    await runtime.advance(2_000)
    await user.hears('now hello').hearsNothing()
  })

  test('is not what a guard has turned away, though it was an edit of something that it let pass', async () => {
    const polite = featureWith({
      inbound: {
        guard: (turn, next) =>
          'parts' in turn.event && JSON.stringify(turn.event.parts).includes('damn') ? turn.drop('rude') : next(),
      },
    })
    await using runtime = await testRuntime({ bots: { bot: { use: recalls } }, features: [{ use: polite }] })
    const user = runtime.user('u1')
    await user.says('hello').hears('now hello')
    const [entry] = await runtime.entries('u1')
    const { id } = z.object({ id: z.string() }).parse(JSON.parse(entry?.body_json ?? '{}'))
    await user.does({ type: 'edit', of: id, parts: [{ type: 'text', text: 'damn' }] })
    await user.says('well?').hears('hello | now hello | now well?')
  })
})

describe('C-TA-03: what has no words does not count as unknown', () => {
  const bots: TestConfig['bots'] = {
    echo: { use: 'echo' },
    faq: { use: 'faq', knowledge: fileURLToPath(new URL('../../config/faq.yaml', import.meta.url)) },
    llm: { use: 'llm', url: 'https://model.example/v1', key: 'sk-nobody-is-asked', model: 'm', prompt: 'Be brief.' },
    own: { use: botThat((turn) => turn.unknown()) },
  }

  test.each(Object.entries(bots))('with %s', async (_name, bot) => {
    const { desk } = quietDesk()
    await using runtime = await testRuntime({
      bots: { bot },
      desks: { support: { use: desk } },
      texts: TEXTS,
      routes: [{ from: ['memory'], mode: 'bot-first', bot: 'bot', desk: 'support', handOff: { unknown: 1 } }],
    })
    const user = runtime.user('u1')
    await user.says([RECORDING]).hears('Pardon?').says([PICTURE]).hears('Pardon?')
    await user.does({ type: 'scan' }).does({ type: 'menu-click', key: 'NEWS' }).hearsNothing()
    expect(await runtime.outcomes('u1')).toEqual([
      'answered: unknown: without words',
      'answered: unknown: without words',
      'handled: unknown scan: without words',
      'handled: unknown menu-click: without words',
    ])
    expect((await runtime.conversation('u1'))?.counts).toEqual({ unknown: 0, failures: 0 })
  })

  test('what was said between two unknown answers and had none, does not begin the count anew', async () => {
    const { desk } = quietDesk()
    await using runtime = await testRuntime({
      bots: { bot: { use: botThat((turn) => turn.unknown()) } },
      desks: { support: { use: desk } },
      texts: TEXTS,
      routes: [{ from: ['memory'], mode: 'bot-first', bot: 'bot', desk: 'support', handOff: { unknown: 2 } }],
    })
    await runtime.user('u1').says('a').hears('Pardon?').says([PICTURE]).hears('Pardon?').says('b').hears('One moment.')
  })

  test('a recording with a transcript, and a choice, do count', async () => {
    const { desk } = quietDesk()
    await using runtime = await testRuntime({
      bots: { bot: { use: botThat((turn) => turn.unknown()) } },
      desks: { support: { use: desk } },
      texts: TEXTS,
      routes: [{ from: ['memory'], mode: 'bot-first', bot: 'bot', desk: 'support', handOff: { unknown: 1 } }],
    })
    await runtime
      .user('u1')
      .says([{ ...RECORDING, transcript: 'my parcel' }])
      .hears('One moment.')
    await runtime.user('u2').clicks('parcel').hears('One moment.')
  })

  test('what a bot itself says to a scan is said', async () => {
    const greets = botThat((turn) =>
      turn.event.type === 'scan' ? turn.unknown('Hello! Ask me anything.') : turn.unknown(),
    )
    await using runtime = await testRuntime({ bots: { bot: { use: greets } }, texts: TEXTS })
    await runtime.user('u1').does({ type: 'scan' }).hears('Hello! Ask me anything.').hearsNothing()
  })
})

describe('a draft', () => {
  test('in small pieces is shown at most every 50 ms, the newest text, and the last one too', async () => {
    const doors = [gate(), gate()]
    const writes = defineBot({
      name: 'writes',
      summary: 'Writes letter by letter.',
      config: z.strictObject({}),
      setup: () => ({
        async *answer(turn) {
          let text = ''
          for (const door of doors) {
            for (let i = 0; i < 1_000; i++) {
              text += 'x'
              yield text
            }
            await door.pass()
          }
          yield `${text}!`
          return turn.reply(text)
        },
      }),
    })
    await using runtime = await testRuntime({ bots: { bot: { use: writes } } })
    const user = runtime.user('u1')
    const drafts = () => runtime.channel.drafts.map(({ text }) => (text.endsWith('!') ? 'last' : text.length))
    await user.says('hello')
    await doors[0]?.reached()
    expect(drafts()).toEqual([1])
    await runtime.clock.advance(49)
    expect(drafts()).toEqual([1])
    await runtime.clock.advance(1)
    expect(drafts()).toEqual([1, 1_000])
    await runtime.clock.advance(50)
    doors[0]?.open()
    await doors[1]?.reached()
    expect(drafts()).toEqual([1, 1_000, 1_001])
    doors[1]?.open()
    await user.hears('x'.repeat(2_000)).hearsNothing()
    expect(drafts()).toEqual([1, 1_000, 1_001, 'last', 0])
  })
})

test('a first message that is asked about again, because of a reload, is about the same conversation', async () => {
  const door = gate()
  const asked: string[] = []
  const slow = botThat(async (turn) => {
    asked.push(`${turn.id} ${turn.conversation.id}`)
    if (asked.length === 1) await door.pass()
    return turn.reply('hello')
  })
  const config = { bots: { bot: { use: slow } }, limits: { drainFor: '5s' } }
  await using runtime = await testRuntime(config)
  const user = runtime.user('u1')
  await user.says('hi')
  await door.reached()
  const applying = runtime.apply({ ...config, languages: ['fr'] })
  await expect
    .poll(async () => {
      await runtime.clock.advance(1_000)
      return asked.length
    })
    .toBe(2)
  await applying
  await user.hears('hello')
  expect(new Set(asked).size).toBe(1)
  expect(asked[0]?.split(' ')[1]).toBe((await runtime.conversation('u1'))?.id)
  door.open()
})

test('a reason and a text that were cut in the middle of a character are kept as they can be read', async () => {
  const cuts = botThat((turn) =>
    turn.reply({ type: 'text', text: 'Cut \ud83d' }, { because: `about ${'😀'.slice(0, 1)}` }),
  )
  await using runtime = await testRuntime({ bots: { bot: { use: cuts } } })
  await runtime.user('u1').says('hi').hears('Cut �')
  expect(await runtime.outcomes('u1')).toEqual(['answered: about �'])
  const [entry] = await runtime.entries('u1')
  expect(entry?.trace_json).toContain('about �')
  expect(entry?.trace_json).not.toContain('\\ud83d')
})

test('a team that the desk does not have is told to the operator, and the customer comes to people all the same', async () => {
  const { desk } = quietDesk()
  const config = {
    bots: { bot: { use: botThat((turn) => turn.handOff({ because: 'asked', to: { team: 'afterr' } })) } },
    desks: { support: { use: desk, teams: ['after', 'presale'] } },
    texts: TEXTS,
  }
  await using runtime = await testRuntime(config)
  await runtime.user('u1').says('hi').hears('One moment.')
  expect((await runtime.conversation('u1'))?.owner).toEqual({ kind: 'queue', desk: 'support', team: 'after' })
  const told = 'support has no team afterr (known: after, presale)'
  expect(runtime.logged.join('')).toContain(told)
  expect((await runtime.entries('u1'))[0]?.trace_json).toContain(told)
})
