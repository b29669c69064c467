import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import decodePng, { init as initPng } from '@jsquash/png/decode.js'
import { describe, expect, test, vi } from 'vitest'
import { type Capabilities, definePlugin, z } from '#core'
import { memoryChannel, type TestRuntime, testRuntime } from '#core/testing'
import { type Identities, identities as token } from '../../services/identities.ts'
import agentIdentity from './index.ts'
import { pictureOf } from './picture.ts'

const SUPPORT = {
  use: 'desk',
  people: { amy: { name: 'Amy Wong (1042)' }, bo: { name: 'Bo' }, cy: { name: 'Cy' } },
  teams: { presale: { members: ['amy', 'bo', 'cy'], assign: 'by-hand' } },
}
const SALES = { id: 'sales', name: 'Sales' }
const AVATAR = (type: string) => join(import.meta.dirname, '__fixtures__', `wide.${type}`)

type Settings = { readonly [setting: string]: unknown }

const configWith = (settings: Settings, more: Settings = {}) => ({
  bots: { parrot: { use: 'echo' } },
  desks: { support: SUPPORT },
  features: [
    { use: 'keyword-handoff', keywords: ['agent'], say: '' },
    { use: agentIdentity, identities: { sales: { name: 'Sales' } }, ...settings },
  ],
  ...more,
})

function channelThat(showsIdentity: Capabilities['showsIdentity']) {
  return memoryChannel({ capabilities: { showsIdentity } })
}

/** Fails to start where the configuration says so. */
const breaks = definePlugin({
  name: 'breaks',
  summary: 'Fails to start.',
  config: z.strictObject({ broken: z.boolean() }),
  setup({ config }) {
    if (config.broken) throw new Error('It was meant to fail.')
    return {}
  },
})

/** What an agent's message looks like to the channel. */
async function sentBy(bot: TestRuntime, person: string, user = 'u1') {
  await bot.user(user).says('agent')
  await bot.idle()
  const before = bot.channel.sent.length
  await bot.agent(person).takes(user)
  expect(await bot.agent(person).sends(user, 'Hello!')).toMatchObject({ ok: true })
  await bot.idle()
  const [delivery] = bot.channel.sent.slice(before)
  return delivery
}

