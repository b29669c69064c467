import { describe, expect, test } from 'vitest'
import { definePlugin, z } from '#core'
import {
  manualClock,
  memoryChannel,
  type TestConfig,
  type TestOptions,
  type TestRuntime,
  testRuntime,
} from '#core/testing'
import desk from '../index.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
/** A Thursday, 12:00 in the time zone of these tests. */
const NOON = Date.UTC(2026, 0, 1, 12)

/** Hands over whoever writes `person`, or `person <team>`. */
const asking = definePlugin({
  name: 'asking',
  summary: 'Hands over on a word.',
  config: z.strictObject({}),
  setup: () => ({
    inbound: {
      respond(turn, next) {
        const [word, team] = turn.text.split(' ')
        return word === 'person' ? turn.handOff({ to: team ? { team } : undefined, because: turn.text }) : next()
      },
    },
  }),
})

/** Holds whatever says `voice` back until it is let go, as a slow transcription does. */
function holding() {
  const { promise, resolve: letGo } = Promise.withResolvers<void>()
  const plugin = definePlugin({
    name: 'holding',
    summary: 'Takes its time.',
    config: z.strictObject({}),
    setup: () => ({
      inbound: {
        async guard(turn, next) {
          if (turn.text === 'voice') await promise
          return next()
        },
      },
    }),
  })
  const voice = (bot: TestRuntime, chat: string) => {
    const parts = [{ type: 'text', text: 'voice' }] as const
    return bot.channel.receive({ id: 'voice', chat, type: 'message', parts, atMs: bot.clock.now(), grants: 'message' })
  }
  return { more: { features: [{ use: asking }, { use: plugin }] }, voice, letGo }
}

const PEOPLE = { amy: { name: 'Amy', capacity: 1 }, bo: { name: 'Bo', capacity: 1 }, cy: { name: 'Cy', capacity: 1 } }

interface Shop {
  readonly people?: object
  readonly teams?: object
  readonly desk?: object
  readonly more?: TestConfig
}

function shop({
  people = PEOPLE,
  teams = { presale: { members: ['amy', 'bo'] } },
  desk: settings,
  more,
}: Shop = {}): TestConfig {
  return {
    timeZone: 'UTC',
    bots: { parrot: { use: 'echo' } },
    desks: { support: { use: desk, people, teams, ...settings } },
    features: [{ use: asking }],
    texts: {
      handedOver: 'Wait.',
      offline: 'Nobody is here.',
      waiting: 'Place {place}.',
      waitingFor: 'Place {place}, {from} to {to} minutes.',
      agentGone: 'Gone.',
      queueLeft: 'Left.',
    },
    ...more,
  }
}

const start = (config: Shop = {}, options: TestOptions = {}) =>
  testRuntime(shop(config), { clock: manualClock(NOON), ...options })

/** Who has the customer's conversation: `amy`, `queue of presale`, `parrot` or `nobody`. */
async function has(bot: TestRuntime, user: string): Promise<string> {
  const owner = (await bot.conversation(user))?.owner
  if (!owner) return 'nobody'
  return owner.kind === 'queue' ? `queue of ${owner.team}` : owner.kind === 'agent' ? owner.person : owner.bot
}

async function asks(bot: TestRuntime, ...users: readonly string[]): Promise<void> {
  for (const user of users) {
    await bot.user(user).says('person')
    await bot.idle()
    // A moment between them, so that there is an order.
    await bot.advance(1)
  }
}

const whyOf = async (bot: TestRuntime) =>
  (
    await bot.runtime.engine.read
      .selectFrom('conversation_change')
      .select('because')
      .orderBy('at')
      .orderBy('n')
      .execute()
  ).map(({ because }) => because)

