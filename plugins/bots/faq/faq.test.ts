import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { memoryChannel, type TestRuntime, testRuntime } from '#core/testing'
import faq from './index.ts'

const KNOWLEDGE = {
  groups: { delivery: { en: 'Delivery', 'zh-CN': '配送' } },
  synonyms: [['parcel', 'package', '包裹']],
  entries: {
    'opening-hours': {
      questions: ['what are your opening hours', 'when do you open', '几点开门', '营业时间'],
      answer: { en: '9 to 6.', 'zh-CN': '九点到六点。' },
    },
    'delivery-time': {
      group: 'delivery',
      title: { en: 'How long it takes', 'zh-CN': '多久能到' },
      questions: ['how long does delivery take', 'when will my parcel arrive', '多久能到货'],
      answer: { en: 'Two days.', 'zh-CN': '两天。' },
    },
    'delivery-cost': {
      group: 'delivery',
      questions: ['how much does delivery cost', 'is delivery free', '运费多少钱'],
      answer: 'Nothing.',
    },
    'shop-address': {
      questions: ['where is your shop', '店在哪里'],
      answer: [
        { type: 'text', text: 'Here:' },
        { type: 'image', url: 'https://files.example/map.png' },
        { type: 'link', url: 'https://tea.example', title: 'The way' },
      ],
    },
    menu: {
      questions: ['what can you do'],
      answer: {
        type: 'choices',
        prompt: 'I know',
        choices: [
          { id: 'delivery', label: 'all about delivery' },
          { id: 'opening-hours', label: 'when we are open' },
        ],
      },
    },
  },
}

const SUPPORT = {
  use: 'desk',
  people: { amy: { name: 'Amy' } },
  teams: { presale: { members: ['amy'], assign: 'by-hand' } },
}
const NOT_KNOWN = 'what is the capital of France?'

type More = { readonly [section: string]: unknown }

/** A runtime whose bot knows this. The file stays as long as it does. */
async function start(settings: More = {}, more: More = {}, knowledge: unknown = KNOWLEDGE, channel = memoryChannel()) {
  const folder = await mkdtemp(join(tmpdir(), 'faq-'))
  await writeFile(join(folder, 'faq.yaml'), stringify(knowledge))
  const config = {
    languages: ['en', 'zh-CN'],
    bots: { helper: { use: faq, knowledge: './faq.yaml', ...settings } },
    desks: { support: SUPPORT },
    texts: { unknown: 'What?', handedOver: 'Wait.' },
    ...more,
  }
  const stop = () => rm(folder, { recursive: true })
  const runtime = await testRuntime(config, { folder, channel, there: ['amy'] }).catch(async (error: unknown) => {
    await stop()
    throw error
  })
  return {
    runtime,
    async [Symbol.asyncDispose]() {
      await runtime[Symbol.asyncDispose]()
      await stop()
    },
  }
}

const bot = (triggers: More) => ({
  routes: [{ from: 'memory', mode: 'bot-first', bot: 'helper', desk: 'support', handOff: triggers }],
})

async function ownerOf(runtime: TestRuntime, user: string) {
  return (await runtime.conversation(user))?.owner
}
const QUEUED = { kind: 'queue', desk: 'support', team: 'presale' }

describe('a question that is understood', () => {
  test('is answered in the customer’s language, whatever its wording and typing errors', async () => {
    await using started = await start()
    const { runtime } = started
    await runtime.user('u1').says('hey, when do u open tomorrow?').hears('9 to 6.')
    await runtime.user('u1').says('waht are yuor opening huors').hears('9 to 6.')
    await runtime.user('u2', { language: 'zh-CN' }).says('请问你们几点开门呀？').hears('九点到六点。')
  })

  test('is found by words that mean the same, of another language too', async () => {
    await using started = await start()
    const { runtime } = started
    await runtime.user('u1').says('when will my package arrive').hears('Two days.')
    await runtime.user('u1').says('when will my 包裹 arrive').hears('Two days.')
  })

  test('is answered with all the parts of its answer', async () => {
    await using started = await start()
    const { runtime } = started
    const link = { type: 'link', url: 'https://tea.example', title: 'The way' } as const
    await runtime.user('u1').says('where is your shop').hears('Here:', { type: 'image' }, link)
  })

  test('says which entry, and how sure it was', async () => {
    await using started = await start()
    const { runtime } = started
    await runtime.user('u1').says('is delivery free?')
    expect(await runtime.outcomes('u1')).toEqual(['answered: understood delivery-cost (1.00)'])
  })

  test('C-TA-01: hands over where the route names its entry, and answers first', async () => {
    await using started = await start({}, bot({ intents: ['delivery-time'] }))
    const { runtime } = started
    await runtime.user('u1').says('is delivery free').hears('Nothing.').hearsNothing()
    await runtime.user('u1').says('how long does delivery take').hears('Two days.', 'Wait.')
    expect(await ownerOf(runtime, 'u1')).toEqual(QUEUED)
  })
})

