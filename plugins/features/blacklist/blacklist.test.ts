import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test, vi } from 'vitest'
import { defineBot, definePlugin, z } from '#core'
import { memoryChannel, type TestRuntime, testRuntime } from '#core/testing'
import { type Blacklist, blacklist as token } from '../../services/blacklist.ts'
import blacklist from './index.ts'

const SUPPORT = { use: 'desk', people: { amy: { name: 'Amy' } }, teams: { presale: { members: ['amy'] } } }
const AMY = { kind: 'agent', person: 'amy' } as const
const HOUR = 3_600_000

const config = {
  bots: { parrot: { use: 'echo' } },
  desks: { support: SUPPORT },
  features: [{ use: blacklist }, { use: 'keyword-handoff', keywords: ['agent'], say: 'One moment.' }],
}

/** What a borrower gets of it. */
function service(bot: TestRuntime): Blacklist {
  const lent = bot.runtime.instance('blacklist')?.services.get(token.name)
  if (!isBlacklist(lent)) throw new Error('It lends no blacklist.')
  return lent
}

function isBlacklist(lent: unknown): lent is Blacklist {
  return typeof lent === 'object' && lent !== null && 'add' in lent && 'remove' in lent && 'list' in lent
}

const idOf = async (bot: TestRuntime, user: string) => (await bot.customer(user))?.id ?? ''
const chatOf = async (bot: TestRuntime, user: string) =>
  (await bot.runtime.engine.findChat('memory:memory', user)) ?? ''
const deskItems = (bot: TestRuntime) =>
  bot.runtime.engine.read.selectFrom('feed').select('item_json').where('topic', '=', 'support:items').execute()
const audited = async (bot: TestRuntime) =>
  (await bot.runtime.engine.read.selectFrom('audit').selectAll().orderBy('id').execute()).map((row) => ({
    ...row,
    by: JSON.parse(row.by_json),
    before: JSON.parse(row.before_json ?? 'null'),
    after: JSON.parse(row.after_json ?? 'null'),
  }))

async function block(bot: TestRuntime, user: string, more: { readonly untilMs?: number } = {}): Promise<void> {
  await service(bot).add({ customer: await idOf(bot, user) }, { reason: 'Spam', by: AMY, ...more })
}