describe('who waits', () => {
  test('is given to an agent who is there, at once', async () => {
    await using bot = await start({}, { there: ['amy'] })
    await bot.user('u1').says('person').hears('Wait.').hearsNothing()
    expect(await has(bot, 'u1')).toBe('amy')
    expect(await whyOf(bot)).toContain('least busy of presale')
  })

  test('waits while nobody is there, is told so, and is given to whoever comes first', async () => {
    await using bot = await start()
    await bot.user('u1').says('person').hears('Nobody is here.')
    expect(await has(bot, 'u1')).toBe('queue of presale')
    await bot.agent('bo').comes()
    expect(await has(bot, 'u1')).toBe('bo')
    await bot.user('u1').hearsNothing()
  })

  test('C-GR-02: is never given to an agent of no team', async () => {
    await using bot = await start({}, { there: ['cy'] })
    await bot.user('u1').says('person').hears('Nobody is here.')
    expect(await has(bot, 'u1')).toBe('queue of presale')
  })

  test('goes to an agent the moment one has room, who waits longest first', async () => {
    await using bot = await start({}, { there: ['amy', 'bo'] })
    await asks(bot, 'u1', 'u2', 'u3', 'u4')
    expect(await Promise.all(['u1', 'u2', 'u3', 'u4'].map((user) => has(bot, user)))).toEqual([
      'amy',
      'bo',
      'queue of presale',
      'queue of presale',
    ])
    await bot.agent('bo').closes('u2')
    expect(await has(bot, 'u3')).toBe('bo')
    await bot.agent('amy').closes('u1')
    expect(await has(bot, 'u4')).toBe('amy')
  })

  test('is given by priority first, and by the time only within it', async () => {
    const teams = { rest: { members: ['amy'] }, vip: { members: ['amy'], priority: 1, sources: ['memory'] } }
    await using bot = await start({ teams })
    await bot.user('u1').says('person rest')
    await bot.advance(MINUTE)
    await bot.user('u2').says('person vip')
    await bot.idle()
    await bot.agent('amy').comes()
    expect([await has(bot, 'u1'), await has(bot, 'u2')]).toEqual(['queue of rest', 'amy'])
  })

  test('waits since people had them, also after a restart: what a bot has said meanwhile is no waiting', async () => {
    await using bot = await start()
    await bot.user('u1').says('hello').hears('echo: hello')
    await bot.advance(MINUTE)
    await bot.user('u2').says('person')
    await bot.advance(MINUTE)
    await bot.agent('amy').takes('u1')
    await bot.restart()
    const conversation = (await bot.conversation('u1'))?.id ?? ''
    await bot.agent('amy').does({ type: 'transfer', to: { team: 'presale' }, conversation })
    await bot.idle()
    await bot.agent('bo').comes()
    expect([await has(bot, 'u1'), await has(bot, 'u2')]).toEqual(['queue of presale', 'bo'])
  })

  test('is taken by hand where the team says so', async () => {
    const teams = { presale: { members: ['amy', 'bo'], assign: 'by-hand' } }
    await using bot = await start({ teams }, { there: ['amy', 'bo'] })
    await bot.user('u1').says('person').hears('Wait.')
    expect(await has(bot, 'u1')).toBe('queue of presale')
    expect(await bot.agent('bo').takes('u1')).toMatchObject({ ok: true })
    expect(await has(bot, 'u1')).toBe('bo')
  })

  test('leaves the queue by saying so, and by ending the chat', async () => {
    await using bot = await start({ desk: { leaveWords: ['never mind'] } })
    await bot.user('u1').says('person').hears('Nobody is here.').says('oh, never mind').hears('Left.')
    expect(await has(bot, 'u1')).toBe('nobody')
    await bot.user('u2').says('person').does({ type: 'chat-end' })
    expect(await has(bot, 'u2')).toBe('nobody')
    await bot.agent('amy').comes()
    expect([await has(bot, 'u1'), await has(bot, 'u2')]).toEqual(['nobody', 'nobody'])
    // To whoever has a conversation, the words are words.
    await asks(bot, 'u3')
    await bot.user('u3').says('never mind')
    expect(await has(bot, 'u3')).toBe('amy')
  })
})

describe('who is given the next one', () => {
  const people = { amy: { name: 'Amy' }, bo: { name: 'Bo' } }

  test('is who has the fewest', async () => {
    await using bot = await start({ people }, { there: ['amy', 'bo'] })
    await asks(bot, 'u1', 'u2', 'u3')
    expect(await Promise.all(['u1', 'u2', 'u3'].map((user) => has(bot, user)))).toEqual(['amy', 'bo', 'amy'])
    await bot.agent('amy').closes('u1')
    await bot.agent('amy').closes('u3')
    await asks(bot, 'u4')
    expect(await has(bot, 'u4')).toBe('amy')
  })

  test('is each in turn, however many they have, where the team says so', async () => {
    const teams = { presale: { members: ['amy', 'bo'], assign: 'round-robin' } }
    await using bot = await start({ people, teams }, { there: ['amy', 'bo'] })
    await asks(bot, 'u1', 'u2')
    await bot.agent('amy').closes('u1')
    await asks(bot, 'u3')
    await bot.agent('amy').closes('u3')
    await asks(bot, 'u4', 'u5')
    expect([await has(bot, 'u4'), await has(bot, 'u5')]).toEqual(['bo', 'amy'])
  })

  test('is the agent who had the customer before, however busy they are', async () => {
    await using bot = await start({ people }, { there: ['bo'] })
    await asks(bot, 'u1')
    await bot.agent('bo').closes('u1')
    await bot.agent('amy').comes()
    await asks(bot, 'u2', 'u3', 'u4')
    await bot.advance(HOUR)
    await asks(bot, 'u1')
    expect(await has(bot, 'u1')).toBe('bo')
    expect(await whyOf(bot)).toContain('had the customer before, in presale')
  })

  test('never has more than they can', async () => {
    await using bot = await start(
      { people: { amy: { name: 'Amy', capacity: 2 } }, teams: { presale: { members: ['amy'] } } },
      { there: ['amy'] },
    )
    await asks(bot, 'u1', 'u2', 'u3')
    expect(await Promise.all(['u1', 'u2', 'u3'].map((user) => has(bot, user)))).toEqual([
      'amy',
      'amy',
      'queue of presale',
    ])
  })

  test('C-GR-03: may serve where the customer comes from', async () => {
    const second = memoryChannel({ name: 'second' })
    const teams = { th: { members: ['amy'], sources: ['second'] }, rest: { members: ['bo'] } }
    const channels = { second: { use: second.plugin } }
    await using bot = await start(
      { people: { ...PEOPLE, amy: { name: 'Amy', mayServe: ['second'] } }, teams, more: { channels } },
      { there: ['amy', 'bo'] },
    )
    await asks(bot, 'u1')
    expect(await has(bot, 'u1')).toBe('bo')
    const parts = [{ type: 'text', text: 'person' }] as const
    await second.receive({ id: '1', chat: 'u9', type: 'message', parts, atMs: NOON, grants: 'message' })
    await bot.idle()
    const rows = await bot.runtime.engine.read
      .selectFrom('conversation')
      .select(['team', 'person'])
      .orderBy('opened_at')
      .execute()
    expect(rows).toEqual([
      { team: 'rest', person: 'bo' },
      { team: 'th', person: 'amy' },
    ])
  })

  test('has the skills of the team, where it is made of skills', async () => {
    const people = { amy: { name: 'Amy' }, bo: { name: 'Bo', skills: ['thai', 'returns'] } }
    await using bot = await start({ people, teams: { thai: { skills: ['thai'] } } }, { there: ['amy', 'bo'] })
    await asks(bot, 'u1', 'u2')
    expect([await has(bot, 'u1'), await has(bot, 'u2')]).toEqual(['bo', 'bo'])
  })
})