describe('a question that may mean several things', () => {
  const TIME = { id: 'delivery-time', label: 'How long it takes' } as const
  const COST = { id: 'delivery-cost', label: 'how much does delivery cost' } as const
  const PROMPT = 'Did you mean one of these?'
  /** What is most alike comes first. */
  const OFFER = { type: 'choices', prompt: PROMPT, choices: [COST, TIME] } as const
  /** In the order of the file. */
  const GROUP = { type: 'choices', prompt: PROMPT, choices: [TIME, COST] } as const

  test('is answered with what it may mean, and a click or its number answers', async () => {
    await using started = await start()
    const { runtime } = started
    const user = runtime.user('u1')
    await user.says('my delivery').hears(OFFER).clicks('delivery-time').hears('Two days.')
    await user.says('my delivery').hears(OFFER).says('1').hears('Nothing.')
    expect((await runtime.outcomes('u1'))[1]).toBe('answered: chose delivery-time')
  })

  test('is a word alone, unless it is a wording', async () => {
    await using started = await start()
    const { runtime } = started
    const offer = {
      type: 'choices',
      prompt: PROMPT,
      choices: [{ id: 'shop-address', label: 'where is your shop' }],
    } as const
    await runtime.user('u1').says('the shop').hears(offer)
    await runtime.user('u1').says('营业时间').hears('9 to 6.')
  })

  test('is answered so in the customer’s language', async () => {
    await using started = await start()
    const { runtime } = started
    await runtime
      .user('u1', { language: 'zh-CN' })
      .says('配送！')
      .hears({
        type: 'choices',
        prompt: '您想问的是：',
        choices: [
          { id: 'delivery-time', label: '多久能到' },
          { id: 'delivery-cost', label: '运费多少钱' },
        ],
      })
  })

  test('is offered in numbered text where the channel has no choices, and the number answers', async () => {
    const channel = memoryChannel({ capabilities: { sends: { text: {} } } })
    await using started = await start({}, {}, KNOWLEDGE, channel)
    const { runtime } = started
    await runtime
      .user('u1')
      .says('delivery')
      .hears(/1\. How long it takes\n2\. how much does delivery cost/)
    await runtime.user('u1').says('1').hears('Two days.')
  })

  test('two entries that are alike are both offered, and the first one is not simply taken', async () => {
    const tea = (name: string) => ({ questions: [`do you have ${name} tea`], answer: name })
    const knowledge = {
      entries: { green: tea('green'), black: tea('black'), other: { ...tea('x'), questions: ['jobs'] } },
    }
    await using started = await start({}, {}, knowledge)
    const { runtime } = started
    await runtime
      .user('u1')
      .says('do you have tea')
      .hears({
        choices: [
          { id: 'green', label: 'do you have green tea' },
          { id: 'black', label: 'do you have black tea' },
        ],
      })
  })

  test('the title of a group, and a choice with its name, offer its entries', async () => {
    await using started = await start()
    const { runtime } = started
    const user = runtime.user('u1')
    await user.says('Delivery?').hears(GROUP)
    await user.says('what can you do').hears({ type: 'choices', prompt: 'I know' }).clicks('delivery').hears(GROUP)
    await user.says('what can you do').hears({ prompt: 'I know' }).says('when we are open').hears('9 to 6.')
  })

  test('of a large group the first 20 entries are offered', async () => {
    const entries = Array.from({ length: 150 }, (_, i) => {
      return [`e${i}`, { group: 'all', questions: [`number ${i}`], answer: `${i}` }] as const
    })
    const knowledge = { groups: { all: 'Everything' }, entries: Object.fromEntries(entries) }
    await using started = await start({}, {}, knowledge)
    const choices = entries.slice(0, 20).map(([id], i) => ({ id, label: `number ${i}` }))
    await started.runtime.user('u1').says('everything').hears({ type: 'choices', choices })
    const offered = started.runtime.channel.sent.flatMap(({ part }) => (part.type === 'choices' ? part.choices : []))
    expect(offered).toHaveLength(20)
  })

  test('C-TA-02: choosing the person below what is offered hands over, and what was shown is recorded', async () => {
    await using started = await start({ person: { en: 'A person', 'zh-CN': '人工' } })
    const { runtime } = started
    const person = { id: ':person', label: 'A person' }
    await runtime
      .user('u1')
      .says('my delivery')
      .hears({ choices: [...OFFER.choices, person] })
    await runtime.user('u1').says('A person').hears('Wait.')
    expect(await runtime.outcomes('u1')).toEqual([
      expect.stringMatching(/^answered: may be delivery-\w+ \(0\.\d\d\), delivery-\w+ \(0\.\d\d\)/),
      'handed-off: none of the questions that were offered',
    ])
    expect(await ownerOf(runtime, 'u1')).toEqual(QUEUED)
    const said = (await runtime.entries('u1')).filter(({ kind }) => kind === 'out').map(({ body_json }) => body_json)
    expect(said[0]).toContain('how much does delivery cost')
  })

  test('C-TA-02: hands over at once where the route says so', async () => {
    await using started = await start({}, bot({ guided: true }))
    const { runtime } = started
    await runtime.user('u1').says('my delivery').hears(OFFER, 'Wait.')
    expect(await ownerOf(runtime, 'u1')).toEqual(QUEUED)
  })

  test('is offered with no more choices than the settings say', async () => {
    await using started = await start({ choices: 1 })
    const { runtime } = started
    await runtime
      .user('u1')
      .says('my delivery')
      .hears({ type: 'choices', choices: [{ id: 'delivery-cost', label: 'how much does delivery cost' }] })
  })
})