/** Why this configuration is refused. */
async function problemsOf(settings: Settings, channel = memoryChannel()): Promise<string> {
  try {
    await (await testRuntime(configWith(settings), { channel }))[Symbol.asyncDispose]()
    return ''
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

describe('an agent', () => {
  test('C-ID-01: is seen under the assigned identity, never under the name they sign in with', async () => {
    await using bot = await testRuntime(configWith({ assign: { amy: 'sales' } }))
    expect(await sentBy(bot, 'amy')).toMatchObject({ identity: SALES, part: { text: 'Hello!' } })
    expect(JSON.stringify(bot.channel.sent)).not.toMatch(/amy/i)
  })

  test('C-ID-03: may share an identity with others; the journal still has who it was', async () => {
    await using bot = await testRuntime(configWith({ assign: { amy: 'sales', bo: 'sales' } }), { there: ['amy'] })
    expect(await sentBy(bot, 'amy', 'u1')).toMatchObject({ identity: SALES })
    expect(await sentBy(bot, 'bo', 'u2')).toMatchObject({ identity: SALES })
    const wrote = async (user: string) =>
      (await bot.entries(user)).filter(({ kind }) => kind === 'out').map(({ by_json }) => JSON.parse(by_json))
    expect([await wrote('u1'), await wrote('u2')]).toEqual([
      [{ kind: 'agent', person: 'amy' }],
      [{ kind: 'agent', person: 'bo' }],
    ])
  })

  test('C-ID-05: without an identity is sent without one, and nothing else is different', async () => {
    await using bot = await testRuntime(configWith({ assign: { amy: 'sales' } }))
    const [amys, cys] = [await sentBy(bot, 'amy', 'u1'), await sentBy(bot, 'cy', 'u2')]
    expect(cys?.identity).toBeUndefined()
    expect(cys?.part).toEqual(amys?.part)
  })

  test('has another one on another channel, and none where none is assigned', async () => {
    const second = memoryChannel({ name: 'second' })
    const identities = { sales: { name: 'Sales' }, amy: { name: 'Amy' } }
    const settings = { identities, assign: { amy: { memory: 'amy', other: 'sales' }, bo: { other: 'sales' } } }
    await using bot = await testRuntime(configWith(settings, { channels: { other: { use: second.plugin } } }))
    expect((await sentBy(bot, 'amy', 'u1'))?.identity).toMatchObject({ name: 'Amy' })
    expect((await sentBy(bot, 'bo', 'u2'))?.identity).toBeUndefined()
    const message = { id: '1', chat: 'u9', type: 'message', atMs: bot.clock.now(), grants: 'message' } as const
    await second.receive({ ...message, parts: [{ type: 'text', text: 'agent' }] })
    await bot.idle()
    const chat = (await bot.runtime.engine.findChat('second:second', 'u9')) ?? ''
    await bot.agent('amy').does({ type: 'take', chat })
    await bot.agent('amy').does({ type: 'send', chat, content: 'Hello!' })
    await bot.idle()
    expect(second.sent.at(-1)?.identity).toMatchObject({ name: 'Sales' })
  })

  test('C-ID-11: has a name in each language; where the platform shows none it stands in front, in the customer’s', async () => {
    const name = { 'zh-CN': '售前客服', en: 'Sales' }
    const settings = { identities: { sales: { name } }, assign: { amy: 'sales' } }
    await using shown = await testRuntime(configWith(settings))
    expect((await sentBy(shown, 'amy'))?.identity).toMatchObject({ name })
    const languages = { languages: ['en', 'zh-CN'] }
    await using bot = await testRuntime(configWith(settings, languages), { channel: channelThat('none') })
    bot.user('u1', { language: 'zh-CN' })
    bot.user('u2', { language: 'de' })
    expect(await sentBy(bot, 'amy', 'u1')).toMatchObject({ part: { text: '售前客服: Hello!' } })
    expect(await sentBy(bot, 'amy', 'u2')).toMatchObject({ part: { text: 'Sales: Hello!' } })
  })

  test('C-ID-12: has a second line only if one is set', async () => {
    const identities = { sales: { name: 'Sales', line2: { en: 'Online shop' } }, bo: { name: 'Bo' } }
    await using bot = await testRuntime(configWith({ identities, assign: { amy: 'sales', bo: 'bo' } }))
    expect((await sentBy(bot, 'amy', 'u1'))?.identity?.line2).toEqual({ en: 'Online shop' })
    expect(await sentBy(bot, 'bo', 'u2')).toMatchObject({ identity: { id: 'bo', name: 'Bo' } })
    expect(bot.channel.sent.at(-1)?.identity?.line2).toBeUndefined()
  })

  test('C-ID-13: where a channel shows none (a layout without faces), the channel is given none', async () => {
    await using bot = await testRuntime(configWith({ assign: { amy: 'sales' } }), { channel: channelThat('none') })
    const delivery = await sentBy(bot, 'amy')
    expect(delivery?.identity).toBeUndefined()
    expect(delivery?.part).toEqual({ type: 'text', text: 'Sales: Hello!' })
  })

  test('C-ID-13: and check tells so, at the first who would be seen; also of avatars on a channel without pictures', async () => {
    const notes = async (showsIdentity: Capabilities['showsIdentity'], settings: Settings) => {
      await using bot = await testRuntime(configWith(settings), { channel: channelThat(showsIdentity) })
      return bot.runtime.config.notes.map(({ path, what }) => `${path}: ${what}`)
    }
    const withAvatar = { identities: { sales: { name: 'Sales', avatar: AVATAR('png') } }, assign: { amy: 'sales' } }
    expect(await notes('none', { assign: { bo: { memory: 'sales' }, amy: 'sales' } })).toEqual([
      'features[1].assign.bo.memory: agent-identity: memory shows no names and faces, as it is set up here.',
    ])
    expect(await notes('none', { assign: { amy: 'sales' }, show: 'none' })).toEqual([])
    expect(await notes({ avatar: false }, withAvatar)).toEqual([
      'features[1].assign.amy: agent-identity: memory shows names without pictures, so no avatar is seen there.',
    ])
    expect(await notes({ avatar: false }, { assign: { amy: 'sales' } })).toEqual([])
    expect(await notes({ avatar: true }, withAvatar)).toEqual([])
  })

  test('C-LC-04: shows themselves, their team, or nothing', async () => {
    const identities = { sales: { name: 'Sales' }, amy: { name: 'Amy' } }
    const settings = { identities, assign: { amy: 'amy' }, teams: { presale: 'sales' } }
    const seen = async (show: unknown) => {
      await using bot = await testRuntime(configWith({ ...settings, show }))
      return (await sentBy(bot, 'amy'))?.identity?.name
    }
    expect(await seen('agent')).toBe('Amy')
    expect(await seen('team')).toBe('Sales')
    expect(await seen('none')).toBeUndefined()
    expect(await seen({ memory: 'team' })).toBe('Sales')
    expect(await seen({})).toBe('Amy')
  })
})

test('a bot has one too, and what nobody says in person has none', async () => {
  const settings = { bots: { parrot: 'robot' }, identities: { robot: { name: 'Robot' } } }
  await using bot = await testRuntime(configWith(settings, { texts: { handedOver: 'Wait.' } }))
  await bot.user('u1').says('hello').hears('echo: hello')
  expect(bot.channel.sent.at(-1)?.identity).toMatchObject({ name: 'Robot' })
  await using silent = await testRuntime(configWith({ ...settings, show: 'none' }))
  await silent.user('u1').says('hello').hears('echo: hello')
  expect(silent.channel.sent.at(-1)?.identity).toBeUndefined()
})

describe('what is declared', () => {
  test('C-ID-14: is not live before it is assigned: it is never sent, and explain lists it as unassigned', async () => {
    const identities = { sales: { name: { 'zh-CN': '售前', en: 'Sales' } }, spare: { name: 'Spare' } }
    const settings = { identities, assign: { amy: 'sales', bo: { memory: 'sales' } } }
    await using bot = await testRuntime(configWith(settings))
    expect(explained(bot)).toEqual([
      { identity: 'sales', name: '售前 / Sales', 'assigned to': 'amy, bo', 'seen on': 'memory' },
      { identity: 'spare', name: 'Spare', 'assigned to': 'unassigned', 'seen on': '' },
    ])
    await sentBy(bot, 'amy', 'u1')
    await sentBy(bot, 'cy', 'u2')
    expect(JSON.stringify(bot.channel.sent)).not.toContain('Spare')
  })

  test('is told with the channels that show no names, where it stands in front of the text', async () => {
    await using bot = await testRuntime(configWith({ assign: { amy: 'sales' } }), { channel: channelThat('none') })
    expect(explained(bot)).toMatchObject([{ 'assigned to': 'amy', 'seen on': 'memory (in front of the text)' }])
  })

  test('and assigned, but not shown, is told apart from what is unassigned; who borrows it is told the same', async () => {
    const settings = { assign: { amy: 'sales' }, bots: { parrot: 'robot' } }
    const identities = { sales: { name: 'Sales' }, robot: { name: 'Robot' }, spare: { name: 'Spare' } }
    const told = async (more: Settings) => {
      const channels = { other: { use: memoryChannel({ name: 'second' }).plugin } }
      const only = { for: ['memory'], ...more }
      await using bot = await testRuntime(configWith({ ...settings, identities, ...only }, { channels }))
      const seen = service(bot)
        .list('memory')
        .filter(({ isSeen }) => isSeen)
      return [explained(bot)?.map((row) => `${row['assigned to']}: ${row['seen on']}`), seen.map(({ id }) => id)]
    }
    expect(await told({ show: 'team' })).toEqual([
      ['amy: not on memory (show: team)', 'bot parrot: memory', 'unassigned: '],
      ['robot'],
    ])
    expect(await told({ show: 'none' })).toEqual([
      ['amy: not on memory (show: none)', 'bot parrot: not on memory (show: none)', 'unassigned: '],
      [],
    ])
    expect(await told({ show: 'team', teams: { presale: 'sales' } })).toEqual([
      ['amy, team presale: memory', 'bot parrot: memory', 'unassigned: '],
      ['sales', 'robot'],
    ])
    expect(await told({ assign: { amy: { other: 'sales' } } })).toEqual([
      ['amy: not on other (it does not run, or for: leaves it out)', 'bot parrot: memory', 'unassigned: '],
      ['robot'],
    ])
  })

  test('is lent to who provisions or shows it, with where it is seen', async () => {
    const identities = { sales: { name: 'Sales', line2: 'Shop' }, spare: { name: 'Spare' } }
    await using bot = await testRuntime(configWith({ identities, assign: { amy: 'sales' } }))
    const lent = service(bot)
    expect(lent.list('memory')).toEqual([
      { id: 'sales', name: 'Sales', line2: 'Shop', avatarUrl: undefined, isSeen: true },
      { id: 'spare', name: 'Spare', line2: undefined, avatarUrl: undefined, isSeen: false },
    ])
    expect(lent.seenAs({ kind: 'agent', person: 'amy' }, { channel: 'memory' })).toMatchObject({ id: 'sales' })
    expect(lent.seenAs({ kind: 'agent', person: 'bo' }, { channel: 'memory' })).toBeUndefined()
  })

  test('C-ID-09: may have 16 characters as people count them, where a channel says so; a 17th is refused, and nothing cut off', async () => {
    const narrow = () => channelThat({ avatar: true, maxGraphemes: 16 })
    const named = (name: unknown, assign: unknown = { amy: 'sales' }) =>
      problemsOf({ identities: { sales: { name } }, assign }, narrow())
    expect(await named('汉'.repeat(16))).toBe('')
    expect(await named('汉'.repeat(17))).toContain(
      `agent-identity: "${'汉'.repeat(17)}" has 17 characters, and memory shows at most 16 of a name.`,
    )
    const family = '👨‍👩‍👧‍👦'
    expect(await named(family.repeat(16))).toBe('')
    expect(await named(family.repeat(17))).toContain('has 17 characters')
    expect(await named('é'.repeat(16))).toBe('')
    expect(await named({ en: 'Sales', 'zh-CN': '售'.repeat(17) })).toMatch(/name\.zh-CN.*has 17 characters/s)
    // Nobody is seen under it there.
    expect(await named('汉'.repeat(17), {})).toBe('')
    await using bot = await testRuntime(
      configWith({ identities: { sales: { name: '汉'.repeat(16) } }, assign: { amy: 'sales' } }),
      { channel: narrow() },
    )
    expect((await sentBy(bot, 'amy'))?.identity?.name).toBe('汉'.repeat(16))
  })

  test('C-ID-04: may be as many on a channel as its account takes', async () => {
    const most = { avatar: true, perAccount: 2 } as const
    const identities = Object.fromEntries(['a', 'b', 'c'].map((id) => [id, { name: id }]))
    expect(await problemsOf({ identities, assign: { amy: 'a', bo: 'b' } }, channelThat(most))).toBe('')
    expect(await problemsOf({ identities, assign: { amy: 'a', bo: 'b', cy: 'c' } }, channelThat(most))).toMatch(
      /assign\.cy .*3 identities are assigned on memory, and its account takes 2\./s,
    )
    const elsewhere = { assign: { amy: { memory: 'a' } }, bots: { parrot: 'b' }, teams: { presale: 'c' } }
    expect(await problemsOf({ identities, ...elsewhere }, channelThat(most))).toBe('')
    expect(
      await problemsOf(
        { identities, ...elsewhere, show: { memory: 'team' } },
        channelThat({ avatar: true, perAccount: 1 }),
      ),
    ).toMatch(/bots\.parrot .*2 identities/s)
    expect(await problemsOf({ identities, assign: { amy: 'a', bo: 'b', cy: 'b' } }, channelThat(most))).toBe('')
  })

  test('must be there when it is assigned, and must have a name', async () => {
    expect(await problemsOf({ assign: { amy: 'saels' } })).toMatch(
      /assign\.amy .*no identity "saels".*Write one of sales/s,
    )
    expect(await problemsOf({ assign: { amy: { memory: 'saels' } } })).toMatch(/assign\.amy\.memory .*"saels"/s)
    expect(await problemsOf({ identities: { sales: { name: { en: 'Sales', 'zh-CN': ' ' } } } })).toContain(
      'name is empty',
    )
    expect(await problemsOf({ assign: { zoe: 'sales' } })).toContain('zoe')
  })

  test('cannot change what stands behind it, nor look like nothing', async () => {
    const named = (name: unknown, line2: unknown = 'Shop') => problemsOf({ identities: { sales: { name, line2 } } })
    expect(await named('Sa\nles')).toMatch(/name .*There is a line break or an invisible sign \(U\+000A\)/s)
    expect(await named({ en: 'Sales', 'zh-CN': '售前\u202e' })).toMatch(/name\.zh-CN .*U\+202E/s)
    expect(await named('Sales', 'Shop\u2028')).toMatch(/line2 .*U\+2028/s)
    expect(await named('\u001b[31mSales')).toContain('U+001B')
    expect(await named('\u200b')).toContain('The name is empty')
    expect(await named('👨‍👩‍👧‍👦 café 🏴󠁧󠁢󠁥󠁮󠁧󠁿')).toBe('')
  })
})

describe('an avatar', () => {
  const settings = (avatar: string, more: Settings = {}) => ({
    identities: { sales: { name: 'Sales', avatar } },
    assign: { amy: 'sales' },
    ...more,
  })
  const get = (bot: TestRuntime, url: string | undefined) => fetch(`${bot.runtime.url}${new URL(url ?? '').pathname}`)

  test.each(['png', 'jpg', 'webp'])(
    '(%s) comes as square copies of 96 and 192 pixels, to everybody, and may be kept',
    async (type) => {
      const server = { port: 0, publicUrl: 'http://localhost', token: 'a-token-that-nobody-has' }
      await using bot = await testRuntime(configWith(settings(AVATAR(type)), { server }), { listen: true })
      const url = (await sentBy(bot, 'amy'))?.identity?.avatarUrl
      const [large, small] = await Promise.all([get(bot, url), get(bot, url?.replace('-192.', '-96.'))])
      expect(large.status).toBe(200)
      expect(Object.fromEntries(large.headers)).toMatchObject({
        'content-type': 'image/png',
        'x-content-type-options': 'nosniff',
        'cache-control': 'public, max-age=31536000, immutable',
        'cross-origin-resource-policy': 'cross-origin',
      })
      const copy = await large.bytes()
      expect(pictureOf(copy)).toEqual({ type: 'png', width: 192, height: 192 })
      // The red at both sides is gone, and the whole of the middle is there: blue, with a black corner.
      const colours = await Promise.all([colourAt(copy, 4, 4), colourAt(copy, 4, 188), colourAt(copy, 188, 100)])
      expect(colours).toEqual(['black', 'blue', 'blue'])
      expect(pictureOf(await small.bytes())).toEqual({ type: 'png', width: 96, height: 96 })
      expect(pictureOf((await service(bot).avatar('sales', 96)) ?? new Uint8Array())).toMatchObject({ width: 96 })
      expect((await get(bot, url?.replace('-192.', '-48.'))).status).toBe(404)
      expect((await get(bot, url?.replace(/[0-9a-f]{32}/, '0'.repeat(32)))).status).toBe(404)
    },
  )

  const HOUR_MS = 3_600_000
  const countOf = async (bot: TestRuntime, table: string) => (await bot.rows('agent-identity', table)).length

  test('is made once, and kept over a restart', async () => {
    await using bot = await testRuntime(configWith(settings(AVATAR('png'))))
    const made = await service(bot).avatar('sales', 192)
    const rows = await bot.rows('agent-identity', 'copy')
    expect(rows).toMatchObject([{ pixels: 96 }, { pixels: 192 }])
    await bot.restart()
    expect(await bot.rows('agent-identity', 'copy')).toEqual(rows)
    expect(await service(bot).avatar('sales', 192)).toEqual(made)
  })

  test.each(['png', 'jpg'])(
    '(%s) is lent as a JPEG of 640 pixels too, for platforms that keep their own',
    async (type) => {
      const identities = { sales: { name: 'Sales', avatar: AVATAR(type) }, bare: { name: 'Bare' } }
      await using bot = await testRuntime(configWith({ identities, assign: { amy: 'sales' } }))
      const portrait = await service(bot).portrait('sales')
      expect(portrait && pictureOf(portrait)).toEqual({ type: 'jpeg', width: 640, height: 640 })
      expect(await service(bot).portrait('bare')).toBeUndefined()
    },
  )

  test('is still there for the messages that were sent with it, asked for before or not, as long as these are kept', async () => {
    const kept = { server: { port: 0, publicUrl: 'http://localhost' }, keep: { messages: '2h' } }
    await using bot = await testRuntime(configWith(settings(AVATAR('png')), kept), { listen: true })
    const url = (await sentBy(bot, 'amy'))?.identity?.avatarUrl
    await bot.apply(configWith(settings(AVATAR('jpg')), kept))
    expect((await get(bot, url)).status).toBe(200)
    await bot.advance(2 * HOUR_MS)
    expect((await get(bot, url)).status).toBe(200)
    await bot.advance(2 * HOUR_MS)
    expect((await get(bot, url)).status).toBe(404)
    expect([await countOf(bot, 'picture'), await countOf(bot, 'copy')]).toEqual([1, 0])
    const now = (await sentBy(bot, 'amy', 'u2'))?.identity?.avatarUrl
    expect((await get(bot, now)).status).toBe(200)
  })

  test('survives a reload that is rolled back', async () => {
    const config = (type: string, broken: boolean) => {
      const { features, ...rest } = configWith(settings(AVATAR(type)))
      return { ...rest, features: [...features, { use: breaks, broken }] }
    }
    await using bot = await testRuntime(config('png', false))
    const made = await service(bot).avatar('sales', 192)
    await expect(bot.apply(config('jpg', true))).rejects.toThrow('It was meant to fail.')
    expect(await service(bot).avatar('sales', 192)).toEqual(made)
  })

  test('that took too long is tried again, but not at once', async () => {
    await using bot = await testRuntime(configWith(settings(AVATAR('png'))))
    const asked = service(bot).avatar('sales', 96)
    // Its time is over before the thread has begun.
    await vi.waitFor(async () => {
      await bot.clock.advance(20_000)
      expect(bot.logged.join('\n')).toContain('The avatar of sales cannot be read')
    }, 10_000)
    expect(await asked).toBeUndefined()
    expect(await service(bot).avatar('sales', 96)).toBeUndefined()
    await bot.clock.advance(60_000)
    expect(await service(bot).avatar('sales', 96)).toBeDefined()
  })

  test('that is being made when it stops is no error', async () => {
    const logged: readonly string[] = await (async () => {
      await using bot = await testRuntime(configWith(settings(AVATAR('png'))))
      void service(bot).avatar('sales', 96)
      await bot.clock.advance(0)
      return bot.logged
    })()
    expect(logged.filter((line) => line.includes('agent-identity'))).toEqual([])
  })

  test('that is no picture, too large a file, or too many pixels, is refused before the start', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-avatars-'))
    const file = (name: string, bytes: Uint8Array | string) => {
      writeFileSync(join(folder, name), bytes)
      return problemsOf(settings(join(folder, name)))
    }
    const png = new Uint8Array(readFileSync(AVATAR('png')))
    expect(await file('page.png', '<script>alert(1)</script>')).toMatch(/avatar .*no PNG, JPEG or WebP picture/s)
    expect(await file('cut.png', png.slice(0, 20))).toContain('no PNG, JPEG or WebP picture')
    expect(await file('empty.png', '')).toContain('no PNG, JPEG or WebP picture')
    expect(await file('big.png', Buffer.concat([png, Buffer.alloc(2 * 1024 * 1024)]))).toContain('may have 2 MB')
    const huge = png.slice()
    new DataView(huge.buffer).setUint32(16, 40_000)
    expect(await file('huge.png', huge)).toContain('40000 × 200 pixels')
    expect(await problemsOf(settings(join(folder, 'none.png')))).toContain('is not there')
    // Its name does not count.
    expect(await file('really-a-png.gif', png)).toBe('')
    await rm(folder, { recursive: true })
  })

  test('that turns out to be broken is not there, and the log says whose it is', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-avatars-'))
    const broken = join(folder, 'broken.png')
    writeFileSync(broken, readFileSync(AVATAR('png')).subarray(0, 400))
    await using bot = await testRuntime(configWith(settings(broken)), { listen: true })
    const url = (await sentBy(bot, 'amy'))?.identity?.avatarUrl
    expect((await get(bot, url)).status).toBe(404)
    expect((await get(bot, url)).status).toBe(404)
    expect(bot.logged.filter((line) => line.includes('The avatar of sales cannot be read'))).toHaveLength(1)
    await rm(folder, { recursive: true })
  })
})