describe('whoever goes', () => {
  test('keeps what they have for the grace, is given nothing new, and finds it when they are back', async () => {
    await using bot = await start(
      { people: { amy: { name: 'Amy' } }, teams: { presale: { members: ['amy'] } } },
      { there: ['amy'] },
    )
    await asks(bot, 'u1')
    await bot.agent('amy').goes()
    await bot.user('u2').says('person').hears('Wait.')
    await bot.advance(59_000)
    expect([await has(bot, 'u1'), await has(bot, 'u2')]).toEqual(['amy', 'queue of presale'])
    await bot.agent('amy').comes()
    await bot.advance(MINUTE)
    expect([await has(bot, 'u1'), await has(bot, 'u2')]).toEqual(['amy', 'amy'])
    await bot.user('u1').hears('Wait.').hearsNothing()
  })

  test('loses it to the others when the grace is over, and each customer is told once, at the front of the queue', async () => {
    await using bot = await start({}, { there: ['amy'] })
    await asks(bot, 'u1', 'u2')
    await bot.agent('bo').comes()
    await asks(bot, 'u3')
    expect([await has(bot, 'u1'), await has(bot, 'u2'), await has(bot, 'u3')]).toEqual([
      'amy',
      'bo',
      'queue of presale',
    ])
    await bot.agent('amy').goes()
    await bot.advance(MINUTE)
    await bot.user('u1').hears('Wait.', 'Gone.').hearsNothing()
    await bot.agent('bo').closes('u2')
    expect([await has(bot, 'u1'), await has(bot, 'u3')]).toEqual(['bo', 'queue of presale'])
    expect(await whyOf(bot)).toContain('amy is gone')
  })

  test('is told of as nobody, where nobody else is there', async () => {
    await using bot = await start({}, { there: ['amy'] })
    await asks(bot, 'u1')
    await bot.agent('amy').goes()
    await bot.advance(MINUTE)
    await bot.user('u1').hears('Wait.', 'Nobody is here.').hearsNothing()
    await bot.agent('bo').comes()
    expect(await has(bot, 'u1')).toBe('bo')
  })

  test('is told of truly also to whoever was called back, and is in no team’s queue', async () => {
    await using bot = await start({}, { there: ['amy', 'bo'] })
    await bot.user('u1').says('hello').hears('echo: hello')
    await bot.agent('amy').closes('u1')
    const chat = (await bot.runtime.engine.findChat('memory:memory', 'u1')) ?? ''
    await bot.agent('amy').does({ type: 'call-back', chat, content: 'One more thing.' })
    await bot.agent('amy').goes()
    await bot.advance(MINUTE)
    expect(await has(bot, 'u1')).toBe('bo')
    await bot.user('u1').hears('One more thing.', 'Gone.').hearsNothing()
  })

  test('is whoever was given something while they were not there, too: after the grace it is another’s', async () => {
    const people = { amy: { name: 'Amy' }, bo: { name: 'Bo' }, cy: { name: 'Cy' } }
    await using bot = await start({ people }, { there: ['amy'] })
    await asks(bot, 'u1', 'u2')
    const give = async (user: string, person: string) => {
      const conversation = (await bot.conversation(user))?.id ?? ''
      await bot.agent('amy').does({ type: 'transfer', to: { person }, conversation })
    }
    await give('u1', 'bo')
    await give('u2', 'bo')
    await bot.advance(MINUTE - 1_000)
    expect([await has(bot, 'u1'), await has(bot, 'u2')]).toEqual(['bo', 'bo'])
    await bot.advance(1_000)
    expect([await has(bot, 'u1'), await has(bot, 'u2')]).toEqual(['amy', 'amy'])
    await bot.user('u1').hears('Wait.', 'Gone.').hearsNothing()
    // And what nobody has looked after while nothing ran.
    await give('u1', 'cy')
    await bot.restart()
    await bot.advance(MINUTE)
    expect(await has(bot, 'u1')).toBe('amy')
  })

  test('is waited for after a restart too, and no longer than the grace', async () => {
    await using bot = await start({}, { there: ['amy'] })
    await asks(bot, 'u1')
    await bot.agent('amy').goes()
    await bot.restart()
    await bot.advance(59_000)
    expect(await has(bot, 'u1')).toBe('amy')
    await bot.advance(1_000)
    await bot.user('u1').hears('Wait.', 'Nobody is here.').hearsNothing()
    expect(await has(bot, 'u1')).toBe('queue of presale')
    await bot.restart()
    await bot.agent('bo').comes()
    expect(await has(bot, 'u1')).toBe('bo')
    await bot.user('u1').hearsNothing()
  })
})

