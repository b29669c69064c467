import { describe, expect, test } from 'vitest'
import { definePlugin, z } from '#core'
import { memoryChannel, testRuntime } from '#core/testing'
import keywordHandoff from './index.ts'

/** As in `config/switchboard.yaml`. */
const KEYWORDS = ['转人工', '人工', 'trans-to-agent', 'agent', { text: 'r', match: 'exact' }]
const SUPPORT = {
  use: 'desk',
  people: { amy: { name: 'Amy' } },
  teams: { presale: { members: ['amy'], assign: 'by-hand' } },
}
const QUEUED = { kind: 'queue', desk: 'support', team: 'presale' }

function start(
  settings: { readonly [setting: string]: unknown } = {},
  more: { readonly [section: string]: unknown } = {},
) {
  return testRuntime(
    {
      bots: { parrot: { use: 'echo' } },
      desks: { support: SUPPORT },
      features: [{ use: keywordHandoff, keywords: KEYWORDS, say: 'One moment.', ...settings }],
      ...more,
    },
    { there: ['amy'] },
  )
}

/** What becomes of each of these messages, said by another customer each. */
async function outcomesOf(said: readonly string[]): Promise<readonly (readonly [string, string | undefined])[]> {
  await using bot = await start()
  for (const [i, text] of said.entries()) await bot.user(`u${i}`).says(text)
  return await Promise.all(said.map(async (text, i) => [text, (await bot.outcomes(`u${i}`))[0]] as const))
}

describe('the keywords', () => {
  test('C-TA-04: are found whatever their case and width, and whatever stands around them', async () => {
    const expected = [
      ['r', 'r'],
      ['R', 'r'],
      ['Ｒ', 'r'],
      ['ｒ。', 'r'],
      [' r! ', 'r'],
      ['“R”', 'r'],
      ['agent', 'agent'],
      ['AGENT, please!', 'agent'],
      ['ａｇｅｎｔ', 'agent'],
      ['trans-to-agent', 'trans-to-agent'],
      ['Trans-To-Agent.', 'trans-to-agent'],
      ['转人工', '转人工'],
      ['我要转人工服务！', '转人工'],
      ['有没有人工客服', '人工'],
      ['我要轉人工服務！', '转人工'],
      ['人工ですか', '人工'],
    ]
    const found = await outcomesOf(expected.map(([said = '']) => said))
    expect(found).toEqual(expected.map(([said, word]) => [said, `handed-off: keyword ${word}`]))
  })

  test('C-TA-04: are not found inside other words, nor a single letter among others', async () => {
    const said = [
      ...['are you there', 'r u there', 'hello r', 'rr', '®', 'agents', 'reagent', 'my agenda'],
      ...['转账', '人 工', '机器人'],
    ]
    expect(await outcomesOf(said)).toEqual(said.map((text) => [text, 'answered: bot']))
  })

  test('give the conversation to the queue, and the customer is told', async () => {
    await using bot = await start()
    await bot.user('u1').says('r').hears('One moment.').hearsNothing()
    expect((await bot.conversation('u1'))?.owner).toEqual(QUEUED)
  })

  test('are found in a recording whose transcript is known, not in a picture', async () => {
    await using bot = await start()
    const user = bot.user('u1')
    await user.says([{ type: 'image', url: 'https://files.example/agent.png' }]).hears(/did not understand/)
    await user.says([{ type: 'audio', url: 'https://files.example/a.mp3', transcript: 'agent' }]).hears('One moment.')
  })
})

describe('what is said', () => {
  test('is in the customer’s language', async () => {
    await using bot = await start({ say: { en: 'One moment.', 'zh-CN': '请稍候。' } }, { languages: ['en', 'zh-CN'] })
    await bot.user('u1').says('agent').hears('One moment.')
    await bot.user('u2', { language: 'zh-CN' }).says('人工').hears('请稍候。')
  })

  test('is the core’s own text when it is left out', async () => {
    await using bot = await start({ say: undefined }, { texts: { handedOver: 'Please wait.' } })
    await bot.user('u1').says('agent').hears('Please wait.').hearsNothing()
  })

  test('is nothing when it is empty', async () => {
    await using bot = await start({ say: '' })
    await bot.user('u1').says('agent').hearsNothing()
    expect((await bot.conversation('u1'))?.owner).toEqual(QUEUED)
  })
})

