import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { DeliveryError, defineChannel, definePlugin, secret, z } from '#core'
import { memoryDesk, type TestRuntime, testRuntime, testServer } from '#core/testing'
import { followConfig } from '../../core/cli/reload.ts'
import { readStory, storyAsText } from '../../core/cli/story.ts'
import { makeLog } from '../../core/services/log.ts'
import { ask } from '../core/services/asking.ts'
import { botThat, featureWith, gate, quietDesk } from './cast.ts'

const TOKEN = 'a-token-that-nobody-guesses'
/** What says that somebody else has asked. */
const STRANGER = { 'x-forwarded-for': '203.0.113.7' }
const OPERATOR = { ...STRANGER, authorization: `Bearer ${TOKEN}` }

const server = { port: 0, publicUrl: 'http://localhost', token: TOKEN }
const listen = { listen: true }
const echo = { parrot: { use: 'echo' } }

async function get(bot: TestRuntime, path: string, headers: { readonly [name: string]: string } = OPERATOR) {
  const { status, body } = await ask(`${bot.runtime.url}${path}`, headers)
  return { status, body }
}

async function readyz(bot: TestRuntime) {
  const { status, body } = await get(bot, '/readyz')
  return { status, ...JSON.parse(body) }
}

/** The line of `/metrics` with these labels, as a number; `undefined` when there is none. */
async function metric(bot: TestRuntime, series: string): Promise<number | undefined> {
  const line = (await get(bot, '/metrics')).body.split('\n').find((one) => one.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}

const tooManyCalls = () =>
  new DeliveryError('CHANNEL_QUOTA', { scope: 'channel', retryAfterMs: 90_000, message: 'The quota is used up.' })

describe('/healthz', () => {
  test('says to everybody that the process can answer, and nothing else', async () => {
    await using bot = await testRuntime({ server, bots: echo }, listen)
    expect(await get(bot, '/healthz', STRANGER)).toEqual({ status: 200, body: '{"healthy":true}' })
  })
})

describe('/', () => {
  test('tells the operator what this is', async () => {
    await using bot = await testRuntime({ server, bots: echo }, listen)
    expect(JSON.parse((await get(bot, '/')).body)).toMatchObject({ name: 'Switchboard' })
    expect((await get(bot, '/', STRANGER)).status).toBe(401)
  })
})

describe('/api', () => {
  /** Documents an API at addresses of its own. */
  function documenting(name: string, documents = true) {
    return definePlugin({
      name,
      summary: 'Has an API.',
      config: z.strictObject({}),
      setup({ web }) {
        web.get('/manual', { config: { public: true, ...(documents && { documents: 'page' }) } }, () => `${name}: page`)
        web.get('/spec.json', { config: { public: true, ...(documents && { documents: 'openapi' }) } }, () => ({
          name,
        }))
        web.get('/inside', { config: { documents: 'page' } }, () => 'for the operator')
        return {}
      },
    })
  }
  const starting = (...uses: readonly ReturnType<typeof documenting>[]) =>
    testRuntime({ server, bots: echo, features: uses.map((use) => ({ use })) }, listen)
  const follow = async (bot: TestRuntime, path: string) => (await fetch(`${bot.runtime.url}${path}`)).text()

  test('leads everybody to where an API is documented, as a page and as OpenAPI', async () => {
    await using bot = await starting(documenting('shop'), documenting('silent', false))
    expect(await follow(bot, '/api')).toBe('shop: page')
    expect(await follow(bot, '/api/')).toBe('shop: page')
    expect(await follow(bot, '/api/openapi.json')).toBe('{"name":"shop"}')
  })

  test('stays where it is for whoever stands behind a proxy that adds a path in front', async () => {
    await using bot = await starting(documenting('shop'))
    const leadsTo = async (path: string) =>
      (await fetch(`${bot.runtime.url}${path}`, { redirect: 'manual' })).headers.get('location')
    expect([await leadsTo('/api'), await leadsTo('/api/'), await leadsTo('/api/openapi.json')]).toEqual([
      './shop/manual',
      '../shop/manual',
      '../shop/spec.json',
    ])
  })

  test('tells all the addresses when there are several, and nothing of what is for the operator', async () => {
    await using bot = await starting(documenting('shop'), documenting('depot'))
    expect(await get(bot, '/api', STRANGER)).toEqual({
      status: 300,
      body: '{"addresses":["/shop/manual","/depot/manual"]}',
    })
    expect(JSON.parse((await get(bot, '/api/openapi.json', STRANGER)).body)).toEqual({
      addresses: ['/shop/spec.json', '/depot/spec.json'],
    })
  })

  test('is not there when nobody has one', async () => {
    await using bot = await starting(documenting('silent', false))
    expect((await get(bot, '/api', STRANGER)).status).toBe(404)
    expect((await get(bot, '/api/openapi.json')).status).toBe(404)
  })
})

describe('/readyz', () => {
  test('says to strangers only yes or no', async () => {
    await using bot = await testRuntime({ server, bots: echo }, listen)
    expect(await get(bot, '/readyz', STRANGER)).toEqual({ status: 200, body: '{"ready":true}' })
  })

  test('tells the operator of the journal, each channel, each desk and what waits', async () => {
    const { desk } = quietDesk()
    await using bot = await testRuntime({ server, bots: echo, desks: { support: { use: desk } } }, listen)
    expect(await readyz(bot)).toEqual({
      status: 200,
      ready: true,
      because: [],
      revision: bot.runtime.config.revision.hash.slice(0, 12),
      stopping: false,
      journal: { writable: true },
      channels: [{ name: 'memory', use: 'memory', state: 'up' }],
      desks: [{ name: 'support', use: 'quiet-desk', state: 'up' }],
      events: { waiting: 0, oldestMs: 0 },
      deliveries: { open: 0, unknown: 0 },
    })
  })

  test('counts what waits, and how long the oldest has', async () => {
    const door = gate()
    const slow = botThat(async (turn) => {
      await door.pass()
      return turn.done('late')
    })
    await using bot = await testRuntime({ server, bots: { slow: { use: slow } } }, listen)
    for (const id of ['1', '2']) {
      await bot.channel.receive({ id, chat: 'u1', atMs: 1, type: 'message', parts: [{ type: 'text', text: id }] })
    }
    await door.reached()
    await bot.clock.advance(7_000)
    expect(await readyz(bot)).toMatchObject({ events: { waiting: 2, oldestMs: 7_000 } })
    door.open()
  })

  test('shows a channel that is paused: since when, until when and why; it still takes messages', async () => {
    await using bot = await testRuntime({ server, bots: echo }, listen)
    const since = new Date(bot.clock.now()).toISOString()
    let broken = true
    bot.channel.beforeSend(() => {
      if (broken) throw tooManyCalls()
    })
    const user = bot.user('u1')
    await user.says('hello').hearsNothing()
    const because = 'The quota is used up.'
    const paused = { name: 'memory', use: 'memory', state: 'paused', code: 'CHANNEL_QUOTA', because, since }
    const until = (ms: number) => new Date(Date.parse(since) + ms).toISOString()
    expect(await readyz(bot)).toMatchObject({
      ...{ status: 200, ready: true, deliveries: { open: 1 } },
      channels: [{ ...paused, until: until(90_000) }],
    })
    await bot.advance(90_000)
    expect(await readyz(bot)).toMatchObject({ channels: [{ ...paused, until: until(180_000) }] })
    broken = false
    await bot.advance(90_000)
    await user.hears('echo: hello')
    expect(await readyz(bot)).toMatchObject({ channels: [{ state: 'up' }], deliveries: { open: 0 } })
  })

  test('shows a channel as paused until its platform has taken something, though nothing waits to be tried', async () => {
    await using bot = await testRuntime({ server, bots: echo }, listen)
    let broken = true
    bot.channel.beforeSend(() => {
      if (broken) throw new DeliveryError('CHANNEL_QUOTA', { scope: 'channel', retryAfterMs: 3_600_000 })
    })
    const since = new Date(bot.clock.now()).toISOString()
    await bot.user('u1').says('one')
    await bot.advance(3_600_000)
    const [channel] = (await readyz(bot)).channels
    expect(channel).toMatchObject({ state: 'paused', code: 'CHANNEL_QUOTA', since })
    expect(channel).not.toHaveProperty('until')
    expect(await metric(bot, 'switchboard_channel_up{channel="memory"}')).toBe(0)
    broken = false
    await bot.user('u1').says('two').hears('echo: two')
    expect(await readyz(bot)).toMatchObject({ channels: [{ state: 'up' }] })
    expect(await metric(bot, 'switchboard_channel_up{channel="memory"}')).toBe(1)
  })

  test('shows a desk that takes nothing, until it has taken something', async () => {
    const desk = memoryDesk()
    desk.beforeDeliver(() => Promise.reject(new DeliveryError('HELPDESK_DOWN', { message: 'HTTP 502' })))
    await using bot = await testRuntime({ server, desks: { support: { use: desk.plugin } } }, listen)
    await bot.user('u1').says('hello')
    await bot.idle()
    expect(await readyz(bot)).toMatchObject({
      status: 200,
      desks: [{ name: 'support', state: 'failing', code: 'HELPDESK_DOWN', because: 'HTTP 502' }],
    })
    desk.beforeDeliver(() => undefined)
    await bot.advance(60_000)
    expect(await readyz(bot)).toMatchObject({ desks: [{ name: 'support', state: 'up' }] })
  })

  test('shows a polled channel that does not get to listen, until it has listened for a minute', async () => {
    let works = false
    const polled = defineChannel({
      name: 'polled',
      summary: 'Asks a platform for messages.',
      config: z.strictObject({ key: secret() }),
      account: () => 'polled',
      capabilities: () => ({ sends: { text: {} }, later: [], inline: { withinMs: 1_000 }, showsIdentity: 'none' }),
      setup: ({ config, signal }) => ({
        send: async () => ({}),
        async listen() {
          if (!works) throw new Error(`The platform does not know ${config.key}.`)
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
        },
      }),
    })
    const channels = { polled: { use: polled, key: 'a-secret-of-the-platform' } }
    await using bot = await testRuntime({ server, bots: echo, channels }, listen)
    const since = new Date(bot.clock.now()).toISOString()
    const stateOf = async (name: string) =>
      (await readyz(bot)).channels.find((channel: { name: string }) => channel.name === name)
    const because = 'The platform does not know [secret].'
    await vi.waitFor(
      async () => expect(await stateOf('polled')).toMatchObject({ state: 'not-listening', because, since }),
      10_000,
    )
    await bot.advance(6_000)
    expect(await stateOf('polled')).toMatchObject({ state: 'not-listening', since })
    expect(await readyz(bot)).toMatchObject({ status: 200 })
    works = true
    await bot.advance(16_000)
    expect(await stateOf('polled')).toMatchObject({ state: 'not-listening' })
    await bot.advance(61_000)
    expect(await stateOf('polled')).toEqual({ name: 'polled', use: 'polled', state: 'up' })
  })

  test('is red when no channel takes messages', async () => {
    await using bot = await testRuntime({ server, bots: echo }, listen)
    const { config } = bot.runtime
    const because = 'MEMORY_TOKEN is not set.'
    const down = [{ name: 'memory', use: 'memory', line: 1, because }]
    await bot.runtime.apply({ ...config, channels: [], routes: [], down })
    expect(await readyz(bot)).toMatchObject({
      ...{ status: 503, ready: false, because: ['No channel takes messages.'] },
      channels: [{ name: 'memory', state: 'down', because }],
    })
    expect(await get(bot, '/readyz', STRANGER)).toEqual({ status: 503, body: '{"ready":false}' })
    expect((await get(bot, '/healthz')).status).toBe(200)
  })

  test('is red while the journal cannot be written', async () => {
    await using bot = await testRuntime({ server, bots: echo }, listen)
    const { engine } = bot.runtime
    // SQLite's own limit gives the same error as the disk's end.
    const limitPages = (pages: number) => engine.write([{ sql: `PRAGMA max_page_count = ${pages}`, parameters: [] }])
    await limitPages(1)
    const text = 'x'.repeat(100_000)
    const say = (id: number) =>
      bot.channel.receive({ id: `${id}`, chat: 'u1', atMs: 1, type: 'message', parts: [{ type: 'text', text }] })
    for (let id = 0; engine.healthy && id < 50; id++) await say(id).catch(() => undefined)
    expect(await readyz(bot)).toMatchObject({
      ...{ status: 503, ready: false, journal: { writable: false } },
      because: ['The journal cannot be written (is the disk full?).'],
    })
    expect(await metric(bot, 'switchboard_journal_writable')).toBe(0)
    await limitPages(1_000_000)
    expect(await readyz(bot)).toMatchObject({ status: 200, ready: true })
  })

  test('is red from the moment that it is told to stop, so that a load balancer lets go', async () => {
    const door = gate()
    const slow = botThat(async (turn) => {
      await door.pass()
      return turn.reply('at last')
    })
    await using bot = await testRuntime({ server, bots: { slow: { use: slow } } }, listen)
    await bot.channel.receive({ id: '1', chat: 'u1', atMs: 1, type: 'message', parts: [{ type: 'text', text: 'hi' }] })
    await door.reached()
    const stopping = bot.runtime.stop()
    expect(await readyz(bot)).toMatchObject({ status: 503, stopping: true, because: ['It is stopping.'] })
    expect((await get(bot, '/healthz')).status).toBe(200)
    door.open()
    await stopping
    expect(bot.channel.sent).toHaveLength(1)
  })
})

describe('/metrics', () => {
  test('are only for the operator', async () => {
    await using bot = await testRuntime({ server, bots: echo }, listen)
    expect((await get(bot, '/metrics', STRANGER)).status).toBe(401)
    expect((await get(bot, '/metrics', {})).status).toBe(401)
  })

  test('are for whoever is at the machine while there is no token and nothing is published', async () => {
    const { token: _token, ...tokenless } = server
    await using bot = await testRuntime({ server: tokenless, bots: echo }, listen)
    expect((await get(bot, '/metrics', {})).status).toBe(200)
    expect((await get(bot, '/metrics', STRANGER)).status).toBe(401)
    await bot.apply({ server: { ...tokenless, publicUrl: 'https://chat.example.com' }, bots: echo })
    expect((await get(bot, '/metrics', {})).status).toBe(401)
    expect(await get(bot, '/readyz', {})).toEqual({ status: 200, body: '{"ready":true}' })
  })

  test('are in the format of Prometheus, all of it', async () => {
    await using bot = await testRuntime({ server, bots: echo }, listen)
    await bot.user('u1').says('hello').hears('echo: hello')
    const { headers, body } = await ask(`${bot.runtime.url}/metrics`, OPERATOR)
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    const types = new Map<string, string>()
    for (const line of body.split('\n')) {
      if (line === '' || line.startsWith('# HELP ')) continue
      const type = /^# TYPE ([a-z_:][a-z0-9_:]*) (counter|gauge|histogram)$/.exec(line)
      if (type) {
        expect(types.has(type[1] ?? '')).toBe(false)
        types.set(type[1] ?? '', type[2] ?? '')
        continue
      }
      const sample =
        /^([a-z_:][a-z0-9_:]*)(?:\{([a-z_]+="[^"\\\n]*",?)+\})? (-?\d+(?:\.\d+)?(?:e[+-]\d+)?|[+-]Inf|Nan)$/.exec(line)
      expect(sample, line).not.toBeNull()
      const name = sample?.[1] ?? ''
      expect(types.has(name) || types.get(name.replace(/_(bucket|sum|count)$/, '')) === 'histogram', line).toBe(true)
    }
    expect([...types.keys()]).toEqual(
      expect.arrayContaining(['process_resident_memory_bytes', 'nodejs_eventloop_lag_p99_seconds']),
    )
  })

  test('count events, turns and deliveries, from 0 on', async () => {
    await using bot = await testRuntime({ server, bots: echo }, listen)
    expect(await metric(bot, 'switchboard_events_total{channel="memory",repeated="no"}')).toBe(0)
    expect(await metric(bot, 'switchboard_deliveries_total{channel="memory",state="sent",code=""}')).toBe(0)
    await bot.user('u1').says('hello').hears('echo: hello').repeats().says('again').hears('echo: again')
    await bot.idle()
    expect(await metric(bot, 'switchboard_events_total{channel="memory",repeated="no"}')).toBe(2)
    expect(await metric(bot, 'switchboard_events_total{channel="memory",repeated="yes"}')).toBe(1)
    expect(await metric(bot, 'switchboard_turns_total{outcome="answered"}')).toBe(2)
    expect(await metric(bot, 'switchboard_turn_duration_seconds_count')).toBe(2)
    expect(await metric(bot, 'switchboard_deliveries_total{channel="memory",state="sent",code=""}')).toBe(2)
    // What the journal is asked for is at most a few seconds old.
    await bot.clock.advance(5_000)
    expect(await metric(bot, 'switchboard_conversations{state="bot"}')).toBe(1)
    expect(await metric(bot, 'switchboard_journal_batches_total')).toBeGreaterThan(0)
    expect(await metric(bot, 'switchboard_channel_up{channel="memory"}')).toBe(1)
  })

  test('say how long turns took', async () => {
    const slow = botThat(async (turn) => {
      await bot.clock.advance(3_000)
      return turn.done('slow')
    })
    await using bot = await testRuntime({ server, bots: { slow: { use: slow } } }, listen)
    await bot.user('u1').says('hello')
    await bot.idle()
    expect(await metric(bot, 'switchboard_turn_duration_seconds_sum')).toBe(3)
    expect(await metric(bot, 'switchboard_turn_duration_seconds_bucket{le="2.5"}')).toBe(0)
    expect(await metric(bot, 'switchboard_turn_duration_seconds_bucket{le="5"}')).toBe(1)
  })

  test('count what goes wrong: hooks by instance, retries, and deliveries by how they ended', async () => {
    const broken = featureWith({
      inbound: {
        respond() {
          throw new Error('broken')
        },
      },
    })
    await using bot = await testRuntime({ server, bots: echo, features: [{ use: broken }] }, listen)
    const fails = [
      new DeliveryError('CHANNEL_RATE_LIMITED', { retryAfterMs: 1_000 }),
      new DeliveryError('CHANNEL_REFUSED'),
      new Error('the socket was closed'),
    ]
    bot.channel.beforeSend(() => {
      const error = fails.shift()
      if (error) throw error
    })
    await bot.user('u1').says('one')
    await bot.advance(1_000)
    await bot.user('u2').says('two')
    await bot.idle()
    expect(await metric(bot, 'switchboard_hook_failures_total{instance="scripted-feature",stage="respond"}')).toBe(2)
    expect(await metric(bot, 'switchboard_delivery_retries_total{channel="memory"}')).toBe(1)
    const ended = (state: string, code: string) =>
      metric(bot, `switchboard_deliveries_total{channel="memory",state="${state}",code="${code}"}`)
    expect(await ended('dead', 'CHANNEL_REFUSED')).toBe(1)
    expect(await ended('unknown', 'CHANNEL_FAILED')).toBe(1)
    expect(await metric(bot, 'switchboard_deliveries_unknown')).toBe(1)
  })

  test('count the answers that were not sent in their time', async () => {
    await using bot = await testRuntime({ server, bots: echo }, listen)
    bot.channel.beforeSend(() => {
      throw new DeliveryError('CHANNEL_QUOTA', { scope: 'channel', retryAfterMs: 3_600_000 })
    })
    await bot.user('u1').says('one').says('two')
    await bot.advance(3_600_000)
    const expired = 'switchboard_deliveries_total{channel="memory",state="dead",code="EXPIRED"}'
    expect(await metric(bot, expired)).toBe(2)
    expect(await metric(bot, 'switchboard_deliveries_open{to="memory"}')).toBeUndefined()
  })

  test('count what a crash has left between sending and knowing', async () => {
    await using bot = await testRuntime({ server, bots: echo }, listen)
    await bot.user('u1').says('hello').hears('echo: hello')
    await bot.idle()
    await bot.runtime.engine.write([{ sql: "UPDATE delivery SET state = 'sending', done_at = NULL", parameters: [] }])
    await bot.restart()
    const unknown = 'switchboard_deliveries_total{channel="memory",state="unknown",code="UNKNOWN"}'
    expect(await metric(bot, unknown)).toBe(1)
    expect(await metric(bot, 'switchboard_deliveries_unknown')).toBe(1)
  })

  test('count reloads, and show which configuration is in force', async () => {
    await using bot = await testRuntime({ server, bots: echo }, listen)
    const before = bot.runtime.config.revision.hash.slice(0, 12)
    expect(await metric(bot, `switchboard_config_info{revision="${before}"}`)).toBe(1)
    await bot.apply({ server, bots: echo, limits: { drainFor: '5s' } })
    const failing = definePlugin({
      name: 'failing',
      summary: 'Does not start.',
      config: z.strictObject({}),
      setup() {
        throw new Error('no')
      },
    })
    await bot.apply({ server, bots: echo, features: [{ use: failing }] }).catch(() => undefined)
    expect(await metric(bot, 'switchboard_reloads_total{result="applied"}')).toBe(1)
    expect(await metric(bot, 'switchboard_reloads_total{result="failed"}')).toBe(1)
    const file = join(bot.folder, 'switchboard.yaml')
    await writeFile(file, 'routes: []\n')
    const follower = followConfig(file, bot.runtime, { log: makeLog({ level: 'silent' }), tell: () => undefined })
    await follower.reload()
    follower.stop()
    expect(await metric(bot, 'switchboard_reloads_total{result="refused"}')).toBe(1)
    expect(await metric(bot, `switchboard_config_info{revision="${before}"}`)).toBeUndefined()
  })

  test('hold no free text and no series without end, whatever plugins call their errors', async () => {
    await using bot = await testRuntime({ server, bots: echo }, listen)
    let n = 0
    bot.channel.beforeSend(() => {
      n += 1
      throw new DeliveryError(n % 2 ? `refused "u${n}"\n` : `CODE_${n}`, { retry: false })
    })
    for (let i = 0; i < 120; i++) await bot.user(`customer-${i}`).says('hello')
    await bot.idle()
    const { body } = await get(bot, '/metrics')
    const series = body.split('\n').filter((line) => line.startsWith('switchboard_deliveries_total'))
    expect(series.length).toBeLessThanOrEqual(52)
    expect(body).not.toMatch(/refused [^a-z]|customer-/)
    const counted = series.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
    expect(counted).toBe(120)
  })
})

describe('routes of plugins', () => {
  test('are for the operator, except a channel’s and those that say that they are public', async () => {
    const page = definePlugin({
      name: 'page',
      summary: 'Has two pages.',
      config: z.strictObject({}),
      setup({ web }) {
        web.get('/', () => 'for the operator')
        web.get('/hook', { config: { public: true } }, () => 'for everybody')
        return {}
      },
    })
    const channels = { demo: { use: 'loopback', secret: 'a-secret-of-the-demo' } }
    await using bot = await testRuntime({ server, bots: echo, channels, features: [{ use: page }] }, listen)
    expect((await get(bot, '/page', STRANGER)).status).toBe(401)
    expect(await get(bot, '/page')).toEqual({ status: 200, body: 'for the operator' })
    expect(await get(bot, '/page/hook', STRANGER)).toEqual({ status: 200, body: 'for everybody' })
    expect(JSON.parse((await get(bot, '/demo', STRANGER)).body)).toMatchObject({ code: 'UNSIGNED' })
  })

  test('follow the token of a reload, on instances that are kept', async () => {
    const page = featureWithPage()
    const config = { bots: echo, features: [{ use: page }] }
    await using bot = await testRuntime({ ...config, server }, listen)
    const instance = bot.runtime.instance('page')
    await bot.apply({ ...config, server: { ...server, token: 'another-token-of-the-operator' } })
    expect(bot.runtime.instance('page')).toBe(instance)
    expect((await get(bot, '/page')).status).toBe(401)
    const headers = { ...STRANGER, authorization: 'Bearer another-token-of-the-operator' }
    expect((await get(bot, '/page', headers)).status).toBe(200)
  })
})

function featureWithPage() {
  return definePlugin({
    name: 'page',
    summary: 'Has a page.',
    config: z.strictObject({}),
    setup({ web }) {
      web.get('/', () => 'page')
      return {}
    },
  })
}

describe('secrets', () => {
  const PLANTED = {
    setting: 'planted-in-a-setting-1234',
    token: 'planted-as-the-token-1234',
    query: 'planted-in-a-query-1234',
    header: 'planted-in-a-header-1234',
  }
  const ANY = /planted-/

  /** Tells its secret wherever it can. */
  const talkative = definePlugin({
    name: 'talkative',
    summary: 'Tells its secret wherever it can.',
    config: z.strictObject({ key: secret(), url: z.url() }),
    setup({ config, http, log, web }) {
      web.get('/', { config: { public: true } }, () => {
        throw Object.assign(new Error(`bad key ${config.key}`), { statusCode: 400 })
      })
      web.get('/broken', { config: { public: true } }, (request) => {
        request.log.error({ headers: { authorization: config.key } }, `asked ${request.url} with ${config.key}`)
        throw new Error(`bad key ${config.key}`)
      })
      return {
        inbound: {
          async respond() {
            const url = `${config.url}?access_token=${PLANTED.query}`
            const headers = { authorization: `Bearer ${config.key}` }
            const response = await http(url, { headers })
            log.warn({ config, url, headers }, `asked ${url}`)
            const cause = new Error(`with ${JSON.stringify(headers)}`)
            throw new Error(`${url} answered: ${await response.text()}`, { cause })
          },
        },
      }
    },
  })

  test('are found in no log, no page, no metric, no response and no story', async () => {
    // The platform's answer repeats what it was asked, as real ones do.
    await using platform = await testServer(
      (request) => new Response(`${request.headers.get('authorization')} for ${request.url}`, { status: 403 }),
    )
    const features = [{ use: talkative, key: PLANTED.setting, url: platform.url }]
    const config = { bots: echo, features, http: { allow: [platform.host] } }
    await using bot = await testRuntime({ ...config, server: { ...server, token: PLANTED.token } }, listen)
    const operator = { ...STRANGER, authorization: `Bearer ${PLANTED.token}` }
    bot.channel.beforeSend((delivery) => {
      const url = `https://api.example.com/send?access_token=${PLANTED.query}`
      const message = `${url} refused ${PLANTED.setting}`
      if (delivery.chat === 'u1') throw new DeliveryError('CHANNEL_TOKEN', { scope: 'channel', message })
    })
    await bot.user('u1').says('hello')
    await bot.idle()

    const headers = { 'x-secret': PLANTED.header, cookie: `session=${PLANTED.header}` }
    const asked = [
      await get(bot, `/talkative?key=${PLANTED.query}`, headers),
      await get(bot, `/talkative/broken?key=${PLANTED.query}`, headers),
      await get(bot, `/talkative/${PLANTED.query}/nothing`, { ...STRANGER, ...headers }),
      await get(bot, `/nobody?key=${PLANTED.query}`, headers),
      await get(bot, `/metrics?token=${PLANTED.query}`, { ...STRANGER, authorization: `Bearer ${PLANTED.header}` }),
    ]
    expect(asked.map(({ status }) => status)).toEqual([400, 500, 401, 404, 401])
    const ready = await get(bot, '/readyz', operator)
    const metrics = await get(bot, '/metrics', operator)
    const read = await readStory(bot.runtime.engine.read, 'u1')
    const story = read ? storyAsText(read) : ''
    const deliveries = await bot.runtime.engine.read.selectFrom('delivery').select(['code', 'error']).execute()
    const attempts = await bot.runtime.engine.read.selectFrom('delivery_attempt').selectAll().execute()
    const told = [...asked.map(({ body }) => body), ready.body, metrics.body, story, JSON.stringify(deliveries)]

    // All of it was really there to be told.
    expect(ready.body).toContain('[secret]')
    expect(story).toMatch(/\[secret\]/)
    expect(bot.logged.join('')).toContain('[secret]')
    expect(asked[0]?.body).toContain('bad key [secret]')
    for (const text of [...told, ...bot.logged, JSON.stringify(attempts)]) expect(text).not.toMatch(ANY)
  })
})