describe('whoever does not answer', () => {
  const teams = { presale: { members: ['amy', 'bo'], answerWithin: '2m' } }
  const people = { amy: { name: 'Amy' }, bo: { name: 'Bo' } }

  test('loses the conversation to the next agent, and does not get it again', async () => {
    await using bot = await start({ people, teams }, { there: ['amy', 'bo'] })
    await asks(bot, 'u1')
    expect(await has(bot, 'u1')).toBe('amy')
    await bot.advance(2 * MINUTE)
    expect(await has(bot, 'u1')).toBe('bo')
    await bot.user('u1').hears('Wait.').hearsNothing()
    expect(await whyOf(bot)).toContain('amy has not answered within 120 s')
  })

  test('keeps it by answering, and as long as there is nobody else', async () => {
    await using bot = await start({ people, teams }, { there: ['amy'] })
    await asks(bot, 'u1')
    await bot.advance(5 * MINUTE)
    expect(await has(bot, 'u1')).toBe('amy')
    await bot.agent('bo').comes()
    await bot.agent('amy').sends('u1', 'Here I am.')
    await bot.advance(HOUR)
    expect(await has(bot, 'u1')).toBe('amy')
  })

  test('keeps it by answering in time, however long what the customer has just said takes', async () => {
    const { more, voice, letGo } = holding()
    await using bot = await start({ people, teams, more }, { there: ['amy', 'bo'] })
    await asks(bot, 'u1')
    await bot.advance(2 * MINUTE - 1_000)
    await voice(bot, 'u1')
    expect(await bot.agent('amy').sends('u1', 'Here I am.')).toMatchObject({ ok: true })
    // That the answer was given is told only behind what is held.
    await bot.clock.advance(1_000)
    letGo()
    expect(await has(bot, 'u1')).toBe('amy')
    await bot.advance(HOUR)
    expect(await has(bot, 'u1')).toBe('amy')
  })

  test('passes it to and fro with others who do not either, ever more slowly', async () => {
    await using bot = await start({ people, teams }, { there: ['amy', 'bo'] })
    await asks(bot, 'u1')
    await bot.advance(12 * MINUTE)
    const passed = async () => (await whyOf(bot)).filter((why) => why.includes('has not answered'))
    const round = ['amy has not answered within 120 s', 'bo has not answered within 120 s']
    const second = ['amy has not answered within 240 s', 'bo has not answered within 240 s']
    expect(await passed()).toEqual([...round, ...second])
    expect(await has(bot, 'u1')).toBe('amy')
    await bot.agent('amy').sends('u1', 'Here I am.')
    await bot.advance(HOUR)
    expect(await passed()).toHaveLength(4)
  })

  test('is known after a restart: who has let it pass, and since when the next one has it', async () => {
    await using bot = await start({ people: { ...people, bo: { name: 'Bo', capacity: 1 } }, teams }, { there: ['bo'] })
    await asks(bot, 'u0')
    await bot.agent('bo').sends('u0', 'Hello.')
    await bot.agent('amy').comes()
    await asks(bot, 'u1')
    expect(await has(bot, 'u1')).toBe('amy')
    await bot.restart()
    await bot.advance(MINUTE)
    await bot.restart()
    await bot.advance(MINUTE)
    // Bo has no room, and Amy, who has, does not get it again.
    expect(await has(bot, 'u1')).toBe('queue of presale')
    await bot.restart()
    expect(await has(bot, 'u1')).toBe('queue of presale')
    await bot.agent('bo').closes('u0')
    expect(await has(bot, 'u1')).toBe('bo')
  })
})