test.each(['png', 'jpg', 'webp'])('a picture (%s) says what it is and how large', (type) => {
  const bytes = new Uint8Array(readFileSync(AVATAR(type)))
  expect(pictureOf(bytes)).toEqual({ type: type === 'jpg' ? 'jpeg' : type, width: 300, height: 200 })
  // Wherever it is cut off, nothing breaks.
  for (let end = 0; end < bytes.length; end++) pictureOf(bytes.subarray(0, end))
})

/** The name of the colour that comes nearest. */
async function colourAt(png: Uint8Array, x: number, y: number): Promise<string | undefined> {
  await initPng(readFileSync(fileURLToPath(import.meta.resolve('@jsquash/png/codec/pkg/squoosh_png_bg.wasm'))))
  const { data, width } = Pixels.parse(await decodePng(new Uint8Array(png).buffer))
  const [red = 0, green = 0, blue = 0] = data.subarray((y * width + x) * 4)
  const near = (...wanted: readonly number[]) =>
    [red, green, blue].every((value, i) => Math.abs(value - (wanted[i] ?? 0)) < 40)
  if (near(0, 0, 0)) return 'black'
  if (near(0, 128, 255)) return 'blue'
  return near(255, 0, 0) ? 'red' : `${red} ${green} ${blue}`
}
const Pixels = z.object({ data: z.instanceof(Uint8ClampedArray), width: z.number() })
Object.assign(globalThis, {
  ImageData: class {
    readonly data: Uint8ClampedArray
    readonly width: number
    constructor(data: Uint8ClampedArray, width: number) {
      this.data = data
      this.width = width
    }
  },
})

/** What `switchboard explain identities` tells. */
function explained({ runtime }: TestRuntime) {
  const own = runtime.config.features.find(({ plugin }) => plugin === agentIdentity)
  const all = runtime.config.channels.filter(({ name }) => own?.for?.includes(name) ?? true)
  const channels = Object.fromEntries(all.map(({ name, capabilities }) => [name, capabilities]))
  return agentIdentity.explain(own?.settings, channels).identities
}

/** What a borrower gets of it. */
function service(bot: TestRuntime): Identities {
  const lent = bot.runtime.instance('agent-identity')?.services.get(token.name)
  if (!isIdentities(lent)) throw new Error('It lends no identities.')
  return lent
}

function isIdentities(lent: unknown): lent is Identities {
  return typeof lent === 'object' && lent !== null && 'list' in lent && 'seenAs' in lent && 'avatar' in lent
}
