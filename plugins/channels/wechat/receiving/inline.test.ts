/** How answers go into responses: in time, once, and the same again for a retry. */
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type Connected, start } from './connected.ts'

const SECOND = 1_000

/** Waits, in real time, for what goes through sockets. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + 5_000
  while (!(await isSo())) {
    if (performance.now() > untilMs) throw new Error('It never came to that.')
    await wait(5)
  }
}

const isAccepted = (world: Connected) => async () => {
  const rows = world.bot.runtime.engine.read.selectFrom('entry').select('id').where('kind', '=', 'in')
  return (await rows.execute()).length > 0
}

test('an answer that takes longer than 4.5 s is acknowledged by then, and comes as a customer-service message', async () => {
  const held = Promise.withResolvers<void>()
  await using world = await start({ held: held.promise })
  const customer = world.platform.customer('u1')
  const pushing = customer.says('slow')
  await until(isAccepted(world))
  await world.clock.advance(4_500)
  expect(await pushing).toMatchObject({ tries: 1, body: 'success', failure: undefined })
  expect(customer.shown).toEqual([])
  held.resolve()
  await world.bot.idle()
  expect(customer.shown).toMatchObject([{ via: 'customer-service', message: { text: { content: 're: slow' } } }])
})

test('on an account that may only answer, a late answer waits for the next event', async () => {
  const held = Promise.withResolvers<void>()
  await using world = await start({
    held: held.promise,
    settings: { replyBy: 'passive' },
    platform: { isVerified: false },
  })
  const customer = world.platform.customer('u1')
  const pushing = customer.says('slow')
  await until(isAccepted(world))
  await world.clock.advance(4_500)
  expect(await pushing).toMatchObject({ tries: 1, body: 'success' })
  held.resolve()
  await world.bot.idle()
  expect(customer.heard).toEqual([])
  await world.clock.advance(SECOND)
  await customer.clicks('MORE')
  expect(customer.heard).toEqual(['re: slow'])
  expect(world.platform.calls.filter(({ path }) => path.includes('custom/send'))).toEqual([])
})

test('whom the platform names as the sender of news about a customer hears nothing of what waits for them', async () => {
  const held = Promise.withResolvers<void>()
  await using world = await start({ held: held.promise, settings: { replyBy: 'passive' } })
  const pushing = world.platform.customer('u1').says('slow')
  await until(isAccepted(world))
  await world.clock.advance(4_500)
  await pushing
  held.resolve()
  await world.bot.idle()
  const news = `<xml><ToUserName>gh_2f0a9c41b7de</ToUserName><FromUserName>oSystem</FromUserName><CreateTime>1767225600</CreateTime><MsgType>event</MsgType><Event>user_info_modified</Event><OpenID>u1</OpenID></xml>`
  const response = await fetch(world.platform.request(news, { to: world.url }))
  expect(await response.text()).not.toContain('<ToUserName><![CDATA[oSystem]]>')
})

test('replyBy: customer-service acknowledges at once', async () => {
  const held = Promise.withResolvers<void>()
  await using world = await start({ held: held.promise, settings: { replyBy: 'customer-service' } })
  const customer = world.platform.customer('u1')
  expect(await customer.says('slow')).toMatchObject({ tries: 1, body: 'success' })
  held.resolve()
  await world.bot.idle()
  expect(customer.shown).toMatchObject([{ via: 'customer-service' }])
})

test('C-WX-01: a push that was hung up on and comes again joins the turn, and gets the answer that was under way', async () => {
  const held = Promise.withResolvers<void>()
  await using world = await start({ held: held.promise, settings: { replyBy: 'passive' } })
  const xml = `<xml><ToUserName>gh_2f0a9c41b7de</ToUserName><FromUserName>u1</FromUserName><CreateTime>1767225600</CreateTime><MsgType>text</MsgType><Content>slow</Content><MsgId>1</MsgId></xml>`
  const gone = new AbortController()
  const first = fetch(world.platform.request(xml), { signal: gone.signal }).catch(() => 'hung up')
  await until(isAccepted(world))
  gone.abort()
  expect(await first).toBe('hung up')
  const [second, third] = [fetch(world.platform.request(xml)), fetch(world.platform.request(xml))]
  await wait(50)
  held.resolve()
  const answers = await Promise.all([second, third].map(async (answer) => (await answer).text()))
  expect(answers.some((answer) => answer.includes('re: slow'))).toBe(true)
  const again = await fetch(world.platform.request(xml))
  expect(await again.text()).toContain('re: slow')
  expect(await world.events()).toHaveLength(1)
})