describe('a team that cannot take it', () => {
  const people = { amy: { name: 'Amy' }, bo: { name: 'Bo' } }

  test('C-GR-08: because it is closed, gets nothing new, and what runs goes on', async () => {
    const teams = { presale: { members: ['amy'] } }
    await using bot = await start({ people, teams }, { there: ['amy'] })
    await asks(bot, 'u1')
    await bot.apply(shop({ people, teams: { presale: { ...teams.presale, state: 'closed' } } }))
    await bot.user('u2').says('person').hears('Nobody is here.')
    expect([await has(bot, 'u1'), await has(bot, 'u2')]).toEqual(['amy', 'nobody'])
    expect(await bot.agent('amy').sends('u1', 'Still here.')).toMatchObject({ ok: true })
    await bot.user('u1').hears('Wait.', 'Still here.')
  })

  test('C-GR-08: is helped out by the one that it names: closed, outside its hours, or with nobody there', async () => {
    const teams = {
      early: { members: ['amy'], hours: { weekdays: { 'mon-sun': '09:00-18:00' } }, overflow: 'late' },
      late: { members: ['bo'], sources: ['second'] },
    }
    const channels = { second: { use: memoryChannel({ name: 'second' }).plugin } }
    await using bot = await start({ people, teams, more: { channels } }, { there: ['bo'] })
    await bot.user('u1').says('person').hears('Wait.')
    expect(await has(bot, 'u1')).toBe('bo')
    await bot.agent('amy').comes()
    await bot.user('u2').says('person').hears('Wait.')
    expect(await has(bot, 'u2')).toBe('amy')
    await bot.advance(8 * HOUR)
    await bot.user('u3').says('person').hears('Wait.')
    expect(await has(bot, 'u3')).toBe('bo')
    expect((await bot.conversation('u3'))?.owner).toMatchObject({ team: 'late' })
  })

  test('because nobody there may serve the customer, is helped out by the first whose people may', async () => {
    const second = memoryChannel({ name: 'second' })
    const teams = {
      a: { members: ['amy'], sources: ['memory'], overflow: 'b' },
      b: { members: ['bo'], sources: ['second'], overflow: 'c' },
      c: { members: ['cy'], sources: ['memory'] },
    }
    await using bot = await start(
      {
        people: { amy: { name: 'Amy' }, bo: { name: 'Bo', mayServe: ['second'] }, cy: { name: 'Cy' } },
        teams,
        more: { channels: { second: { use: second.plugin } } },
      },
      { there: ['bo'] },
    )
    await bot.user('u1').says('person').hears('Nobody is here.')
    await bot.agent('cy').comes()
    expect(await has(bot, 'u1')).toBe('cy')
    await bot.user('u2').says('person').hears('Wait.')
  })

  test('because too many wait, sends who comes then to the one that helps out, or leaves them to the bot', async () => {
    const teams = {
      few: { members: ['amy'], maxWaiting: 1, overflow: 'more' },
      more: { members: ['bo'], maxWaiting: 1 },
    }
    await using bot = await start({ people, teams })
    for (const user of ['u1', 'u2', 'u3']) await bot.user(user).says('person').hears('Nobody is here.')
    expect(await Promise.all(['u1', 'u2', 'u3'].map((user) => has(bot, user)))).toEqual([
      'queue of few',
      'queue of more',
      'nobody',
    ])
  })

  test('because too many wait, takes no more also when all come at once; whoever is given to an agent at once does not wait', async () => {
    const teams = { few: { members: ['amy'], maxWaiting: 2 } }
    await using bot = await start({ people: { amy: { name: 'Amy', capacity: 3 } }, teams }, { there: ['amy'] })
    const parts = [{ type: 'text', text: 'person' }] as const
    const users = Array.from({ length: 12 }, (_, index) => `u${index}`)
    const asks = (chat: string) =>
      bot.channel.receive({ id: chat, chat, type: 'message', parts, atMs: NOON, grants: 'message' })
    await Promise.all(users.map(asks))
    await bot.idle()
    const owners = await Promise.all(users.map((user) => has(bot, user)))
    expect(owners.toSorted()).toEqual([
      ...['amy', 'amy', 'amy'],
      ...Array.from({ length: 7 }, () => 'nobody'),
      ...['queue of few', 'queue of few'],
    ])
    // Whoever was sent there and has left again takes nobody's place.
    await bot.user(users[owners.indexOf('queue of few')] ?? '').does({ type: 'chat-end' })
    await bot.user('u12').says('person').hears('Wait.')
  })

  test('C-GR-08: but for one that helps out from its opening on, gives it to them the moment that they open', async () => {
    const teams = {
      early: { members: ['amy'], sources: ['memory'], overflow: 'late' },
      late: { members: ['bo'], sources: ['memory'], hours: { weekdays: { 'mon-sun': '13:00-18:00' } } },
    }
    await using bot = await start({ people, teams }, { there: ['bo'] })
    await bot.user('u1').says('person').hears('Nobody is here.')
    await bot.advance(HOUR - MINUTE)
    expect(await has(bot, 'u1')).toBe('queue of early')
    await bot.advance(MINUTE)
    expect(await has(bot, 'u1')).toBe('bo')
  })

  test('because its people were taken out of the YAML, passes on what they have', async () => {
    await using bot = await start({ people }, { there: ['amy', 'bo'] })
    await asks(bot, 'u1', 'u2')
    await bot.apply(shop({ people: { bo: { name: 'Bo' } }, teams: { presale: { members: ['bo'] } } }))
    await bot.idle()
    expect([await has(bot, 'u1'), await has(bot, 'u2')]).toEqual(['bo', 'bo'])
  })

  test('because its channel was taken out of the YAML, has free hands again: what came from there is closed', async () => {
    const second = memoryChannel({ name: 'second' })
    const teams = { presale: { members: ['amy'] } }
    const both = { people: PEOPLE, teams, more: { channels: { second: { use: second.plugin } } } }
    await using bot = await start(both, { there: ['amy'] })
    const parts = [{ type: 'text', text: 'person' }] as const
    await second.receive({ id: '1', chat: 's1', type: 'message', parts, atMs: NOON, grants: 'message' })
    await asks(bot, 'u1')
    expect(await has(bot, 'u1')).toBe('queue of presale')
    // The desk itself is the same before and after.
    await bot.apply(shop({ teams }))
    expect(await has(bot, 'u1')).toBe('amy')
    expect(await whyOf(bot)).toContain('no channel has the account second:second any more')
  })

  test('C-GR-05, C-GR-07: is not the first whose source it is: channel, or channel and entry', async () => {
    const teams = {
      returns: { members: ['amy'], sources: [{ channel: 'memory', entry: 'returns' }] },
      rest: { members: ['bo'], sources: ['memory'] },
    }
    await using bot = await start({ people, teams }, { there: ['amy', 'bo'] })
    await bot.user('u1').does({ type: 'message', parts: [{ type: 'text', text: 'person' }], entry: 'returns' })
    await bot.user('u2').does({ type: 'message', parts: [{ type: 'text', text: 'person' }], entry: 'cups' })
    expect([await has(bot, 'u1'), await has(bot, 'u2')]).toEqual(['amy', 'bo'])
  })
})