describe('a question that is not known', () => {
  test('C-TA-03: counts as unknown, and so many in a row hand over; an answer in between begins anew', async () => {
    await using started = await start({}, bot({ unknown: 2 }))
    const { runtime } = started
    const user = runtime.user('u1')
    await user.says(NOT_KNOWN).hears('What?').says('when do you open').hears('9 to 6.').says(NOT_KNOWN).hears('What?')
    await user.says('tell me a joke').hears('Wait.')
    expect(await ownerOf(runtime, 'u1')).toEqual(QUEUED)
  })

  test('C-BT-01: is answered with what this bot says to it', async () => {
    await using started = await start({ unknown: { en: 'No idea.', 'zh-CN': '不懂。' } })
    const { runtime } = started
    await runtime.user('u1').says(NOT_KNOWN).hears('No idea.')
    await runtime.user('u2', { language: 'zh-CN' }).says('今天天气怎么样').hears('不懂。')
  })

  test('C-BT-01: two channels have two bots with knowledge and words of their own', async () => {
    const other = memoryChannel({ name: 'other' })
    await using started = await start(
      { unknown: 'Not here.' },
      {
        channels: { elsewhere: { use: other.plugin } },
        bots: {
          helper: { use: faq, knowledge: './faq.yaml', unknown: 'Not here.' },
          second: { use: faq, knowledge: './faq.yaml', unknown: 'Nor there.' },
        },
        routes: [
          { from: 'memory', mode: 'bot-only', bot: 'helper' },
          { from: 'elsewhere', mode: 'bot-only', bot: 'second' },
        ],
      },
    )
    const { runtime } = started
    await runtime.user('u1').says(NOT_KNOWN).hears('Not here.')
    const parts = [{ type: 'text', text: NOT_KNOWN } as const]
    await other.receive({ id: '1', chat: 'u9', type: 'message', atMs: runtime.clock.now(), grants: 'message', parts })
    await runtime.idle()
    expect(other.sent.map(({ part }) => part)).toEqual([{ type: 'text', text: 'Nor there.' }])
  })

  test('is a message without words, and one with nothing but courtesy', async () => {
    await using started = await start()
    const { runtime } = started
    await runtime
      .user('u1')
      .says([{ type: 'image', url: 'https://files.example/cat.png' }])
      .hears('What?')
    await runtime.user('u1').says('？？').hears('What?').says('请问').hears('What?')
  })
})

describe('the thresholds', () => {
  test('higher ones answer less and offer less, lower ones more', async () => {
    const kindOf = async (settings: More) => {
      await using started = await start(settings)
      await started.runtime.user('u1').says('when do u open tomorrow')
      return ((await started.runtime.outcomes('u1'))[0] ?? '').split(' ')[1]
    }
    expect(await kindOf({})).toBe('understood')
    expect(await kindOf({ understood: 1 })).toBe('may')
    expect(await kindOf({ understood: 1, guided: 1 })).toBe('unknown')
  })
})
