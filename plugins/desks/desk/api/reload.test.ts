/** What a reload of the desk does to whoever works at it: what they see, what they may, and what their customers are told. */
import { once } from 'node:events'
import { request } from 'node:http'
import { describe, expect, test } from 'vitest'
import { definePlugin, z } from '#core'
import type { TestConfig, TestRuntime } from '#core/testing'
import { staff } from '../../../services/staff.ts'
import desk from '../index.ts'
import {
  deskOf,
  deskRuntime,
  OWN_ORIGIN,
  other,
  PASSWORD,
  type SimulatedScreen,
  screenOf,
  staffOf,
} from '../simulated-screen.ts'

const PEOPLE = {
  amy: { name: 'Amy', role: 'administrator' },
  sue: { name: 'Sue', role: 'supervisor' },
  bo: { name: 'Bo' },
  cai: { name: '蔡' },
}
const texts = { handedOver: '', offline: 'Nobody is here.' }
const withTeam = (members: readonly string[]): TestConfig => ({
  channels: { other: { use: other().plugin } },
  desks: {
    support: {
      use: desk,
      people: PEOPLE,
      teams: {
        presale: { members, sources: ['memory'] },
        aftersale: { members: ['amy'], sources: ['other'] },
      },
    },
  },
  texts,
})

/** A request that holds the instance that it came to: a body of which nothing more comes. */
async function slowUpload(bot: TestRuntime, { cookies }: SimulatedScreen) {
  const upload = request(`${deskOf(bot)}/api/files?name=x`, {
    method: 'POST',
    headers: {
      cookie: [...cookies].map((pair) => pair.join('=')).join('; '),
      origin: OWN_ORIGIN,
      'content-type': 'application/octet-stream',
      'content-length': 1000,
      expect: '100-continue',
    },
  })
  upload.on('error', () => undefined)
  upload.flushHeaders()
  // It is under way by now.
  await once(upload, 'continue')
  return { ends: () => void upload.destroy() }
}

describe('while a reload of the desk waits for a slow request', () => {
  test('who was there is there for customers, and who comes again is given them', async () => {
    await using bot = await deskRuntime(withTeam(['bo', 'sue']))
    const { bo, sue } = await staffOf(bot, 'bo', 'sue')
    const before = await bo.looks()
    const upload = await slowUpload(bot, sue)
    const applying = bot.apply(withTeam(['bo', 'sue', 'cai']))
    expect(await before.ended).toBe('1012 0')
    await bot.user('u1').says('hello')
    await bot.user('u1').hearsNothing()
    expect((await bot.conversation('u1'))?.state).toBe('queued')
    const after = await bo.looks()
    await after.until('rows', ({ rows }) => rows.some(({ person }) => person === 'bo'))
    expect((await bot.conversation('u1'))?.owner).toMatchObject({ kind: 'agent', person: 'bo' })
    upload.ends()
    await applying
    // Nor is it forgotten when the old one has stopped.
    await bot.advance(5 * 60_000)
    expect((await bot.conversation('u1'))?.owner).toMatchObject({ kind: 'agent', person: 'bo' })
    after.close()
  })

  test('who has lost a team by it is told nothing more of that team', async () => {
    await using bot = await deskRuntime(withTeam(['bo', 'sue']))
    const { bo, sue } = await staffOf(bot, 'bo', 'sue')
    const before = await bo.looks()
    const upload = await slowUpload(bot, sue)
    const hers = await sue.looks()
    const applying = bot.apply(withTeam(['sue']))
    await before.ended
    await hers.ended
    const [his, herNext] = [await bo.looks(), await sue.looks()]
    await bot.user('u1').says('not for bo any more')
    await herNext.until('rows', ({ rows }) => rows[0]?.last?.text === 'not for bo any more')
    for (const { frames } of [before, his]) expect(JSON.stringify(frames)).not.toContain('not for bo any more')
    upload.ends()
    await applying
    his.close()
    herNext.close()
  })
})

/** Holds a reload at the moment at which the new desk has been set up, and the old one is still in force. */
function slowPlugin() {
  const [reached, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const plugin = definePlugin({
    name: 'slow',
    summary: 'Takes its time to start.',
    config: z.strictObject({}),
    // So it starts after the desk.
    needs: { staff },
    async setup() {
      reached.resolve()
      await go.promise
      return {}
    },
  })
  return { plugin, reached: reached.promise, goOn: go.resolve }
}

test('who is signed out, or signs in, while a reload is under way is so afterwards too; and so are tokens', async () => {
  await using bot = await deskRuntime(withTeam(['bo', 'sue']))
  const { amy, bo, sue } = await staffOf(bot, 'bo', 'sue')
  const { token, secret } = await amy.call('POST /tokens', { body: { name: 'crm', role: 'administrator' } })
  const [crm, bos, sues] = [screenOf(deskOf(bot), { token: secret }), screenOf(deskOf(bot)), screenOf(deskOf(bot))]
  const slow = slowPlugin()
  const applying = bot.apply({ ...withTeam(['bo', 'sue', 'cai']), features: [{ use: slow.plugin }] })
  await slow.reached
  await amy.call('POST /tokens/:token/revoke', { params: { token: token.id } })
  await amy.call('POST /people/:person/sign-out', { params: { person: 'bo' } })
  await bos.call('POST /sign-in', { body: { person: 'bo', password: PASSWORD } })
  const made = await amy.call('POST /tokens', { body: { name: 'erp', role: 'agent' } })
  await sues.call('POST /sign-in', { body: { person: 'sue', password: PASSWORD } })
  await sues.call('POST /sign-out')
  slow.goOn()
  await applying
  expect(await crm.refused('GET /me')).toBe('NOT_SIGNED_IN')
  expect(await bo.refused('GET /me')).toBe('NOT_SIGNED_IN')
  expect(await bos.call('GET /me')).toMatchObject({ name: 'bo' })
  expect(await screenOf(deskOf(bot), { token: made.secret }).call('GET /me')).toMatchObject({ name: 'erp' })
  expect(await sue.call('GET /me')).toMatchObject({ name: 'sue' })
  expect(await sues.refused('GET /me')).toBe('NOT_SIGNED_IN')
})