describe('C-GR-05: a team that takes an entry has the chat that came in by it', () => {
  const people = { amy: { name: 'Amy' }, bo: { name: 'Bo' } }
  const teams = {
    returns: { members: ['amy'], sources: [{ channel: 'memory', entry: 'returns' }] },
    rest: { members: ['bo'], sources: ['memory'] },
  }
  const says = (bot: TestRuntime, user: string, text: string, entry?: string) =>
    bot.user(user).does({ type: 'message', parts: [{ type: 'text', text }], ...(entry !== undefined && { entry }) })

  test('when the code was scanned first, and when a bot has talked meanwhile', async () => {
    await using bot = await start({ people, teams }, { there: ['amy', 'bo'] })
    await bot.user('u1').does({ type: 'scan', entry: 'returns' })
    await asks(bot, 'u1')
    await says(bot, 'u2', 'hello', 'returns')
    await says(bot, 'u2', 'hm')
    await asks(bot, 'u2', 'u3')
    expect(await Promise.all(['u1', 'u2', 'u3'].map((user) => has(bot, user)))).toEqual(['amy', 'amy', 'bo'])
  })

  test('until the conversation ends, or the customer comes in by another', async () => {
    await using bot = await start({ people, teams }, { there: ['amy', 'bo'] })
    await says(bot, 'u1', 'person', 'returns')
    expect(await has(bot, 'u1')).toBe('amy')
    await bot.agent('amy').closes('u1')
    await bot.advance(HOUR)
    await asks(bot, 'u1')
    expect(await has(bot, 'u1')).toBe('bo')
    await says(bot, 'u2', 'hello', 'returns')
    await says(bot, 'u2', 'person', 'cups')
    expect(await has(bot, 'u2')).toBe('bo')
  })

  test('also when the team that had it is gone from the YAML', async () => {
    await using bot = await start({ people, teams: { all: { members: ['bo'] } } }, { there: ['amy', 'bo'] })
    await says(bot, 'u1', 'person', 'returns')
    expect(await has(bot, 'u1')).toBe('bo')
    await bot.apply(shop({ people, teams }))
    await bot.idle()
    expect(await has(bot, 'u1')).toBe('amy')
  })
})

