/** What is kept, for how long, and what is never kept at all. */
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Context, definePlugin, z } from '#core'
import { makeLog, type TestConfig, type TestRuntime, testRuntime } from '#core/testing'
import { signIdentity } from './identity.ts'
import web from './index.ts'
import { SECRET } from './simulated-platform.ts'
import { siteOf, visit, visitorWith } from './simulated-visitor.ts'

const DAY = 24 * 60 * 60 * 1000

function config(settings: { readonly [setting: string]: unknown } = {}, more: TestConfig = {}): TestConfig {
  return { channels: { site: { use: web, ...settings } }, bots: { parrot: { use: 'echo' } }, ...more }
}
const start = (settings = {}, more: TestConfig = {}) => testRuntime(config(settings, more), { listen: true })

const AMY = { kind: 'agent', person: 'amy' } as const
type Customers = Context<unknown, unknown>['customers']
let lent: Customers | undefined
/** Lends what the desk erases by. */
const eraser = definePlugin({
  name: 'eraser',
  summary: 'Erases.',
  config: z.strictObject({}),
  setup({ customers }) {
    lent = customers
    return {}
  },
})
function erasing(): Customers {
  if (!lent) throw new Error('It has not been set up.')
  return lent
}

/** Goes on in steps that the hourly job sees. */
async function pass(bot: TestRuntime, days: number): Promise<void> {
  for (let day = 0; day < days; day += 5) {
    bot.clock.jump(bot.clock.now() + 5 * DAY)
    await bot.clock.advance(60 * 60 * 1000)
  }
}

