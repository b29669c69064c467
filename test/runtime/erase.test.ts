import { expect, test } from 'vitest'
import { type Context, definePlugin, type ErasedCustomer, tables, z } from '#core'
import { type TestRuntime, testRuntime } from '#core/testing'

const HOUR = 3_600_000

interface Heard {
  readonly chat: string
  readonly text: string
  readonly at: number
}

/** Writes down what it hears, in a table of its own, and erases as it is told. */
function listener(given: { erase(customer: ErasedCustomer, erase: () => Promise<void>): Promise<void> | void }) {
  let context: Context<unknown, { heard: Heard }> | undefined
  const plugin = definePlugin({
    name: 'listener',
    summary: 'Writes down what it hears.',
    config: z.strictObject({}),
    tables: tables<{ heard: Heard }>({ '1-heard': 'CREATE TABLE heard (chat TEXT, text TEXT, at BIGINT)' }),
    setup(made) {
      context = made
      const { sql, clock } = made
      return {
        inbound: {
          intercept(turn, next) {
            turn.write(sql.insertInto('heard').values({ chat: turn.chat.id, text: turn.text, at: clock.now() }))
            return next()
          },
        },
        erase: (customer) =>
          given.erase(customer, async () => {
            const chats = customer.chats.map(({ id }) => id)
            await sql.deleteFrom('heard').where('chat', 'in', chats).execute()
          }),
        async kept({ chats }) {
          const ids = chats.map(({ id }) => id)
          const heard = await sql.selectFrom('heard').select('text').where('chat', 'in', ids).execute()
          return heard.length > 0 ? heard : undefined
        },
      }
    },
  })
  return {
    plugin,
    get context() {
      if (!context) throw new Error('It has not been set up.')
      return context
    },
  }
}

const heardIn = async (bot: TestRuntime) => (await bot.rows('listener', 'heard')).map((row) => Object.values(row)[1])
const left = (bot: TestRuntime) => bot.runtime.engine.read.selectFrom('erasure').select('instance').execute()
const with_ = (features: readonly { readonly use: string | ReturnType<typeof definePlugin> }[]) => ({
  bots: { parrot: { use: 'echo' } },
  features,
})

/** Somebody has written, and nothing is open with them any more. */
async function come(bot: TestRuntime, ...users: readonly string[]): Promise<string> {
  for (const user of users) {
    await bot.user(user).says(`I am ${user}`).hears(`echo: I am ${user}`)
    await bot.agent('amy').closes(user)
  }
  await bot.idle()
  return (await bot.customer(users[0] ?? ''))?.id ?? ''
}

test('a plugin erases what it keeps of a customer after the journal has, and tells it to whoever asks', async () => {
  const told: ErasedCustomer[] = []
  let wasThere: unknown = 'not asked'
  const own = listener({
    async erase(customer, erase) {
      told.push(customer)
      wasThere = await own.context.customers.get(customer.ids[0] ?? '')
      await erase()
    },
  })
  await using bot = await testRuntime(with_([{ use: own.plugin }]))
  const customer = await come(bot, 'ann', 'bo')
  expect(await own.context.customers.kept(customer)).toEqual({ listener: [{ text: 'I am ann' }] })
  const chat = (await bot.runtime.engine.findChat('memory:memory', 'ann')) ?? ''
  expect(await own.context.customers.erase(customer)).toMatchObject({ state: 'erased' })
  expect(wasThere).toBeUndefined()
  expect(told).toMatchObject([
    {
      ids: [customer],
      chats: [{ id: chat, account: 'memory:memory', externalId: 'ann' }],
      conversations: [expect.any(String)],
      atMs: bot.clock.now(),
    },
  ])
  expect(await heardIn(bot)).toEqual(['I am bo'])
  expect(await left(bot)).toEqual([])
  expect(await own.context.customers.kept(customer)).toEqual({})
})