describe('whoever waits is told their place', () => {
  const teams = { presale: { members: ['amy'] } }
  const people = { amy: { name: 'Amy', capacity: 1 } }

  test('when others are before them, and when it has become better; not more often than once a minute', async () => {
    await using bot = await start({ people, teams }, { there: ['amy'] })
    await asks(bot, 'u1', 'u2', 'u3', 'u4')
    await bot.user('u2').hears('Wait.').hearsNothing()
    await bot.user('u3').hears('Wait.', 'Place 2.').hearsNothing()
    await bot.user('u4').hears('Wait.', 'Place 3.').hearsNothing()
    await bot.agent('amy').closes('u1')
    await bot.user('u4').hearsNothing()
    await bot.agent('amy').closes('u2')
    await bot.advance(MINUTE)
    await bot.user('u4').hears('Place 1.').hearsNothing()
    await bot.user('u3').hearsNothing()
  })

  test('or, once, that nobody is there any more, when the last one has gone', async () => {
    await using bot = await start({ people, teams }, { there: ['amy'] })
    await asks(bot, 'u1', 'u2', 'u3')
    await bot.user('u3').hears('Wait.', 'Place 2.')
    await bot.agent('amy').goes()
    await bot.user('u3').hearsNothing()
    await bot.advance(MINUTE)
    await bot.user('u3').hears('Nobody is here.')
    await bot.user('u2').hears('Wait.', 'Nobody is here.')
    await bot.user('u1').hears('Wait.', 'Nobody is here.')
    // Who comes now hears it at once, and nobody hears it twice.
    await bot.user('u4').says('person').hears('Nobody is here.')
    await bot.agent('amy').comes()
    await bot.user('u4').hears('Place 3.')
    await bot.agent('amy').goes()
    await bot.advance(HOUR)
    for (const user of ['u2', 'u3', 'u4']) await bot.user(user).hearsNothing()
  })

  test('with a range of minutes, once it is known how fast it goes', async () => {
    await using bot = await start({ people, teams }, { there: ['amy'] })
    await asks(bot, 'u0', 'u1', 'u2', 'u3', 'u4', 'u5', 'u6')
    for (const user of ['u0', 'u1', 'u2', 'u3', 'u4']) {
      await bot.advance(3 * MINUTE)
      await bot.agent('amy').closes(user)
      await bot.idle()
    }
    await bot.advance(MINUTE)
    await asks(bot, 'u7')
    await bot.user('u7').hears('Wait.', 'Place 2, 6 to 7 minutes.')
  })

  test('with a range made only of the time in which people waited, whoever took them', async () => {
    const teams = { presale: { members: ['amy'] }, tech: { members: ['bo'], assign: 'by-hand' } }
    await using bot = await start(
      { people: { amy: { name: 'Amy', capacity: 9 }, bo: { name: 'Bo', capacity: 9 } }, teams },
      { there: ['amy', 'bo'] },
    )
    const talked = ['u0', 'u1', 'u2', 'u3', 'u4']
    await asks(bot, ...talked)
    await bot.advance(HOUR)
    for (const user of talked) {
      const conversation = (await bot.conversation(user))?.id ?? ''
      await bot.agent('amy').does({ type: 'transfer', to: { team: 'tech' }, conversation })
      await bot.idle()
      await bot.advance(3 * MINUTE)
      await bot.agent('bo').takes(user)
      await bot.idle()
    }
    for (const user of ['v1', 'v2']) await bot.user(user).says('person tech')
    await bot.user('v2').hears('Wait.', 'Place 2, 6 to 7 minutes.')
  })

  test('each place once, also when they fell back and the desk began anew meanwhile', async () => {
    const people = { amy: { name: 'Amy', capacity: 1 }, bo: { name: 'Bo', capacity: 1 } }
    const teams = { presale: { members: ['amy', 'bo'] } }
    await using bot = await start({ people, teams }, { there: ['amy'] })
    await asks(bot, 'u1', 'u2', 'u3', 'u4')
    await bot.user('u4').hears('Wait.', 'Place 3.')
    // The one whom Amy had waits again, before the others.
    await bot.agent('amy').goes()
    await bot.advance(MINUTE)
    await bot.user('u4').hears('Nobody is here.')
    await bot.restart()
    await bot.agent('bo').comes()
    await bot.advance(MINUTE)
    expect(await has(bot, 'u1')).toBe('bo')
    await bot.user('u4').hearsNothing()
    await bot.agent('bo').closes('u1')
    await bot.advance(MINUTE)
    await bot.user('u4').hears('Place 2.')
  })

  test('once only, where the platform counts what it is sent', async () => {
    const channel = memoryChannel({
      capabilities: { later: [{ on: 'message', withinMs: HOUR, max: 5, resets: true }] },
    })
    await using bot = await start({ people, teams }, { there: ['amy'], channel })
    await asks(bot, 'u1', 'u2', 'u3')
    await bot.user('u3').hears('Wait.', 'Place 2.')
    await bot.agent('amy').closes('u1')
    await bot.advance(2 * MINUTE)
    await bot.user('u3').hearsNothing()
  })

  test('C-GR-13, C-LC-05: in their language, and not at all where the operator has taken the text out', async () => {
    const texts = { handedOver: 'Wait.', waiting: { en: 'Place {place}.', 'zh-CN': '第 {place} 位' } }
    await using bot = await start({ people, teams, more: { languages: ['en', 'zh-CN'], texts } }, { there: ['amy'] })
    await asks(bot, 'u1', 'u2')
    await bot.user('li', { language: 'zh-CN' }).says('person').hears('Wait.', '第 2 位')
    await bot.apply(shop({ people, teams, more: { texts: { ...texts, waiting: '' } } }))
    await bot.user('u4').says('person').hears('Wait.').hearsNothing()
  })
})