describe('the log', () => {
  test('forgets what is too old, and goes on with its numbers', async () => {
    await using bot = await start({ keep: '30d' })
    const anna = await visit(siteOf(bot))
    for (const text of ['one', 'two', 'three']) await anna.says(text)
    await bot.idle()
    const bodies = async () => JSON.stringify(await bot.rows('site', 'log'))
    expect(await bodies()).toContain('three')
    await pass(bot, 40)
    // Nothing of what was said is left, not even in the row that keeps the number.
    await expect.poll(bodies).not.toMatch(/one|two|three/)
    const back = await visit(siteOf(bot), anna.token)
    expect(await back.log()).toEqual([])
  })

  test('shows to who comes back what is left, without a gap', async () => {
    await using bot = await start({ keep: '30d' })
    const anna = await visit(siteOf(bot))
    await anna.says('long ago')
    await bot.idle()
    await pass(bot, 20)
    const { token } = await (await anna.looks()).until('hello')
    const back = visitorWith(siteOf(bot), token ?? anna.token)
    await back.says('lately')
    await bot.idle()
    await pass(bot, 15)
    await expect.poll(async () => (await back.log()).map(({ seq }) => seq)).toEqual([3, 4])
    const looking = await back.looks({ after: 1 })
    await looking.untilItems(2)
    expect(looking.frames.map((frame) => (frame.type === 'item' ? frame.item.seq : frame.type))).toEqual([
      'hello',
      'skip',
      3,
      4,
    ])
    expect(looking.frames[1]).toEqual({ type: 'skip', from: 3 })
    const older = await back.page('?before=4')
    expect([older.items.map(({ seq }) => seq), older.more]).toEqual([[3], false])
    await pass(bot, 5)
    const last = await visit(siteOf(bot), back.token)
    await pass(bot, 15)
    await expect.poll(async () => (await last.page()).items).toEqual([])
    const later = await last.looks()
    expect((await later.until('skip')).from).toBe(5)
  })

  test('is not outlived by who it was', async () => {
    await using bot = await start({ keep: '30d', identify: { secret: SECRET } })
    const [anna, li] = [await visit(siteOf(bot)), await visit(siteOf(bot))]
    const identityOf = (id: string) =>
      signIdentity(SECRET, { id, name: `I am ${id}`, expires: bot.clock.now() / 1000 + 60 })
    await anna.signsIn(identityOf('anna'))
    const signedIn = await li.signsIn(identityOf('li'))
    await signedIn.says('hello')
    await signedIn.post('v1/read', { seq: 1 })
    await bot.idle()
    expect(await bot.rows('site', 'visitor')).not.toEqual([])
    await pass(bot, 35)
    // Of Li’s chat the number stays, and that it is his, in a way that says nothing of him.
    await expect.poll(() => bot.rows('site', 'visitor')).toHaveLength(1)
    expect(await bot.rows('site', 'visitor')).toMatchObject([{ name: null, identity: null }])
    expect(JSON.stringify(await bot.rows('site', 'visitor'))).not.toMatch(/I am|web:/)
  })

  test('that is forgotten leaves its chat to whose it was, and to nobody else', async () => {
    await using bot = await start({ keep: '30d', identify: { secret: SECRET } })
    const site = siteOf(bot)
    const identityOf = (id: string) => signIdentity(SECRET, { id, expires: bot.clock.now() / 1000 + 60 })
    const before = await (await visit(site)).signsIn(identityOf('anna'))
    await before.says('hello from Anna')
    await bot.idle()
    let anna = before
    for (let day = 0; day < 40; day += 5) {
      await pass(bot, 5)
      anna = await anna.signsIn(identityOf('anna'))
    }
    await expect.poll(() => anna.log()).toEqual([])
    expect(anna.chat).toBe(before.chat)
    const li = await anna.signsIn(identityOf('li'))
    await li.says('I am Li, this is private')
    await bot.idle()
    expect(li.chat).not.toBe(anna.chat)
    expect((await (await visit(site)).signsIn(identityOf('anna'))).chat).toBe(anna.chat)
    expect(await anna.log()).toEqual([])
  })

  test('is erased with its customer, and so is who it was; what they write then begins behind it', async () => {
    await using bot = await start({ identify: { secret: SECRET } }, { features: [{ use: eraser }] })
    const identity = signIdentity(SECRET, { id: 'anna', name: 'I am Anna', expires: bot.clock.now() / 1000 + 60 })
    const anna = await (await visit(siteOf(bot))).signsIn(identity)
    const bo = await visit(siteOf(bot))
    for (const who of [anna, bo]) await who.says(who === anna ? 'my secret' : 'of Bo')
    await bot.idle()
    const customers = await bot.runtime.engine.read.selectFrom('chat').selectAll().execute()
    const of = (chat: string) => customers.find(({ external_id }) => external_id === chat)
    await bot.runtime.command({ id: '1', type: 'close', chat: of(anna.chat)?.id ?? '', by: AMY, because: 'solved' })
    await bot.idle()
    const { erase, kept } = erasing()
    expect(await kept(of(anna.chat)?.customer ?? '')).toMatchObject({ site: [{ name: 'I am Anna' }] })
    expect(await erase(of(anna.chat)?.customer ?? '')).toMatchObject({ state: 'erased' })
    const all = JSON.stringify([await bot.rows('site', 'log'), await bot.rows('site', 'visitor')])
    expect(all).not.toMatch(/secret|I am Anna/)
    expect(all).toContain('of Bo')
    await bot.advance(1)
    await anna.says('again')
    await bot.idle()
    expect((await anna.log()).map(({ seq }) => seq)[0]).toBeGreaterThan(2)
    expect(JSON.stringify(await anna.log())).toContain('echo: again')
  })

  test('has a message once, also when it comes again after months', async () => {
    await using bot = await start()
    const anna = await visit(siteOf(bot))
    await anna.says('hello', { id: 'message-1' })
    await bot.idle()
    for (let month = 0; month < 8; month++) {
      await pass(bot, 30)
      const back = await visit(siteOf(bot), anna.token)
      expect(await back.says('hello', { id: 'message-1' })).toEqual({ seq: 1 })
    }
    await bot.idle()
    expect(await bot.rows('site', 'log')).toHaveLength(2)
    const { read } = bot.runtime.engine
    expect(
      await read.selectFrom('entry').select('id').where('type', '=', 'message').where('kind', '=', 'in').execute(),
    ).toHaveLength(1)
  })
})

// ── what the visitor's surroundings are ─────────────────────────────────────────────────────

