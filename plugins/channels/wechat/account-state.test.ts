import { describe, expect, test } from 'vitest'
import { defineBot, z } from '#core'
import { makeLog, manualClock, type TestConfig } from '#core/testing'
import { makeAccountState } from './account-state.ts'
import { makeApi } from './sending/api.ts'
import { journalInMemory } from './sending/journal-in-memory.ts'
import { connected, SHOP } from './simulated-platform/connected.ts'
import { type SimulatedWeChat, startWeChat } from './simulated-platform/index.ts'

type Connected = Awaited<ReturnType<typeof connected>>

const MENU = '/cgi-bin/menu/create'
const BLOCK = '/cgi-bin/tags/members/batchblacklist'
const AVATAR = '/customservice/kfaccount/uploadheadimg'
const ID = 'simulated-shop'
const MINUTE = 60_000
/** Longer than a reload waits for turns to end. */
const DRAINED_MS = 30_000

const menu = (name: string) => ({ menu: [{ type: 'click', name, key: name }], replyBy: 'customer-service' })
const namesOf = ({ account }: SimulatedWeChat) => account.menu?.map(({ name }) => name)
const shown = ({ wechat }: Connected) => namesOf(wechat)
const asked = ({ wechat }: Connected, path: string) => wechat.calls.filter((call) => call.path === path).length
const left = ({ bot }: Connected) => bot.rows(SHOP, 'writing')

/** A call that the platform has, and does only later, whatever has become of whoever made it. */
function held(wechat: SimulatedWeChat, path: string) {
  const came = Promise.withResolvers<void>()
  const goes = Promise.withResolvers<void>()
  wechat.answers(path, async () => {
    came.resolve()
    await goes.promise
  })
  return { came: came.promise, go: goes.resolve }
}

/** A bot that takes its time, so that a reload waits for its turn. */
function slowBot(): { readonly config: TestConfig; done(): void } {
  const gate = Promise.withResolvers<void>()
  const slow = defineBot({
    name: 'slow',
    summary: 'Takes its time.',
    config: z.strictObject({}),
    setup: () => ({
      async answer(turn) {
        await gate.promise
        return turn.reply('at last')
      },
    }),
  })
  return { config: { bots: { parrot: { use: slow } } }, done: gate.resolve }
}

/** Time for what needs no time by the clock. */
async function soon({ bot }: Connected): Promise<void> {
  for (let round = 0; round < 20; round++) {
    await bot.runtime.engine.read.selectFrom('chat').select('id').execute()
    await bot.clock.advance(0)
  }
}

describe('C-WX-10: of two instances of a channel only the newest writes the account', () => {
  test('the menu that one could not write before a reload it does not write afterwards', async () => {
    const { config, done } = slowBot()
    await using shop = await connected(menu('A'), { config })
    await expect.poll(() => shown(shop)).toEqual(['A'])
    shop.wechat.answers(MENU, -1)
    await shop.apply(menu('B'))
    await expect.poll(() => asked(shop, MENU)).toBe(2)
    await shop.wechat.customer('o1').says('hello')
    await shop.bot.clock.advance(DRAINED_MS - 2_000)
    const applied = shop.apply(menu('C'))
    await expect.poll(() => shown(shop)).toEqual(['C'])
    // The old one would try again now, while its turn is still under way.
    await shop.bot.clock.advance(2_000)
    await soon(shop)
    done()
    await applied
    expect(shown(shop)).toEqual(['C'])
    expect(asked(shop, MENU)).toBe(3)
  })

  test('what was sent before a reload is there before anything else is', async () => {
    await using shop = await connected({})
    const call = held(shop.wechat, MENU)
    await shop.apply(menu('A'))
    await call.came
    const applied = shop.apply(menu('B'))
    await soon(shop)
    expect(asked(shop, '/cgi-bin/menu/get')).toBe(1)
    call.go()
    await applied
    await expect.poll(() => shown(shop)).toEqual(['B'])
    expect(await left(shop)).toEqual([])
  })

  test('what was sent before a crash is there, or never will be, before the next process writes', async () => {
    const clock = manualClock()
    await using wechat = await startWeChat({ clock })
    const journal = journalInMemory()
    function started() {
      const crash = new AbortController()
      const config = { ...wechat.keys, apiBase: wechat.apiBase, accessToken: 'stable' } as const
      const tools = { clock, log: makeLog({ level: 'silent' }), signal: crash.signal, http: fetch, config }
      const sql = journal.open()
      const state = makeAccountState({ ...tools, sql, api: makeApi({ ...tools, sql }) })
      const set = (name: string) =>
        state.bringUpUntilDone('', async (api) => {
          await api.post(MENU, { button: menu(name).menu }, z.object({}))
        })
      return { set, crash: () => crash.abort() }
    }
    const call = held(wechat, MENU)
    const before = started()
    before.set('A')
    await call.came
    before.crash()
    started().set('B')
    await clock.advance(MINUTE - 1)
    call.go()
    await expect.poll(() => namesOf(wechat)).toEqual(['A'])
    await clock.advance(1)
    await expect.poll(() => namesOf(wechat)).toEqual(['B'])
    await expect.poll(() => journal.rows('writing')).toEqual([])
  })

  test('a picture that was on its way when the process was stopped is given anew', async () => {
    const avatar = (file: string) => `${import.meta.dirname}/../../features/agent-identity/__fixtures__/${file}`
    const seen = (file: string): readonly [{ readonly wechatId: string }, TestConfig] => {
      const identities = { sales: { name: 'Sales', avatar: avatar(file) } }
      return [{ wechatId: ID }, { features: [{ use: 'agent-identity', identities, bots: { parrot: 'sales' } }] }]
    }
    const [settings, config] = seen('wide.png')
    await using shop = await connected(settings, { config })
    await expect.poll(() => asked(shop, AVATAR), { timeout: 10_000 }).toBe(1)
    const call = held(shop.wechat, AVATAR)
    await shop.apply(...seen('wide.jpg'))
    await call.came
    await shop.restart(...seen('wide.png'))
    call.go()
    await expect.poll(() => asked(shop, AVATAR)).toBe(2)
    await expect.poll(() => asked(shop, AVATAR), { timeout: 10_000 }).toBe(3)
  })

  test('nobody is blocked by the list from before a reload', async () => {
    const list = (users: readonly string[]) => ({ features: [{ use: 'blacklist', customers: { [SHOP]: users } }] })
    const settings = { blacklist: true, replyBy: 'customer-service' }
    const { config, done } = slowBot()
    await using shop = await connected(settings, { config: { ...config, ...list(['o1']) } })
    await shop.wechat.customer('o1').says('hello')
    // So that the five minutes are over while the turn is still under way.
    await shop.bot.clock.advance(5 * MINUTE - (shop.bot.clock.now() % (5 * MINUTE)) - 2_000)
    await shop.wechat.customer('o2').says('hello')
    const applied = shop.apply(settings, { ...config, ...list([]) })
    await soon(shop)
    await shop.bot.clock.advance(2_000)
    const runs = shop.bot.runtime.engine.read
      .selectFrom('job_run')
      .select('finished_at')
      .where('name', '=', `${SHOP} 5m`)
    await expect.poll(() => runs.execute()).toEqual([{ finished_at: expect.any(Number) }])
    done()
    await applied
    expect(asked(shop, BLOCK)).toBe(0)
  })
})
