import { expect, test } from 'vitest'
import { defineChannel, tables, z } from '#core'
import { manualClock, testRuntime } from '#core/testing'
import { blockedTables } from '../customers/blocking.ts'
import { leavingTables } from '../customers/leaving.ts'
import { profileTables } from '../customers/profiles.ts'
import { identityTables } from '../identities/identities.ts'
import wechat from '../index.ts'
import { menuTables } from '../menu/menu.ts'
import { sendingTables } from '../sending/tables.ts'
import { start } from './connected.ts'
import { makeNonces, nonceTables } from './nonces.ts'

const MINUTE = 60_000
const FRESHNESS = { freshnessMs: 10 * MINUTE }

test('what can no longer be used is forgotten, and of what could be only so much is remembered', async () => {
  await using world = await start()
  const sql = world.bot.runtime.engine.tablesOf<{ used: { signature: string; event: string; until: number } }>('shop')
  const clock = manualClock()
  const nonces = await makeNonces(sql, { clock, ...FRESHNESS })
  const claim = (i: number, event: string) => nonces.claim(`signature ${i}`, event, clock.now())
  for (let i = 0; i < 100_000; i++) claim(i, 'one')
  expect(claim(0, 'another')).toBe(false)
  expect(nonces.remembered).toBe(100_000)
  expect(claim(100_000, 'one')).toBe(true)
  // The one of longest ago has made room.
  expect(nonces.remembered).toBe(100_000)
  expect(claim(1, 'another')).toBe(false)
  await clock.advance(10 * MINUTE + 1)
  expect(claim(200_000, 'one')).toBe(true)
  expect(nonces.remembered).toBe(1)
})

test('a journal with the tables that the channel had first is taken on, with the requests that were used', async () => {
  const before = defineChannel({
    name: 'wechat',
    summary: 'The channel, with its first tables.',
    config: z.looseObject({}),
    capabilities: () => ({ sends: { text: {} }, later: [], showsIdentity: 'none' }),
    account: () => 'wx0123456789abcdef',
    tables: tables<{ used: { signature: string; event: string; until: number } }>({
      ...{ ...nonceTables, ...sendingTables, ...menuTables, ...identityTables },
      ...{ ...profileTables, ...blockedTables, ...leavingTables },
    }),
    async setup({ sql, clock }) {
      const until = clock.now() + MINUTE
      await sql.insertInto('used').values({ signature: 's1', event: 'e1', until }).execute()
      return { send: async () => ({}) }
    },
  })
  const own = { appId: 'wx0123456789abcdef', appSecret: 'secret', token: 'token', apiBase: 'http://127.0.0.1:9' }
  const configOf = (use: typeof wechat | typeof before) => ({
    channels: { shop: { use, ...own } },
    bots: { parrot: { use: 'echo' } },
  })
  await using bot = await testRuntime(configOf(before))
  await bot.restart(configOf(wechat))
  expect(await bot.rows('shop', 'used')).toMatchObject([{ signature: 's1', event: 'e1' }])
})
