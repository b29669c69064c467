import { expect, test } from 'vitest'
import { definePlugin, z } from '#core'
import { memoryDesk } from '#core/testing'
import { start } from './connected.ts'

const MINUTE = 60_000
const session = (Event: string, accounts: { readonly [element: string]: string }) => ({
  MsgType: 'event',
  Event,
  ...accounts,
})
const begins = session('kf_create_session', { KfAccount: 'alice@myshop' })
const ends = session('kf_close_session', { KfAccount: 'alice@myshop' })

test('C-WX-10, C-WX-11: while somebody has the customer in the platform’s own desk, the bot is silent', async () => {
  await using world = await start()
  const customer = world.platform.customer('u1')
  await customer.tells(begins)
  await customer.says('hello')
  await customer.clicks('PRICES')
  await world.platform.customer('u2').says('hello')
  await customer.tells(session('kf_switch_session', { FromKfAccount: 'alice@myshop', ToKfAccount: 'bob@myshop' }))
  await customer.says('hello?')
  expect([customer.heard, world.platform.customer('u2').heard]).toEqual([[], ['re: hello']])
  const became = (await world.events()).filter(({ chat }) => chat === 'u1').map((event) => event.became)
  expect(became).toEqual([
    'handled: alice@myshop has the customer in the platform’s own desk',
    'handled: alice@myshop has the customer in the platform’s own desk',
    'handled: alice@myshop has the customer in the platform’s own desk',
    'handled: bob@myshop has the customer in the platform’s own desk',
    'handled: bob@myshop has the customer in the platform’s own desk',
  ])
  await customer.tells(ends)
  await customer.says('hello again')
  expect(customer.heard).toEqual(['re: hello again'])
})

test('while somebody has the customer there, nothing that we have asked is answered either', async () => {
  const asker = definePlugin({
    name: 'asker',
    summary: 'Asks for a name.',
    config: z.strictObject({}),
    setup: () => ({
      inbound: {
        respond: (turn, next) =>
          turn.text === 'form' ? turn.reply('Your name?', { expect: { key: 'name', forMs: 60 * MINUTE } }) : next(),
      },
      answered: (turn) => turn.reply(`Thank you, ${turn.text}`),
    }),
  })
  await using world = await start({ config: { features: [{ use: asker }] } })
  const customer = world.platform.customer('u1')
  await customer.says('form')
  await customer.tells(begins)
  await customer.says('Where is my parcel?')
  expect(customer.heard).toEqual(['Your name?'])
})

test('half an hour after the last that was heard of it, the platform’s own desk has let the customer go', async () => {
  await using world = await start()
  const customer = world.platform.customer('u1')
  await customer.tells(begins)
  await world.clock.advance(30 * MINUTE - 1_000)
  await customer.says('one')
  await world.clock.advance(1_000)
  await customer.says('two')
  expect(customer.heard).toEqual(['re: two'])
})

test('what our own people have, stays with them', async () => {
  const desk = memoryDesk()
  await using world = await start({ config: { desks: { desk: { use: desk.plugin } } } })
  const customer = world.platform.customer('u1')
  await customer.says('hello')
  const taken = { type: 'take', chat: await world.chat('u1') } as const
  expect(await world.bot.agent('amy').does(taken)).toMatchObject({ ok: true })
  await customer.tells(begins)
  await customer.says('to amy')
  await world.bot.idle()
  expect(desk.items.map(({ type }) => type)).toContain('message')
})
