import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test, vi } from 'vitest'
import { type BotTurn, type Context, defineBot, definePlugin, type Outcome, z } from '#core'
import { memoryChannel, type TestRuntime, testRuntime } from '#core/testing'
import { type Blacklist, blacklist as token } from '../../services/blacklist.ts'
import blacklist from './index.ts'

const SUPPORT = {
  use: 'desk',
  people: { amy: { name: 'Amy' } },
  teams: { presale: { members: ['amy'], assign: 'by-hand' } },
}
const AMY = { kind: 'agent', person: 'amy' } as const
const HOUR = 3_600_000

const config = {
  bots: { parrot: { use: 'echo' } },
  desks: { support: SUPPORT },
  features: [{ use: blacklist }, { use: 'keyword-handoff', keywords: ['agent'], say: 'One moment.' }],
}

function botThat(answer: (turn: BotTurn) => Outcome) {
  return defineBot({
    name: 'scripted',
    summary: 'Does as it is told.',
    config: z.strictObject({}),
    setup: () => ({ answer }),
  })
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
/** While something is under way: `idOf` waits for it. */
const customerNow = async (bot: TestRuntime, user: string) =>
  (await bot.runtime.engine.load(await chatOf(bot, user)))?.customer.id ?? ''
const chatOf = async (bot: TestRuntime, user: string) =>
  (await bot.runtime.engine.findChat('memory:memory', user)) ?? ''
const deskItems = (bot: TestRuntime) =>
  bot.runtime.engine.read.selectFrom('delivery').select('id').where('destination', '=', 'desk:support').execute()
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
    await using bot = await testRuntime(config, { there: ['amy'] })
    await service(bot).add({ account: 'memory:memory', id: 'u1' }, { reason: 'Spam', by: AMY })
    // Accepted: it resolves, as the platform's acknowledgement would.
    await bot.user('u1').says('hello').says('agent').hearsNothing()
    expect(await bot.outcomes('u1')).toEqual(['dropped: blacklisted (Spam)', 'dropped: blacklisted (Spam)'])
    expect(await bot.conversation('u1')).toBeUndefined()
    expect(await deskItems(bot)).toEqual([])
    await bot.user('u2').says('hello').hears('echo: hello')
  })

  test('C-BL-03: is heard from the next message on when removed; what was written before is not handled later', async () => {
    await using bot = await testRuntime(config, { there: ['amy'] })
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
    await using bot = await testRuntime(config, { there: ['amy'] })
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
    await using bot = await testRuntime(config, { there: ['amy'] })
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

  describe('during their first message, while a bot is asked', () => {
    const LISTED = { account: 'memory:memory', id: 'u1' }

    /** A bot that has the message, and does what it does with it when it is told to. */
    function slowBot(answer: (turn: BotTurn) => Outcome | AsyncGenerator<string, Outcome>) {
      const [asked, goesOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const slow = defineBot({
        name: 'slow',
        summary: 'Takes its time.',
        config: z.strictObject({}),
        setup: () => ({
          async *answer(turn) {
            if (turn.text === 'quick') return turn.reply('At once.')
            yield 'Well'
            asked.resolve()
            await goesOn.promise
            yield 'Well, well'
            const answered = answer(turn)
            return Symbol.asyncIterator in answered ? yield* answered : answered
          },
        }),
      })
      return { slow, asked: asked.promise, goOn: goesOn.resolve }
    }

    test('has no answer, no conversation, and no draft any more', async () => {
      const { slow, asked, goOn } = slowBot((turn) => turn.reply('At last.'))
      await using bot = await testRuntime({ ...config, bots: { slow: { use: slow } } })
      await bot.user('u1').says('hello')
      await asked
      await service(bot).add(LISTED, { reason: 'Spam', by: AMY })
      goOn()
      await bot.user('u1').hearsNothing()
      expect(await bot.outcomes('u1')).toEqual(['dropped: blacklisted (Spam)'])
      expect(await bot.runtime.engine.read.selectFrom('conversation').selectAll().execute()).toEqual([])
      // It is taken away, and nothing comes after that.
      expect(bot.channel.drafts.map(({ text }) => text)).toEqual(['Well', ''])
      await bot.user('u2').says('hello').hears('At last.')
    })

    test('is not handed over', async () => {
      const { slow, asked, goOn } = slowBot((turn) => turn.handOff({ because: 'asked' }))
      await using bot = await testRuntime({ ...config, bots: { slow: { use: slow } } })
      await bot.user('u1').says('hello')
      await asked
      await service(bot).add(LISTED, { reason: 'Spam', by: AMY })
      goOn()
      await bot.user('u1').hearsNothing()
      expect(await deskItems(bot)).toEqual([])
      expect(await bot.agent('amy').takes('u1')).toMatchObject({ ok: false, code: 'NOT_FOUND' })
    })

    test('is dropped in an open conversation too, which is closed', async () => {
      const { slow, asked, goOn } = slowBot((turn) => turn.reply('At last.'))
      await using bot = await testRuntime({ ...config, bots: { slow: { use: slow } } })
      const user = bot.user('u1')
      await user.says('quick').hears('At once.').says('hello')
      await asked
      await service(bot).add({ customer: await customerNow(bot, 'u1') }, { reason: 'Spam', by: AMY })
      goOn()
      await user.hearsNothing()
      expect(await bot.conversation('u1')).toBeUndefined()
      expect(await bot.outcomes('u1')).toEqual(['answered: bot', 'dropped: blacklisted (Spam)'])
    })
  })

  test('is not handed over by a feature that was busy with their message, nor called back by an agent who was', async () => {
    const [reached, open] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const wait = async () => {
      reached.resolve()
      await open.promise
    }
    const busy = definePlugin({
      name: 'busy',
      summary: 'Takes its time.',
      config: z.strictObject({}),
      setup: () => ({
        inbound: {
          async respond(turn, next) {
            if (turn.text !== 'help') return next()
            await wait()
            return turn.handOff({ because: 'asked' })
          },
        },
        outbound: {
          async rewrite(reply, next) {
            if (reply.content === 'Hello again.') await wait()
            return next()
          },
        },
      }),
    })
    await using bot = await testRuntime({ ...config, features: [...config.features, { use: busy }] })
    await bot.user('u2').says('hello').hears('echo: hello')
    await bot.agent('amy').closes('u2')
    const chat = await chatOf(bot, 'u2')
    const calling = bot.agent('amy').does({ type: 'call-back', chat, content: 'Hello again.' })
    await bot.user('u1').says('help')
    await reached.promise
    for (const id of ['u1', 'u2']) await service(bot).add({ account: 'memory:memory', id }, { reason: 'Spam', by: AMY })
    open.resolve()
    expect(await calling).toMatchObject({ ok: false, code: 'BLOCKED' })
    await bot.user('u1').hearsNothing()
    await bot.user('u2').hearsNothing()
    expect(await bot.outcomes('u1')).toEqual(['dropped: blacklisted (Spam)'])
    expect(await deskItems(bot)).toEqual([])
    for (const user of ['u1', 'u2']) expect(await bot.conversation(user)).toBeUndefined()
  })

  test.each([1, 2])('is not answered when %i of their lines were still being gathered', async (lines) => {
    const asked: string[] = []
    const noting = botThat((turn) => {
      asked.push(turn.text)
      return turn.reply('Yes?')
    })
    const routes = [{ from: 'memory', mode: 'bot-only', bot: 'noting', collect: '2s' }]
    await using bot = await testRuntime({ bots: { noting: { use: noting } }, features: [{ use: blacklist }], routes })
    const before = bot.user('u1').says('one')
    if (lines === 2) await before
    await bot.user('u2').says('somebody else')
    await service(bot).add({ account: 'memory:memory', id: 'u1' }, { reason: 'Spam', by: AMY })
    if (lines === 2) await bot.user('u1').says('two')
    await bot.advance(2_000)
    await bot.user('u2').hears('Yes?')
    expect(await bot.outcomes('u1')).toEqual(Array.from({ length: lines }, () => 'dropped: blacklisted (Spam)'))
    expect(await bot.conversation('u1')).toBeUndefined()
    expect(asked).toEqual(['somebody else'])
  })

  test('is sent nothing more of what programs have said', async () => {
    const three = botThat((turn) => {
      turn.say('one')
      turn.say('two')
      return turn.reply('three')
    })
    const [reached, open] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const channel = memoryChannel()
    await using bot = await testRuntime({ ...config, bots: { three: { use: three } } }, { channel })
    channel.beforeSend(async () => {
      reached.resolve()
      await open.promise
    })
    await bot.user('u1').says('hello')
    await reached.promise
    await service(bot).add({ account: 'memory:memory', id: 'u1' }, { reason: 'Spam', by: AMY })
    open.resolve()
    await bot.user('u1').hears('one').hearsNothing()
    const states = await bot.runtime.engine.read.selectFrom('delivery').select('state').execute()
    expect(states.map(({ state }) => state)).toEqual(['sent', 'cancelled', 'cancelled'])
  })

  test('is not given what waited for their next message, on a channel that can only answer', async () => {
    const picture = (of: string) => ({ type: 'image', url: `https://files.example/${of}.png` }) as const
    const two = botThat((turn) => {
      turn.say(picture('one'))
      return turn.reply(picture('two'))
    })
    const channel = memoryChannel({ capabilities: { inline: { withinMs: 4_500 }, later: [] } })
    await using bot = await testRuntime({ bots: { two: { use: two } }, features: [{ use: blacklist }] }, { channel })
    const ask = async (id: string) => {
      const parts = [{ type: 'text', text: id }] as const
      const answer = await channel.receive({ id, chat: 'u1', type: 'message', parts, atMs: bot.clock.now() })
      await bot.idle()
      return answer?.part
    }
    const who = { account: 'memory:memory', id: 'u1' }
    expect(await ask('a')).toEqual(picture('one'))
    await service(bot).add(who, { reason: 'Spam', by: AMY })
    expect(await ask('b')).toBeUndefined()
    await service(bot).remove(who, { by: AMY })
    expect(await ask('c')).toEqual(picture('one'))
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
      await using bot = await testRuntime(config, { folder, there: ['amy'] })
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
      await using bot = await testRuntime(config, { folder, there: ['amy'] })
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
    await using bot = await testRuntime(config, { there: ['amy'] })
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
    await using bot = await testRuntime(config, { there: ['amy'] })
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
    await vi.waitFor(async () => expect(await audited(bot)).toMatchObject(noted), 10_000)
  })

  test('takes the latest reason and end when somebody is added again', async () => {
    await using bot = await testRuntime(config, { there: ['amy'] })
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

  test('in the YAML turns away by channel and id, and closes what is open as soon as it is in force', async () => {
    await using bot = await testRuntime(config, { there: ['amy'] })
    const user = bot.user('u1')
    await user.says('agent').hears('One moment.')
    await bot.agent('amy').takes('u1')
    const listed = { ...config, features: [{ use: blacklist, customers: { memory: ['u1'] } }] }
    await bot.apply(listed)
    expect(await bot.conversation('u1')).toBeUndefined()
    await user.says('hello?').hearsNothing()
    expect(await bot.outcomes('u1')).toEqual(['handed-off: keyword agent', 'dropped: blacklisted (in the YAML)'])
    await bot.apply(config)
    await bot.advance(HOUR)
    await user.says('again').hears('echo: again')
    expect((await bot.conversation('u1'))?.state).toBe('bot')
    // It was written while nothing ran.
    await bot.restart(listed)
    expect(await bot.conversation('u1')).toBeUndefined()
  })

  test('closes at the start what was still open when the process ended just after somebody was listed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-'))
    {
      await using bot = await testRuntime(config, { folder, there: ['amy'] })
      for (const user of ['u1', 'u2']) await bot.user(user).says('agent').hears('One moment.')
    }
    const journal = new DatabaseSync(join(folder, 'journal.sqlite'))
    journal.exec(
      `INSERT INTO blacklist__entry (account, id, reason, actor, at) VALUES ('memory:memory', 'u1', 'Spam', 'amy', 0)`,
    )
    journal.close()
    {
      await using bot = await testRuntime(config, { folder, there: ['amy'] })
      expect(await bot.conversation('u1')).toBeUndefined()
      expect((await bot.conversation('u2'))?.state).toBe('queued')
    }
    await rm(folder, { recursive: true })
  })

  test('is shown with what is in the YAML, which is not removed here', async () => {
    await using bot = await testRuntime({
      ...config,
      features: [{ use: blacklist, customers: { memory: ['u1', 'somebody'] } }],
    })
    await bot.user('u1').says('hello').hearsNothing()
    const customer = await idOf(bot, 'u1')
    const written = { who: { account: 'memory:memory', id: 'u1' }, reason: 'in the YAML' }
    expect(await service(bot).list(customer)).toEqual([{ ...written, by: undefined, atMs: undefined }])
    expect(await service(bot).remove({ customer }, { by: AMY })).toBe(false)
    const untilMs = bot.clock.now() + HOUR
    await service(bot).add({ customer }, { reason: 'Spam', by: AMY, untilMs })
    const made = { who: { customer }, reason: 'Spam', by: 'amy', atMs: bot.clock.now(), untilMs }
    expect(await service(bot).list(customer)).toMatchObject([made, written])
  })

  test('says what was before when somebody is listed again, and when the end is over', async () => {
    await using bot = await testRuntime(config, { there: ['amy'] })
    const who = { account: 'memory:memory', id: 'u1' }
    await service(bot).add(who, { reason: 'One', by: AMY })
    await service(bot).add(who, { reason: 'Two', by: AMY, untilMs: bot.clock.now() + HOUR })
    await bot.advance(2 * HOUR)
    const [one, two] = [
      { ...who, reason: 'One' },
      { ...who, reason: 'Two' },
    ]
    const noted = [
      { action: 'blacklist.add', before: null, after: one },
      { action: 'blacklist.add', before: one, after: two },
      { action: 'blacklist.expire', by: { kind: 'feature', name: 'blacklist' }, before: two, after: null },
    ]
    await vi.waitFor(async () => expect(await audited(bot)).toMatchObject(noted), 10_000)
    expect(await bot.rows('blacklist', 'entry')).toEqual([])
  })

  test('takes nobody whom it would not turn away', async () => {
    await using bot = await testRuntime(config, { there: ['amy'] })
    const entry = { reason: 'Spam', by: AMY }
    const add = (who: Parameters<Blacklist['add']>[0], untilMs?: number) => service(bot).add(who, { ...entry, untilMs })
    await expect(add({ account: 'memry:memory', id: 'u1' })).rejects.toThrow(
      'No channel has the account "memry:memory".',
    )
    await expect(add({ customer: 'nobody' })).rejects.toThrow('There is no customer "nobody".')
    const over = add({ account: 'memory:memory', id: 'u1' }, bot.clock.now())
    await expect(over).rejects.toThrow('Its end is over already.')
    expect(await bot.rows('blacklist', 'entry')).toEqual([])
  })
})