describe('the greeting', () => {
  const settings = { greeting: { en: 'Hello, how can I help?' } }
  const identities = { use: 'agent-identity', identities: { sales: { name: 'Sales' } }, assign: { amy: 'sales' } }

  test('C-LC-02: is said once in a conversation, after assignment, with the agent’s identity', async () => {
    const channel = memoryChannel({ capabilities: { showsIdentity: { avatar: false } } })
    const more = { features: [{ use: asking }, identities] }
    await using bot = await start({ desk: settings, more }, { there: ['amy'], channel })
    await bot.user('u1').says('person').hears('Wait.', 'Hello, how can I help?').hearsNothing()
    expect(channel.sent.at(-1)?.identity).toMatchObject({ name: 'Sales' })
    await bot.agent('bo').comes()
    await bot
      .agent('amy')
      .does({ type: 'transfer', to: { person: 'bo' }, conversation: (await bot.conversation('u1'))?.id ?? '' })
    expect(await has(bot, 'u1')).toBe('bo')
    await bot.user('u1').hearsNothing()
  })

  test('C-LC-02: is not said after the first answer', async () => {
    const { more, voice, letGo } = holding()
    const teams = { presale: { members: ['amy'], assign: 'by-hand' } }
    await using bot = await start({ desk: settings, teams, more }, { there: ['amy'] })
    await asks(bot, 'u1')
    await voice(bot, 'u1')
    await bot.agent('amy').takes('u1')
    await bot.agent('amy').sends('u1', 'Your parcel comes today.')
    letGo()
    await bot.user('u1').hears('Wait.', 'Your parcel comes today.').hearsNothing()
  })

  test('C-LC-02: is said by whoever has it then, where it was passed on before it could be said', async () => {
    const { more, voice, letGo } = holding()
    const teams = { presale: { members: ['amy', 'bo'], assign: 'by-hand' } }
    await using bot = await start({ desk: settings, teams, more }, { there: ['amy', 'bo'] })
    await asks(bot, 'u1')
    await voice(bot, 'u1')
    await bot.agent('amy').takes('u1')
    const transfer = async (from: string, to: string) => {
      const { read } = bot.runtime.engine
      const { id } = await read.selectFrom('conversation').select('id').executeTakeFirstOrThrow()
      await bot.agent(from).does({ type: 'transfer', to: { person: to }, conversation: id })
    }
    await transfer('amy', 'bo')
    letGo()
    await bot.user('u1').hears('Wait.', 'Hello, how can I help?')
    await transfer('bo', 'amy')
    await bot.user('u1').hearsNothing()
  })

  test('C-LC-02: is no answer of the agent, who still has to', async () => {
    const teams = { presale: { members: ['amy', 'bo'], answerWithin: '2m' } }
    await using bot = await start({ desk: settings, teams }, { there: ['amy', 'bo'] })
    await asks(bot, 'u1')
    await bot.restart()
    await bot.advance(2 * MINUTE)
    expect(await has(bot, 'u1')).toBe('bo')
  })

  test('C-LC-02: is not said when we call back', async () => {
    await using bot = await start({ desk: settings }, { there: ['amy'] })
    await bot.user('u1').says('hello').hears('echo: hello')
    await bot.agent('amy').closes('u1')
    const chat = (await bot.runtime.engine.findChat('memory:memory', 'u1')) ?? ''
    expect(await bot.agent('amy').does({ type: 'call-back', chat, content: 'One more thing.' })).toMatchObject({
      ok: true,
    })
    await bot.user('u1').hears('One more thing.').hearsNothing()
  })

  test('is left out where it goes on with the agent who has only just closed; later the bot answers again', async () => {
    await using bot = await start({ desk: settings }, { there: ['amy', 'bo'] })
    await asks(bot, 'u1')
    await bot.agent('amy').closes('u1')
    await bot.advance(MINUTE)
    await bot.user('u1').says('and one more thing').hears('Wait.', 'Hello, how can I help?').hearsNothing()
    expect(await has(bot, 'u1')).toBe('amy')
    await bot.agent('amy').closes('u1')
    await bot.advance(2 * MINUTE)
    await bot.user('u1').says('thanks').hears('echo: thanks')
    await bot.agent('amy').closes('u1')
  })

  test('an agent who has no room does not go on with it: the bot does', async () => {
    await using bot = await start({ desk: settings }, { there: ['amy'] })
    await asks(bot, 'u1')
    await bot.agent('amy').closes('u1')
    await asks(bot, 'u2')
    await bot.user('u1').hears('Wait.', 'Hello, how can I help?').says('wait').hears('echo: wait')
  })
})