describe('a listed customer', () => {
  test('C-BL-02: can still write, and no conversation is opened: it is journaled, acknowledged, and nobody answers', async () => {
    await using bot = await testRuntime(config)
    await service(bot).add({ account: 'memory:memory', id: 'u1' }, { reason: 'Spam', by: AMY })
    // Accepted: it resolves, as the platform's acknowledgement would.
    await bot.user('u1').says('hello').says('agent').hearsNothing()
    expect(await bot.outcomes('u1')).toEqual(['dropped: blacklisted (Spam)', 'dropped: blacklisted (Spam)'])
    expect(await bot.conversation('u1')).toBeUndefined()
    expect(await deskItems(bot)).toEqual([])
    await bot.user('u2').says('hello').hears('echo: hello')
  })

  test('C-BL-03: is heard from the next message on when removed; what was written before is not handled later', async () => {
    await using bot = await testRuntime(config)
    const user = bot.user('u1')
    await user.says('first').hears('echo: first')
    await bot.agent('amy').closes('u1')
    await block(bot, 'u1')
    await user.says('second').hearsNothing()
    expect(await service(bot).remove({ customer: await idOf(bot, 'u1') }, { by: AMY })).toBe(true)
    await user.hearsNothing().says('third').hears('echo: third').hearsNothing()
    expect((await bot.conversation('u1'))?.state).toBe('bot')
    expect(await bot.outcomes('u1')).toEqual(['answered: bot', 'dropped: blacklisted (Spam)', 'answered: bot'])
    expect(await service(bot).remove({ customer: await idOf(bot, 'u1') }, { by: AMY })).toBe(false)
  })

  test('C-BL-03: cannot be called back', async () => {
    await using bot = await testRuntime(config)
    await bot.user('u1').says('hello').hears('echo: hello')
    await bot.agent('amy').closes('u1')
    await block(bot, 'u1')
    const chat = await chatOf(bot, 'u1')
    const callBack = () => bot.agent('amy').does({ type: 'call-back', chat, content: 'Hello again.' })
    const message = 'blacklist turned it away: blacklisted (Spam).'
    expect(await callBack()).toEqual({ ok: false, code: 'BLOCKED', message })
    await service(bot).remove({ customer: await idOf(bot, 'u1') }, { by: AMY })
    expect(await callBack()).toMatchObject({ ok: true })
    await bot.user('u1').hears('Hello again.').hearsNothing()
  })

  test('has the open conversation closed, with the reason "blacklisted"', async () => {
    await using bot = await testRuntime(config)
    await bot.user('u1').says('agent').hears('One moment.')
    await bot.agent('amy').takes('u1')
    await block(bot, 'u1')
    expect(await bot.conversation('u1')).toBeUndefined()
    const closed = bot.runtime.engine.read
      .selectFrom('conversation')
      .select(['state', 'close_reason', 'closed_by_json'])
    expect(await closed.execute()).toEqual([
      { state: 'closed', close_reason: 'blacklisted', closed_by_json: '{"kind":"feature","name":"blacklist"}' },
    ])
    expect(await bot.agent('amy').sends('u1', 'Bye.')).toMatchObject({ ok: false, code: 'NOT_FOUND' })
    await bot.user('u1').hearsNothing()
  })

  test('is not answered by a bot that was answering when they were listed', async () => {
    const asked = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<void>()
    const slow = defineBot({
      name: 'slow',
      summary: 'Takes its time.',
      config: z.strictObject({}),
      setup: () => ({
        async answer(turn) {
          if (turn.text !== 'slow') return turn.reply(`echo: ${turn.text}`)
          asked.resolve()
          await answer.promise
          return turn.reply('At last.')
        },
      }),
    })
    await using bot = await testRuntime({ ...config, bots: { slow: { use: slow } } })
    const user = bot.user('u1')
    await user.says('hello').hears('echo: hello')
    const customer = await idOf(bot, 'u1')
    await user.says('slow')
    await asked.promise
    await service(bot).add({ customer }, { reason: 'Spam', by: AMY })
    answer.resolve()
    await user.hearsNothing()
    expect(await bot.conversation('u1')).toBeUndefined()
    expect(await bot.outcomes('u1')).toEqual(['answered: bot', 'dropped: blacklisted (Spam)'])
  })

  test('is not spoken to by a timer either', async () => {
    const reminder = definePlugin({
      name: 'reminder',
      summary: 'Reminds.',
      config: z.strictObject({}),
      setup: () => ({
        inbound: {
          intercept(turn, next) {
            turn.wake('later', { inMs: HOUR })
            return next()
          },
        },
        woken: (turn) => turn.reply('Are you there?'),
      }),
    })
    await using bot = await testRuntime({ ...config, features: [...config.features, { use: reminder }] })
    await bot.user('u1').says('hello').hears('echo: hello')
    await bot.user('u2').says('hello').hears('echo: hello')
    await block(bot, 'u1')
    await bot.advance(HOUR)
    await bot.user('u2').hears('Are you there?')
    await bot.user('u1').hearsNothing()
  })

  test('is listed with all their chats, and a chat stays listed whoever it belongs to', async () => {
    const other = memoryChannel({ name: 'other' })
    await using bot = await testRuntime({ ...config, channels: { second: { use: other.plugin } } })
    await bot.user('u1').says('hello').hears('echo: hello')
    await block(bot, 'u1')
    const keys = (await bot.rows('blacklist', 'entry')).map((row) => ({ ...row, n: 0, at: 0 }))
    const customer = await idOf(bot, 'u1')
    const about = { n: 0, at: 0, customer, reason: 'Spam', actor: 'amy', until: null }
    expect(keys).toEqual([
      { ...about, account: '', id: customer },
      { ...about, account: 'memory:memory', id: 'u1' },
    ])
    // The same id on another account is somebody else.
    const message = { id: '1', chat: 'u1', type: 'message', atMs: bot.clock.now(), grants: 'message' } as const
    await other.receive({ ...message, parts: [{ type: 'text', text: 'hello' }] })
    await bot.idle()
    expect(other.sent.map(({ part }) => part)).toEqual([{ type: 'text', text: 'echo: hello' }])
  })

  test('stays listed when their chat goes over to another customer, who is found and removed by it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-'))
    const message = 'hello'
    {
      await using bot = await testRuntime(config, { folder })
      await bot.user('guest').says(message).hears('echo: hello')
      await bot.user('member').says(message).hears('echo: hello')
      await block(bot, 'guest')
    }
    // As when a visitor of a page signs in: from then on the chat is the member's.
    const journal = new DatabaseSync(join(folder, 'journal.sqlite'))
    const member = "(SELECT customer FROM chat WHERE external_id = 'member')"
    journal.exec(`UPDATE chat SET customer = ${member} WHERE external_id = 'guest'`)
    journal.close()
    {
      await using bot = await testRuntime(config, { folder })
      await bot.user('guest').says(message).hearsNothing()
      const customer = await idOf(bot, 'member')
      expect(await service(bot).list(customer)).toMatchObject([{ reason: 'Spam' }])
      expect(await service(bot).remove({ customer }, { by: AMY })).toBe(true)
      expect(await bot.rows('blacklist', 'entry')).toEqual([])
      await bot.user('guest').says(message).hears('echo: hello')
    }
    await rm(folder, { recursive: true })
  })

  test('stays listed over a restart, until the end that was given', async () => {
    await using bot = await testRuntime(config)
    const user = bot.user('u1')
    await user.says('hello').hears('echo: hello')
    await block(bot, 'u1', { untilMs: bot.clock.now() + HOUR / 2 })
    await bot.restart()
    await user.says('one').hearsNothing()
    expect(await service(bot).list(await idOf(bot, 'u1'))).toMatchObject([{ reason: 'Spam', by: 'amy' }])
    await bot.advance(HOUR / 2 - 1)
    await user.says('two').hearsNothing()
    await bot.advance(1)
    expect(await service(bot).list(await idOf(bot, 'u1'))).toEqual([])
    await user.says('three').hears('echo: three')
    await bot.advance(HOUR)
    expect(await bot.rows('blacklist', 'entry')).toEqual([])
  })
})