test('who is erased stays turned away, and why is forgotten', async () => {
  let customers: Context<unknown, unknown>['customers'] | undefined
  const eraser = definePlugin({
    name: 'eraser',
    summary: 'Erases.',
    config: z.strictObject({}),
    setup: (context) => {
      customers = context.customers
      return {}
    },
  })
  await using bot = await testRuntime({ ...config, features: [...config.features, { use: eraser }] })
  await bot.user('u1').says('hello').hears('echo: hello')
  await bot.user('u2').says('hello').hears('echo: hello')
  const id = await idOf(bot, 'u1')
  await service(bot).add({ customer: id }, { reason: 'Ann Smith swears', by: AMY })
  await service(bot).add({ account: 'memory:memory', id: 'u2' }, { reason: 'So does Bo', by: AMY })
  await bot.idle()
  expect(await customers?.kept(id)).toMatchObject({ blacklist: [{ reason: 'Ann Smith swears' }] })
  expect(await customers?.erase(id)).toMatchObject({ state: 'erased' })
  expect(JSON.stringify([await bot.rows('blacklist', 'entry'), await audited(bot)])).not.toMatch(`Ann|${id}`)
  expect(await bot.rows('blacklist', 'entry')).toMatchObject([
    { account: 'memory:memory', id: 'u1', customer: null, reason: 'erased' },
    { account: '', reason: 'So does Bo' },
    { account: 'memory:memory', id: 'u2', reason: 'So does Bo' },
  ])
  await bot.user('u1').says('It is me').hearsNothing()
  expect(await bot.outcomes('u1')).toEqual(['dropped: blacklisted (erased)'])
})