describe('C-TA-06: the line that tells how to get a person', () => {
  const LINE = { say: { en: 'Write “agent” for a person.', 'zh-CN': '回复“人工”转人工客服。' } }
  const GREETER = definePlugin({
    name: 'greeter',
    summary: 'Greets.',
    config: z.strictObject({}),
    setup: () => ({
      inbound: {
        respond(turn, next) {
          if (turn.conversation === undefined) turn.say('Welcome!')
          return next()
        },
      },
    }),
  })
  const guided = (guidance: object, more = {}) =>
    start({ guidance: { ...LINE, ...guidance } }, { languages: ['en', 'zh-CN'], ...more })

  test('is said once in a conversation, after the first answer, in the customer’s language', async () => {
    await using bot = await guided({})
    await bot.user('u1').says('hello').hears('echo: hello', 'Write “agent” for a person.')
    await bot.user('u1').says('well').hears('echo: well').hearsNothing()
    const zh = bot.user('u2', { language: 'zh-CN' })
    await zh.says('你好').hears('echo: 你好', '回复“人工”转人工客服。').says('好').hears('echo: 好').hearsNothing()
  })

  test('is said again in the next conversation', async () => {
    await using bot = await guided({})
    const user = bot.user('u1')
    await user.says('hello').hears('echo: hello', /agent/).says('agent').hears('One moment.')
    await bot.agent('amy').takes('u1')
    await bot.agent('amy').closes('u1')
    await bot.advance(3_600_000)
    await user.says('me again').hears('echo: me again', /agent/).hearsNothing()
  })

  test('stands below a greeting and the answer', async () => {
    const features = [{ use: GREETER }, { use: keywordHandoff, keywords: KEYWORDS, say: 'One moment.', guidance: LINE }]
    await using bot = await start({}, { features })
    await bot.user('u1').says('hello').hears('Welcome!', 'echo: hello', 'Write “agent” for a person.').hearsNothing()
  })

  test('is not said to who gets a person at once', async () => {
    await using bot = await guided({})
    await bot.user('u1').says('agent').hears('One moment.').hearsNothing()
  })

  test('is never said when it is switched off, and the words go on working', async () => {
    await using bot = await guided({ enabled: false })
    const user = bot.user('u1')
    await user.says('hello').hears('echo: hello').hearsNothing().says('agent').hears('One moment.').hearsNothing()
    expect((await bot.conversation('u1'))?.owner).toEqual(QUEUED)
  })

  test('is not said where it would take the place of the next answer: on a channel that sends nothing later', async () => {
    const channel = memoryChannel({ capabilities: { inline: { withinMs: 4_500 }, later: [] } })
    const features = [{ use: keywordHandoff, keywords: KEYWORDS, guidance: LINE }]
    await using bot = await testRuntime({ bots: { parrot: { use: 'echo' } }, features }, { channel })
    const ask = async (id: string) => {
      const parts = [{ type: 'text', text: id }] as const
      const answer = await channel.receive({ id, chat: 'u1', type: 'message', parts, atMs: bot.clock.now() })
      await bot.idle()
      return answer?.part
    }
    expect(await ask('one')).toEqual({ type: 'text', text: 'echo: one' })
    expect(await ask('two')).toEqual({ type: 'text', text: 'echo: two' })
  })

  test('is left out by itself', async () => {
    await using bot = await start()
    await bot.user('u1').says('hello').hears('echo: hello').hearsNothing()
  })
})

test('C-TA-05: an item of the channel’s menu hands over without any text', async () => {
  const handOff = { menu: ['PERSON'] }
  const routes = [{ from: 'memory', mode: 'bot-first', bot: 'parrot', desk: 'support', handOff }]
  await using bot = await start({}, { routes, texts: { handedOver: 'Please wait.' } })
  const user = bot.user('u1')
  await user.does({ type: 'menu-click', key: 'OTHER' }).hearsNothing()
  expect((await bot.conversation('u1'))?.owner).toEqual({ kind: 'bot', bot: 'parrot' })
  await user.does({ type: 'menu-click', key: 'PERSON' }).hears('Please wait.').hearsNothing()
  expect((await bot.conversation('u1'))?.owner).toEqual(QUEUED)
  expect((await bot.outcomes('u1')).at(-1)).toBe('handed-off: menu PERSON')
})

test('people who have the conversation are not handed it again', async () => {
  await using bot = await start()
  const user = bot.user('u1')
  await user.says('hello').hears('echo: hello').says('agent').hears('One moment.').says('agent!').hearsNothing()
  await bot.agent('amy').takes('u1')
  await user.says('r').hearsNothing()
  expect(await bot.outcomes('u1')).toEqual([
    'answered: bot',
    'handed-off: keyword agent',
    'to-desk: support has the conversation',
    'to-desk: support has the conversation',
  ])
})

test('where a route has no people, the customer is told so and the bot goes on', async () => {
  const routes = [{ from: 'memory', mode: 'bot-only', bot: 'parrot' }]
  await using bot = await start({}, { routes, texts: { noPeople: 'Only bots here.' } })
  await bot.user('u1').says('agent').hears('Only bots here.').says('well then').hears('echo: well then')
})

test('two of them serve different channels', async () => {
  const other = memoryChannel({ name: 'other' })
  await using bot = await testRuntime(
    {
      channels: { second: { use: other.plugin } },
      bots: { parrot: { use: 'echo' } },
      desks: { support: SUPPORT },
      texts: { waiting: '' },
      features: [
        { use: keywordHandoff, keywords: ['agent'], for: ['memory'], say: 'here' },
        { use: keywordHandoff, name: 'other-words', keywords: ['person'], for: ['second'], say: 'there' },
      ],
    },
    { there: ['amy'] },
  )
  await bot.user('u1').says('person').hears('echo: person').says('agent').hears('here')
  const said = (text: string) => [{ type: 'text', text } as const]
  const message = { chat: 'u9', type: 'message', atMs: bot.clock.now(), grants: 'message' } as const
  await other.receive({ ...message, id: '1', parts: said('agent') })
  await other.receive({ ...message, id: '2', parts: said('person') })
  await bot.idle()
  expect(other.sent.map(({ part }) => part)).toEqual([...said('echo: agent'), ...said('there')])
})