describe('the list', () => {
  test('C-BL-01: takes a customer with a reason only; who, when and why are in the audit log, for adding and removing', async () => {
    await using bot = await testRuntime(config)
    await bot.user('u1').says('hello').hears('echo: hello')
    const who = { customer: await idOf(bot, 'u1') }
    await expect(service(bot).add(who, { reason: ' ', by: AMY })).rejects.toThrow('reason')
    expect(await service(bot).list(who.customer)).toEqual([])
    const at = new Date(bot.clock.now()).toISOString()
    await service(bot).add(who, { reason: 'Rude', by: AMY })
    const about = { reason: 'Rude', by: 'amy', atMs: bot.clock.now() }
    expect(await service(bot).list(who.customer)).toEqual([{ who, ...about }])
    await service(bot).remove(who, { by: { kind: 'agent', person: 'bo' } })
    const entry = { ...who, reason: 'Rude', by: 'amy', at }
    const noted = [
      { action: 'blacklist.add', by: AMY, at: bot.clock.now(), instance: 'blacklist', before: null, after: entry },
      { action: 'blacklist.remove', by: { kind: 'agent', person: 'bo' }, before: entry, after: null },
    ]
    await vi.waitFor(async () => expect(await audited(bot)).toMatchObject(noted))
  })

  test('takes the latest reason and end when somebody is added again', async () => {
    await using bot = await testRuntime(config)
    const who = { account: 'memory:memory', id: 'u1' }
    await service(bot).add(who, { reason: 'One', by: AMY, untilMs: bot.clock.now() + 1 })
    await service(bot).add(who, { reason: 'Two', by: AMY })
    await bot.user('u1').says('hello').hearsNothing()
    expect(await bot.outcomes('u1')).toEqual(['dropped: blacklisted (Two)'])
  })

  test('is the same for an instance that replaces this one, also what is added while both run', async () => {
    const [reached, late] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const stuck = definePlugin({
      name: 'stuck',
      summary: 'Holds a reload back.',
      config: z.strictObject({ waits: z.boolean() }),
      setup: async ({ config }) => {
        if (config.waits) {
          reached.resolve()
          await late.promise
        }
        return {}
      },
    })
    const withStuck = (waits: boolean, ids: readonly string[]) => ({
      ...config,
      features: [
        { use: blacklist, customers: { memory: ids } },
        { use: stuck, waits },
      ],
    })
    await using bot = await testRuntime(withStuck(false, []))
    const reload = bot.apply(withStuck(true, ['u9']))
    // The new one has read the list by now; its routes and service are not in force yet.
    await reached.promise
    await service(bot).add({ account: 'memory:memory', id: 'u1' }, { reason: 'Spam', by: AMY })
    late.resolve()
    await reload
    await bot.user('u9').says('hello').hearsNothing()
    expect(await bot.outcomes('u9')).toEqual(['dropped: blacklisted (in the YAML)'])
    await bot.user('u1').says('hello').hearsNothing()
    expect(await bot.outcomes('u1')).toEqual(['dropped: blacklisted (Spam)'])
  })

  test('in the YAML turns away by channel and id, and closes what is open at the next message', async () => {
    await using bot = await testRuntime(config)
    const user = bot.user('u1')
    await user.says('hello').hears('echo: hello')
    await bot.apply({ ...config, features: [{ use: blacklist, customers: { memory: ['u1'] } }] })
    await user.says('hello?').hearsNothing()
    expect(await bot.outcomes('u1')).toEqual(['answered: bot', 'dropped: blacklisted (in the YAML)'])
    expect(await bot.conversation('u1')).toBeUndefined()
    await bot.apply(config)
    await user.says('again').hears('echo: again')
  })
})
