import { expect, test } from 'vitest'
import { definePlugin, z } from '#core'
import { memoryDesk } from '#core/testing'
import { parrot, start } from './connected.ts'

const VOICE = Buffer.from('#!AMR\n')
const TO_TYPE = 'the voice is unrecognized, I don’t understand, please type'
const PEOPLE = { desks: { desk: { use: memoryDesk().plugin } } }

test('C-WX-13: the bot gets the words of a voice message, people the recording with them', async () => {
  const desk = memoryDesk()
  await using world = await start({
    config: { bots: { parrot: { use: parrot() } }, desks: { desk: { use: desk.plugin } } },
  })
  const customer = world.platform.customer('u1')
  await customer.sendsVoice(VOICE, '我要退货。')
  expect(customer.heard).toEqual(['re: 我要退货。'])
  const taken = { type: 'take', chat: await world.chat('u1') } as const
  expect(await world.bot.agent('amy').does(taken)).toMatchObject({ ok: true })
  await customer.sendsVoice(VOICE, '谢谢。')
  await customer.sendsVoice(VOICE)
  await world.bot.idle()
  expect(desk.items.flatMap((item) => (item.type === 'message' ? item.parts : []))).toMatchObject([
    { type: 'audio', transcript: '谢谢。' },
    { type: 'audio' },
  ])
  expect(customer.heard).toEqual(['re: 我要退货。'])
})

test('C-WX-13: without words the customer is asked once to type, which is no unknown answer of the bot', async () => {
  const routes = [{ from: ['shop', 'memory'], mode: 'bot-first', bot: 'parrot', desk: 'desk', handOff: { unknown: 1 } }]
  await using world = await start({ config: { ...PEOPLE, routes } })
  const customer = world.platform.customer('u1')
  for (const recognition of [undefined, '']) await customer.sendsVoice(VOICE, recognition)
  expect(customer.heard).toEqual([TO_TYPE, TO_TYPE])
  expect(await world.conversation('u1')).toMatchObject({ state: 'bot', counts: { unknown: 0, failures: 0 } })
})

test('C-WX-13: where people answer, a first recording goes to them', async () => {
  await using world = await start({
    config: {
      ...PEOPLE,
      routes: [{ from: ['shop', 'memory'], mode: 'agent-only', desk: 'desk' }],
      texts: { handedOver: '' },
    },
  })
  await world.platform.customer('u1').sendsVoice(VOICE)
  expect(await world.conversation('u1')).toMatchObject({ state: 'queued' })
  expect(world.platform.customer('u1').heard).not.toContain(TO_TYPE)
})

test('words that a feature has found in a recording are words', async () => {
  const listener = definePlugin({
    name: 'listener',
    summary: 'Hears everything.',
    config: z.strictObject({}),
    setup: () => ({
      inbound: {
        enrich(turn) {
          if (turn.event.type !== 'message') return
          const urls = turn.event.parts.flatMap((part) => (part.type === 'audio' ? [part.url] : []))
          turn.learn({ transcripts: Object.fromEntries(urls.map((url) => [url, 'heard'])) })
        },
      },
    }),
  })
  await using world = await start({ config: { features: [{ use: listener }] } })
  await world.platform.customer('u1').sendsVoice(VOICE)
  expect(world.platform.customer('u1').heard).toEqual(['re: heard'])
})

test('what is asked is as the operator says, or nothing but the bot', async () => {
  await using world = await start({ settings: { voice: { unrecognizedReply: '请打字' } } })
  await world.platform.customer('u1').sendsVoice(VOICE)
  expect(world.platform.customer('u1').heard).toEqual(['请打字'])
  await using silent = await start({ settings: { voice: { unrecognizedReply: '' } } })
  await silent.platform.customer('u1').sendsVoice(VOICE)
  expect(silent.platform.customer('u1').heard).toEqual(['re: '])
})
