/** What the runtime gets from a good file, and what it can compare at a reload. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type CheckedConfig, type CheckOptions, checkConfig } from '../../core/config/check.ts'
import { formatProblems, type Problem, problemsAsJson } from '../../core/config/report.ts'
import { defineBot, definePlugin, duration, hours, refers, secret, z } from '../../core/index.ts'

const shipped = resolve('test/config/plugins')
const env = { WIRE_SECRET: 'a-secret-from-the-environment' }
const folder = mkdtempSync(join(tmpdir(), 'switchboard-check-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'switchboard.yaml')

const shop = `channels:
  shop:
    use: wire
    appId: wx1234567890
    appSecret: \${WIRE_SECRET}
`
const rest = `bots:
  faq: { use: parrot }
routes:
  - { from: shop, mode: bot-only, bot: faq }
`

async function check(text: string, options: CheckOptions = {}): Promise<CheckedConfig> {
  const checked = await checkConfig(file, { shipped, env, text, ...options })
  if (!checked.ok) throw new Error(formatProblems(checked.problems))
  return checked.config
}

async function problems(text: string, options: CheckOptions = {}): Promise<readonly Problem[]> {
  const checked = await checkConfig(file, { shipped, env, text, ...options })
  return checked.ok ? [] : checked.problems
}

const codes = async (text: string, options: CheckOptions = {}) =>
  (await problems(text, options)).map(({ code, path }) => `${path} ${code}`)

describe('a good file', () => {
  test('gives everything with its default', async () => {
    const config = await check(shop + rest)
    expect(config).toMatchObject({
      file,
      folder,
      server: { port: 8080, host: '127.0.0.1', publicUrl: 'http://localhost:8080', trustProxy: false },
      storage: { folder: join(folder, 'data') },
      languages: ['zh-CN', 'en'],
      timeZone: 'UTC',
      limits: { drainForMs: 30_000 },
      features: [],
      desks: [],
      parked: [],
      down: [],
      routes: [{ name: 'routes[0]', mode: 'bot-only', from: ['shop'], bots: ['faq'], collectMs: 0, line: 9 }],
    })
    expect(config.keep.dedupeMs).toBe(72 * 3_600_000)
    expect(config.texts.offline).toMatchObject({ 'zh-CN': expect.any(String), en: expect.any(String) })
    expect(config.revision.text).toBe(shop + rest)
    expect(config.revision.hash).toMatch(/^[0-9a-f]{64}$/)
  })

  test('gives each instance with its parsed settings, its place and what the core asks of its kind', async () => {
    const config = await check(`${shop}    answer: inline\n    reserve: 2\n    pollEvery: 10s\n${rest}`)
    expect(config.channels[0]).toMatchObject({
      kind: 'channel',
      name: 'shop',
      use: 'wire',
      account: 'wire:wx1234567890',
      answer: 'inline',
      onUnknown: 'leave',
      reserve: 2,
      settings: { appId: 'wx1234567890', appSecret: env.WIRE_SECRET, retries: 3, pollEvery: 10_000, verified: false },
      capabilities: { sends: { text: { maxBytes: 2048 } } },
      path: ['channels', 'shop'],
      line: 2,
      dependsOn: [],
    })
    expect(config.lineOf(['channels', 'shop', 'pollEvery'])).toBe(8)
    expect(config.lineOf(['channels', 'shop', 'verified'])).toBe(2)
  })

  test('keeps the order of the YAML, for instances and for who lends to whom', async () => {
    const features = 'features:\n  - use: tidy\n  - use: lender\n  - { use: rules, name: greeting, for: [shop] }\n'
    const config = await check(shop + rest + features)
    expect(config.features.map(({ name, dependsOn, for: only }) => [name, dependsOn, only])).toEqual([
      ['tidy', ['lender'], undefined],
      ['lender', [], undefined],
      ['greeting', [], ['shop']],
    ])
  })

  test('an operator’s text stands in for the built-in one, and an empty one says nothing', async () => {
    const config = await check(`${shop}${rest}texts:\n  fallback: ''\n  unknown: { en: Pardon? }\n`)
    expect(config.texts.fallback).toBe('')
    expect(config.texts.unknown).toEqual({ en: 'Pardon?' })
  })

  test('keys can be shared by anchors', async () => {
    const site = '  site:\n    <<: *shop\n    appId: wx2\n'
    const config = await check(
      shop.replace('shop:', 'shop: &shop') + site + rest.replace('from: shop', 'from: [shop, site]'),
    )
    expect(config.channels.map(({ account }) => account)).toEqual(['wire:wx1234567890', 'wire:wx2'])
  })

  test('a variable may stand for a number or for true and false', async () => {
    const text = `server: { port: "\${PORT}" }\n${shop}    verified: \${VERIFIED}\n    retries: \${RETRIES}\n${rest}`
    const config = await check(text, { env: { ...env, PORT: '9090', VERIFIED: 'true', RETRIES: '5' } })
    expect(config.server.port).toBe(9090)
    expect(config.channels[0]?.settings).toMatchObject({ verified: true, retries: 5 })
    expect(await codes(text, { env: { ...env, PORT: 'http', VERIFIED: 'true', RETRIES: '5' } })).toEqual([
      'server.port CONFIG_WRONG_TYPE',
    ])
  })

  test('a parked entry is not loaded, and what it says is left alone', async () => {
    const parked = `  spare:\n    use: not-there-yet\n    enabled: false\n    secret: \${NOT_SET}\n`
    const config = await check(shop + parked + rest.replace('from: shop', 'from: [shop, spare]'))
    expect(config.parked).toEqual([{ kind: 'channel', name: 'spare', line: 6 }])
    expect(config.channels.map(({ name }) => name)).toEqual(['shop'])
    expect(config.routes[0]?.from).toEqual(['shop'])
  })
})

describe('what is parked or not known', () => {
  const desk = `desks:
  support:
    use: office
    people: { amy: { name: Amy } }
    teams: { presale: { members: [amy] } }
`
  const faces = 'features:\n  - use: faces\n    identities: { sales: { name: Sales } }\n    assign: { amy: sales }\n'

  test('people of a parked desk may still be referred to', async () => {
    const config = await check(shop + rest + desk.replace('office', 'office\n    enabled: false') + faces)
    expect(config.desks).toEqual([])
    expect(config.features[0]?.settings).toMatchObject({ assign: { amy: 'sales' } })
  })

  test('people are not compared while their desk has problems of its own', async () => {
    expect(await codes(shop + rest + desk.replace('name: Amy', 'nam: Amy') + faces)).toEqual([
      'desks.support.people.amy.nam CONFIG_UNKNOWN_KEY',
    ])
  })

  test('the core’s own keys may come from variables too', async () => {
    const text = `${shop}    reserve: \${RESERVE}\n    enabled: \${RUNS}\n${rest}`
    const config = await check(text, { env: { ...env, RESERVE: '2', RUNS: 'true' } })
    expect(config.channels[0]?.reserve).toBe(2)
    expect((await check(text, { env: { ...env, RESERVE: '2', RUNS: 'false' } })).parked).toHaveLength(1)
  })

  test('a plugin that is given directly must fit its section too', async () => {
    const plugins = {
      odd: definePlugin({ name: 'odd', summary: 'A feature.', config: z.strictObject({}), setup: () => ({}) }),
    }
    expect(await codes(shop + rest.replace('parrot', 'odd'), { plugins })).toEqual([
      'bots.faq.use CONFIG_WRONG_SECTION',
    ])
  })
})

describe('at a reload', () => {
  const fingerprint = async (text: string, options: CheckOptions = {}) =>
    (await check(text, options)).channels[0]?.fingerprint

  test('an instance is the same as long as nothing it was given has changed', async () => {
    const before = await fingerprint(shop + rest)
    expect(await fingerprint(`# a remark\n${shop}    answer: inline\n${rest}features:\n  - use: lender\n`)).toBe(before)
    expect(await fingerprint(`${shop}    retries: 4\n${rest}`)).not.toBe(before)
    expect(await fingerprint(shop + rest, { env: { WIRE_SECRET: 'another-secret' } })).not.toBe(before)
    expect(await fingerprint(`timeZone: Asia/Shanghai\n${shop}${rest}`)).not.toBe(before)
    expect(await fingerprint(`server: { publicUrl: https://chat.example.com }\n${shop}${rest}`)).not.toBe(before)
    expect(await fingerprint(`server: { trustProxy: true }\n${shop}${rest}`)).not.toBe(before)
    expect(await fingerprint(`http: { allow: [bot.internal] }\n${shop}${rest}`)).not.toBe(before)
  })

  test('the whole is the same as long as its text, its files and its variables are', async () => {
    writeFileSync(join(folder, 'menu.json'), '{}')
    const text = `server: { publicUrl: "\${URL}" }\n${shop}    menu: ./menu.json\n${rest}`
    const whole = async (url: string, more = '') =>
      (await check(`${text}${more}`, { env: { ...env, URL: url, OTHER: url } })).fingerprint
    const before = await whole('http://a.example')
    expect(await whole('http://a.example')).toBe(before)
    expect(await whole('http://b.example')).not.toBe(before)
    expect(await whole('http://a.example', '# a remark')).not.toBe(before)
    writeFileSync(join(folder, 'menu.json'), '{ "button": [] }')
    expect(await whole('http://a.example')).not.toBe(before)
  })

  test('a route is the same wherever it stands, and another one as soon as it says something else', async () => {
    const channels = `${shop}  more: { use: wire, appId: wx2, appSecret: "\${MORE}" }\nbots:\n  faq: { use: parrot }\n`
    const idOf = async (routes: string, more = 'a-secret-too') => {
      const options = { env: { ...env, MORE: more }, ifVariableMissing: 'channel-down' } as const
      const { routes: all } = await check(`${channels}routes:\n${routes}`, options)
      return all.find(({ from }) => from.includes('shop'))?.id
    }
    const route = '  - { from: shop, mode: bot-only, bot: faq }\n'
    const other = '  - { from: more, mode: bot-only, bot: faq }\n'
    const both = '  - { from: [shop, more], mode: bot-only, bot: faq }\n'
    expect(await idOf(other + route)).toBe(await idOf(route + other))
    expect(await idOf(route.replace('bot: faq', 'bot: faq, collect: 2s') + other)).not.toBe(await idOf(route + other))
    expect(await idOf(both)).not.toBe(await idOf(route + other))
    expect(await idOf(both, '')).toBe(await idOf(both))
  })

  test('a file that refuses it says which files it has looked for', async () => {
    const checked = await checkConfig(file, { shipped, env, text: `${shop}    menu: ./not-there.json\n${rest}` })
    expect(checked).toMatchObject({ ok: false, files: [join(folder, 'not-there.json')] })
  })

  test('an edited file is a change', async () => {
    const text = `${shop}    menu: ./menu.json\n${rest}`
    writeFileSync(join(folder, 'menu.json'), '{}')
    const before = await check(text)
    writeFileSync(join(folder, 'menu.json'), '{ "button": [] }')
    const after = await check(text)
    expect(after.channels[0]?.fingerprint).not.toBe(before.channels[0]?.fingerprint)
    expect(after.revision.hash).toBe(before.revision.hash)
    expect(after.files).toEqual([{ path: join(folder, 'menu.json'), hash: expect.stringMatching(/^[0-9a-f]{64}$/) }])
    expect(after.channels[0]?.settings).toMatchObject({ menu: { text: '{ "button": [] }' } })
  })

  test('changed opening hours are a change of who uses them', async () => {
    const text = (times: string) =>
      `hours:\n  office: { weekdays: { mon: "${times}" } }\n${shop}${rest}features:\n  - { use: rules, open: office }\n  - use: lender\n`
    const before = await check(text('09:00-18:00'))
    const after = await check(text('09:00-17:00'))
    expect(after.features.map(({ fingerprint: one }, i) => one === before.features[i]?.fingerprint)).toEqual([
      false,
      true,
    ])
  })

  test('a channel whose variable is not set is down, and the others run', async () => {
    const site = `  site: { use: wire, appId: wx2, appSecret: "\${SITE_SECRET}" }\n`
    const text = shop + site + rest.replace('from: shop', 'from: [shop, site]')
    expect(await codes(text)).toEqual(['channels.site.appSecret CONFIG_MISSING_VARIABLE'])
    const config = await check(text, { ifVariableMissing: 'channel-down' })
    expect(config.channels.map(({ name }) => name)).toEqual(['shop'])
    expect(config.routes[0]?.from).toEqual(['shop'])
    expect(config.down).toEqual([
      { name: 'site', use: 'wire', line: 6, because: 'The environment variable SITE_SECRET is not set.' },
    ])
  })

  test('a variable that is not set is refused anywhere else', async () => {
    const text = `${shop}${rest.replace('parrot }', `parrot, prefix: "\${GONE}" }`)}`
    expect(await codes(text, { ifVariableMissing: 'channel-down' })).toEqual([
      'bots.faq.prefix CONFIG_MISSING_VARIABLE',
    ])
  })

  test('a variable that is not set is one problem: that the setting is missing is none beside it', async () => {
    const signed = defineBot({
      name: 'signed',
      summary: 'Signs what it asks.',
      config: z.strictObject({ secret: secret().optional() }),
      check: (config) => (config.secret === undefined ? [{ path: ['secret'], message: 'It signs nothing.' }] : []),
      setup: () => ({ answer: (turn) => turn.unknown() }),
    })
    const text = (bot: string) => `${shop}${rest.replace('{ use: parrot }', bot)}`
    const options = { plugins: { signed } }
    expect(await codes(text(`{ use: signed, secret: "\${GONE}" }`), options)).toEqual([
      'bots.faq.secret CONFIG_MISSING_VARIABLE',
    ])
    expect(await codes(text('{ use: signed }'), options)).toEqual(['bots.faq.secret CONFIG_PLUGIN_SAYS'])
  })
})

describe('secrets', () => {
  test('are listed for the log, and hashed where settings are shown', async () => {
    const config = await check(shop + rest)
    expect(config.secrets).toEqual([env.WIRE_SECRET])
    expect(JSON.stringify(config.channels[0]?.raw)).not.toContain(env.WIRE_SECRET)
    expect(config.channels[0]?.raw).toMatchObject({
      appSecret: expect.stringMatching(/^\$\{WIRE_SECRET\} [0-9a-f]{16}$/),
    })
  })

  test('are cut from what a plugin says of them', async () => {
    const loud = defineBot({
      name: 'loud',
      summary: 'Repeats its key in every error.',
      config: z.strictObject({ key: secret() }),
      check: ({ key }) => [{ path: ['key'], message: `the key ${key} is wrong.` }],
      setup: () => ({ answer: (turn) => turn.unknown() }),
    })
    const text = shop + rest.replace('use: parrot', `use: loud, key: "\${KEY}"`)
    const found = await problems(text, { plugins: { loud }, env: { ...env, KEY: 'key-of-the-house' } })
    expect(found.map(({ what }) => what)).toEqual([`loud: the key \${KEY} is wrong.`])
  })

  test('written over several lines are not shown either', async () => {
    const key =
      '    appSecret: |\n      -----BEGIN KEY-----\n      c2VjcmV0LWxpbmU=\n      -----END KEY-----\n    titel: x\n'
    const text = shop.replace(/ {4}appSecret.*\n/, key) + rest
    const told = formatProblems(await problems(text))
    expect(told).toContain('CONFIG_LITERAL_SECRET')
    expect(told).not.toMatch(/BEGIN KEY|c2VjcmV0|END KEY/)
    const broken = formatProblems(await problems(text.replace('    titel: x', '   titel: x')))
    expect(broken).toContain('CONFIG_INDENT')
    expect(broken).not.toMatch(/BEGIN KEY|c2VjcmV0|END KEY/)
  })

  test('may be literal where a test says so', async () => {
    const text = shop.replace(`\${WIRE_SECRET}`, 'written-down') + rest
    const config = await check(text, { literalSecrets: true })
    expect(config.secrets).toEqual(['written-down'])
  })
})

describe('the file', () => {
  test('of 10 MB is refused without being parsed', async () => {
    // A parser would find another mistake in each of its lines.
    writeFileSync(file, 'texts: [}\n'.repeat(1_050_000))
    const checked = await checkConfig(file, { env })
    expect(checked).toMatchObject({ ok: false, problems: [{ code: 'CONFIG_TOO_BIG', line: undefined }] })
  })

  test('that is not there, or a folder, is a problem like any other', async () => {
    const missing = await checkConfig(join(folder, 'nowhere.yaml'))
    expect(missing).toMatchObject({ ok: false, problems: [{ code: 'CONFIG_NO_FILE' }] })
    expect(await checkConfig(folder)).toMatchObject({ ok: false, problems: [{ code: 'CONFIG_UNREADABLE' }] })
  })

  test('with thousands of brackets is refused', async () => {
    expect(await codes('['.repeat(20_000))).toEqual([' CONFIG_TOO_DEEP'])
    expect(await codes('a: '.repeat(5000))).toHaveLength(1)
    expect(await codes(`a: ${'['.repeat(150)}${']'.repeat(150)}`)).toEqual([expect.stringContaining('CONFIG_TOO_DEEP')])
  })

  test('with a byte order mark and Windows line ends is read', async () => {
    const config = await check(`\uFEFF${(shop + rest).replaceAll('\n', '\r\n')}`)
    expect(config.channels[0]?.name).toBe('shop')
  })

  test('with a key that programs trip over is refused', async () => {
    expect(await codes(`__proto__: { polluted: true }\n${shop}${rest}`)).toEqual([' CONFIG_BAD_KEY'])
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
  })
})

describe('a plugin’s own mistakes', () => {
  const asBot = (plugin: Parameters<typeof defineBot>[0]) => ({ plugins: { odd: defineBot(plugin) } })
  const text = shop + rest.replace('use: parrot', 'use: odd')
  const answers = { name: 'odd', summary: 'Odd.', setup: () => ({ answer: () => undefined as never }) }

  test('a schema that waits is told as the plugin’s failure', async () => {
    const config = z.strictObject({ a: z.string().default('x') }).refine(async () => true)
    expect(await codes(text, asBot({ ...answers, config }))).toEqual(['bots.faq CONFIG_PLUGIN_FAILS'])
  })

  test('a check that throws is told as the plugin’s failure', async () => {
    const check = () => {
      throw new Error('no such thing')
    }
    expect((await problems(text, asBot({ ...answers, config: z.strictObject({}), check })))[0]).toMatchObject({
      code: 'CONFIG_PLUGIN_FAILS',
      what: 'odd failed in check: no such thing.',
    })
  })

  test('a refinement of its own is told in its own words', async () => {
    const config = z.strictObject({}).refine(() => false, 'Pick one of the two.')
    expect((await problems(text, asBot({ ...answers, config })))[0]).toMatchObject({
      code: 'CONFIG_WRONG_VALUE',
      what: 'odd: Pick one of the two.',
    })
  })
})

test('settings given directly are parsed without a file', () => {
  const plugin = definePlugin({
    name: 'direct',
    summary: 'Parsed by a test.',
    config: z.strictObject({
      key: secret(),
      to: refers('person'),
      every: duration('10m'),
      open: hours().default({ isOpen: () => true, nextEdgeMs: (atMs) => atMs }),
    }),
    setup: () => ({}),
  })
  const parsed = plugin.config.parse({ key: 'x', to: 'anyone' })
  expect(parsed).toMatchObject({ key: 'x', to: 'anyone', every: 600_000 })
})

test('identities are referred to by the names that features declare', async () => {
  const masks = definePlugin({
    name: 'masks',
    summary: 'Declares identities.',
    config: z.strictObject({ masks: z.array(z.string()) }),
    identities: ({ masks }) => masks,
    setup: () => ({}),
  })
  const mirror = definePlugin({
    name: 'mirror',
    summary: 'Refers to identities.',
    config: z.strictObject({ shows: refers('identity') }),
    setup: () => ({}),
  })
  const plugins = { masks, mirror }
  const text = (shows: string, declared = '  - { use: masks, masks: [sales, support] }\n') =>
    `${shop}${rest}features:\n  - { use: mirror, shows: ${shows} }\n${declared}`
  expect(await problems(text('sales'), { plugins })).toEqual([])
  expect(await problems(text('slaes'), { plugins })).toMatchObject([
    { code: 'CONFIG_UNKNOWN_NAME', line: 11, column: 27, instead: expect.stringContaining('Write sales instead.') },
  ])
  // Where nobody declares any, and where it is not known who does.
  expect(await problems(text('sales', ''), { plugins })).toMatchObject([{ code: 'CONFIG_UNKNOWN_NAME' }])
  expect(await codes(text('slaes', '  - { use: masks }\n'), { plugins })).toEqual([
    'features[1].masks CONFIG_MISSING_KEY',
  ])
})

test('problems are one JSON document for machines', async () => {
  const found = await problems(`${shop}    titel: x\n${rest}`)
  expect(JSON.parse(problemsAsJson(found))).toMatchObject({
    ok: false,
    problems: [
      {
        code: 'CONFIG_UNKNOWN_KEY',
        line: 6,
        column: 5,
        path: 'channels.shop.titel',
        what: 'wire has no setting "titel".',
        instead: expect.stringContaining('Write "title" instead.'),
        source: [{ line: 5 }, { line: 6, marked: { from: 4, width: 5 } }, { line: 7 }],
      },
    ],
  })
  expect(JSON.parse(problemsAsJson([]))).toEqual({ ok: true, problems: [], notes: [] })
})

test('what the problems stop is said in the last line', async () => {
  const found = await problems(`${shop}    titel: x\n${rest}`)
  expect(formatProblems(found, 'start')).toMatch(/\n\n1 problem\. The bot was not started\.\n$/)
  expect(formatProblems(found, 'reload')).toMatch(/the one that is running goes on unchanged\.\n$/)
})