describe('the surroundings of a visitor', () => {
  const MARKS = {
    ip: '203.0.113.77',
    region: 'Antarctica/Troll',
    browser: 'MarkedBrowser/77.7',
    page: 'https://marked-page.example/path-77',
    referrer: 'https://marked-referrer.example/from-77',
  }
  const WHATS = ['ip', 'region', 'browser', 'page', 'referrer'] as const

  /** A whole visit that shows all of it in every request; gives all that is then on disk or was logged. */
  async function visited(
    collect: readonly (typeof WHATS)[number][],
  ): Promise<{ readonly kept: string; readonly fields: object }> {
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-web-'))
    const logged: string[] = []
    const log = makeLog({ level: 'debug', stream: { write: (line: string) => void logged.push(line) } })
    const server = { port: 0, publicUrl: 'http://localhost', trustProxy: true }
    let fields = {}
    try {
      await using bot = await testRuntime(config({ collect }, { server }), { listen: true, folder, log })
      const { token } = await visit(siteOf(bot))
      const headers = {
        authorization: `Bearer ${token}`,
        'x-forwarded-for': MARKS.ip,
        'user-agent': MARKS.browser,
        referer: `${MARKS.page}?session=secret-77`,
      }
      const ask = (path: string, init: RequestInit = {}) =>
        fetch(`${siteOf(bot)}/${path}`, {
          ...init,
          headers: { ...headers, ...Object.fromEntries(new Headers(init.headers)) },
        })
      const post = (path: string, body: object) =>
        ask(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
      const surroundings = {
        language: 'en',
        page: `${MARKS.page}?session=secret-77#top`,
        referrer: `${MARKS.referrer}?q=secret-77`,
        timeZone: MARKS.region,
      }
      expect((await post('v1/session', { token })).status).toBe(200)
      expect((await post('v1/messages', { id: 'message-1', text: 'hello', ...surroundings })).status).toBe(200)
      expect((await post('v1/messages', { id: 'message-2', text: '', ...surroundings })).status).toBe(400)
      expect((await post('v1/read', { seq: 1 })).status).toBe(204)
      expect((await post('v1/typing', {})).status).toBe(204)
      expect((await ask('v1/files?name=a.txt', { method: 'POST', body: 'x' })).status).toBe(200)
      expect((await ask('v1/nothing')).status).toBe(404)
      await bot.idle()
      const [customer] = await bot.runtime.engine.read.selectFrom('customer').select('fields_json').execute()
      fields = JSON.parse(customer?.fields_json ?? '{}')
      await bot.runtime.stop()
      return { kept: [...logged, ...filesIn(folder)].join('\n'), fields }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  function filesIn(folder: string): readonly string[] {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((file) => file.isFile())
      .map((file) => readFileSync(join(file.parentPath, file.name), 'latin1'))
  }

  test('C-CU-12: are not kept anywhere when nothing is to be collected', async () => {
    const { kept, fields } = await visited([])
    expect(kept).toContain('echo: hello')
    for (const mark of [...Object.values(MARKS), 'marked-page', 'marked-referrer', 'secret-77'])
      expect(kept).not.toContain(mark)
    expect(fields).toEqual({})
  })

  test.each(WHATS)('are kept where the YAML says so, and no other: %s', async (what) => {
    const { kept, fields } = await visited([what])
    expect(fields).toEqual({ [what]: MARKS[what] })
    for (const [other, mark] of Object.entries(MARKS))
      expect([other, kept.includes(mark)]).toEqual([other, other === what])
    expect(kept).not.toContain('secret-77')
  })
})

test('no token and no key ever stands in the log', async () => {
  const logged: string[] = []
  const log = makeLog({ level: 'debug', stream: { write: (line: string) => void logged.push(line) } })
  await using bot = await testRuntime(config(), { listen: true, log })
  const anna = await visit(siteOf(bot))
  const looking = await anna.looks()
  await anna.says('hello')
  await looking.untilItems(2)
  await anna.ask('v1/events?after=x')
  await visitorWith(siteOf(bot), `${anna.token}x`).ask('v1/events')
  await bot.idle()
  const [{ key } = { key: '' }] = await bot.runtime.engine
    .tablesOf<{ signing: { key: string } }>('site')
    .selectFrom('signing')
    .select('key')
    .execute()
  expect(key.length).toBeGreaterThan(40)
  for (const secret of [key, anna.token, anna.token.split('.')[3] ?? ''])
    expect(logged.join('\n')).not.toContain(secret)
})
