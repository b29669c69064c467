import { describe, expect, test } from 'vitest'
import { definePlugin, z } from '#core'
import { type MemoryChannel, manualClock, memoryChannel, type TestConfig, testRuntime } from '#core/testing'
import desk from './index.ts'

const PEOPLE = { amy: { name: 'Amy' }, bo: { name: 'Bo' } }
/** A Thursday, 12:00 in the time zone of these tests. */
const NOON = Date.UTC(2026, 0, 1, 12)
const HOUR = 60 * 60 * 1000

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

function configOf(teams: object, more: TestConfig = {}): TestConfig {
  return {
    bots: { parrot: { use: 'echo' } },
    desks: { support: { use: desk, people: PEOPLE, teams } },
    features: [{ use: asking }],
    texts: { handedOver: 'Wait.', offline: 'Nobody is here.' },
    ...more,
  }
}

describe('the team', () => {
  test('is the first that takes the channel', async () => {
    const second = memoryChannel({ name: 'second' })
    await using bot = await testRuntime(
      configOf(
        { shop: { members: ['amy'], sources: ['second'] }, rest: { members: ['bo'] }, never: { members: ['bo'] } },
        { channels: { second: { use: second.plugin } } },
      ),
      { there: ['bo'] },
    )
    await bot.user('u1').says('person').hears('Wait.')
    expect((await bot.conversation('u1'))?.owner).toEqual({
      kind: 'agent',
      desk: 'support',
      team: 'rest',
      person: 'bo',
    })
    await says(second, 'person')
    await bot.idle()
    const rows = await bot.runtime.engine.read.selectFrom('conversation').select(['team']).execute()
    expect(rows.map(({ team }) => team)).toEqual(['rest', 'shop'])
  })

  test('is one that is there now; when none is, the customer is told and keeps the bot', async () => {
    const day = { weekdays: { 'mon-sun': '09:00-18:00' } }
    const evening = { weekdays: { 'mon-sun': '18:00-21:00' } }
    const teams = { early: { members: ['amy'], hours: day }, late: { members: ['bo'], hours: evening } }
    await using bot = await testRuntime(configOf(teams, { timeZone: 'UTC' }), {
      clock: manualClock(NOON),
      there: ['amy', 'bo'],
    })
    await bot.user('u1').says('person').hears('Wait.')
    expect((await bot.conversation('u1'))?.owner).toMatchObject({ team: 'early' })
    await bot.advance(7 * HOUR)
    await bot.user('u2').says('person').hears('Wait.')
    expect((await bot.conversation('u2'))?.owner).toMatchObject({ team: 'late' })
    await bot.advance(3 * HOUR)
    await bot.user('u3').says('person').hears('Nobody is here.').says('hello').hears('echo: hello')
    expect((await bot.conversation('u3'))?.owner).toEqual({ kind: 'bot', bot: 'parrot' })
  })

  test('is the one that is asked for, by the route or by who hands over', async () => {
    const teams = { presale: { members: ['amy'] }, orders: { members: ['bo'] } }
    const route = { from: 'memory', mode: 'bot-first', bot: 'parrot', desk: 'support', team: 'orders' }
    await using bot = await testRuntime(configOf(teams, { routes: [route] }), { there: ['amy', 'bo'] })
    await bot.user('u1').says('person').hears('Wait.')
    expect((await bot.conversation('u1'))?.owner).toMatchObject({ team: 'orders' })
    await bot.user('u2').says('person presale').hears('Wait.')
    expect((await bot.conversation('u2'))?.owner).toMatchObject({ team: 'presale' })
    await bot.user('u3').says('person nobody-of-this-name').hears('Wait.')
    expect((await bot.conversation('u3'))?.owner).toMatchObject({ team: 'orders' })
  })
})

test('a conversation waits in the queue until someone takes it, however long that is', async () => {
  await using bot = await testRuntime(configOf({ presale: { members: ['amy', 'bo'] } }))
  const user = bot.user('u1')
  await user.says('person').hears('Nobody is here.')
  await bot.advance(24 * HOUR)
  expect(await bot.conversation('u1')).toMatchObject({ state: 'queued' })
  await bot.agent('amy').takes('u1')
  await bot.agent('amy').sends('u1', 'Here I am.')
  await user.hears('Here I am.')
  await bot.agent('amy').closes('u1')
  expect(await bot.conversation('u1')).toBeUndefined()
})

describe('what refers to people and teams is checked before anything starts', () => {
  const teams = { presale: { members: ['amy'] } }
  const route = (team: string) => ({ from: 'memory', mode: 'agent-only', desk: 'support', team })

  test.each([
    ['a member', configOf({ presale: { members: ['ammy'] } }), /no person "ammy".*Write amy instead/s],
    ['a channel', configOf({ presale: { members: ['amy'], sources: ['memry'] } }), /no channel "memry".*Write memory/s],
    ['the team of a route', configOf(teams, { routes: [route('presales')] }), /no team "presales".*Write presale/s],
    [
      'a team that does not take the channel of its route',
      configOf(
        { ...teams, other: { members: ['bo'], sources: ['elsewhere'] } },
        { channels: { elsewhere: { use: memoryChannel({ name: 'elsewhere' }).plugin } }, routes: [route('other')] },
      ),
      /other.*memory/s,
    ],
    ['a person without a name', { desks: { support: { use: desk, people: { amy: {} }, teams } } }, /people\.amy/],
  ])('%s', async (_what, config, says) => {
    await expect(testRuntime(config)).rejects.toThrow(says)
  })
})

async function says(channel: MemoryChannel, text: string): Promise<void> {
  const parts = [{ type: 'text', text } as const]
  await channel.receive({ id: '1', chat: 'u9', type: 'message', parts, atMs: NOON, grants: 'message' })
}