test('a plugin that cannot erase is asked again within the hour, and the customer is gone meanwhile', async () => {
  let fails = true
  const own = listener({
    erase(_customer, erase) {
      if (fails) throw new Error('The disk of the other side is full.')
      return erase()
    },
  })
  await using bot = await testRuntime(with_([{ use: own.plugin }]))
  const customer = await come(bot, 'ann')
  expect(await own.context.customers.erase(customer)).toMatchObject({ state: 'erased' })
  expect(await own.context.customers.get(customer)).toBeUndefined()
  expect(await left(bot)).toEqual([{ instance: 'listener' }])
  expect(bot.logged.join('')).toContain('listener (listener), erase, to be tried again: The disk of the other side')
  fails = false
  await bot.advance(HOUR)
  await expect.poll(() => left(bot)).toEqual([])
  expect(await heardIn(bot)).toEqual([])
})

test('a plugin erases what a crash has left behind, once it is started again', async () => {
  let begun = Promise.withResolvers<void>()
  let count = 0
  const own = listener({
    erase(_customer, erase) {
      count += 1
      begun.resolve()
      // The first time it never ends.
      return count === 1 ? new Promise<void>(() => {}) : erase()
    },
  })
  await using bot = await testRuntime(with_([{ use: own.plugin }]))
  const customer = await come(bot, 'ann')
  begun = Promise.withResolvers()
  const erasing = own.context.customers.erase(customer)
  await begun.promise
  await bot.restart()
  await erasing
  await expect.poll(() => left(bot)).toEqual([])
  expect(count).toBe(2)
  expect(await heardIn(bot)).toEqual([])
})

test('a plugin that never ends one is not asked for the others too, and neither a reload nor a start waits for it', async () => {
  let asked = 0
  const own = listener({
    erase() {
      asked += 1
      return new Promise<void>(() => {})
    },
  })
  await using bot = await testRuntime(with_([{ use: own.plugin }]))
  const customers: string[] = []
  for (const name of ['ann', 'bo', 'cai']) customers.push(await come(bot, name))
  for (const customer of customers) {
    const erasing = own.context.customers.erase(customer)
    const isOwed = async () => (await left(bot)).length
    await expect.poll(isOwed).toBe(customers.indexOf(customer) + 1)
    await bot.advance(10_000)
    expect(await erasing).toMatchObject({ state: 'erased' })
  }
  expect(asked).toBe(3)
  // No clock is moved on while they go on.
  await bot.apply({ ...with_([{ use: own.plugin }]), texts: { offline: '' } })
  await bot.restart()
  await expect.poll(() => asked).toBe(5)
  expect(await left(bot)).toHaveLength(3)
})

test('a plugin that was taken out of the YAML erases when it is back, and nothing of whoever came since', async () => {
  const told: ErasedCustomer[] = []
  const own = listener({
    erase(customer, erase) {
      told.push(customer)
      return erase()
    },
  })
  const other = definePlugin({
    name: 'other',
    summary: 'Lends its context.',
    config: z.strictObject({}),
    setup(context) {
      erase = context.customers.erase
      return {}
    },
  })
  let erase: Context<unknown, unknown>['customers']['erase'] | undefined
  await using bot = await testRuntime(with_([{ use: own.plugin }, { use: other }]))
  const customer = await come(bot, 'ann')
  await bot.apply(with_([{ use: other }]))
  await erase?.(customer)
  expect(await left(bot)).toEqual([{ instance: 'listener' }])
  const erasedAtMs = bot.clock.now()
  await bot.advance(HOUR)
  await bot.apply(with_([{ use: own.plugin }, { use: other }]))
  await expect.poll(() => left(bot)).toEqual([])
  // At least once, as is said of `erase`, and of nobody else.
  expect(told).not.toEqual([])
  expect(told).toMatchObject(told.map(() => ({ ids: [customer], atMs: erasedAtMs })))
  expect(await heardIn(bot)).toEqual([])
})
