import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ALWAYS, defineChannel, type InboundEvent, type Simulating, z } from '#core'
import { manualClock } from '#core/testing'
import { tellRunning, whyNot } from '../../core/cli/simulate.ts'
import { simulate } from '../../core/simulation/simulate.ts'
import { makeLog, type TestConfig, testRuntime } from '../../core/testing/index.ts'

/** A platform of one message, and what its channel was started with. */
function postcards(options: { readonly startsBadly?: boolean } = {}) {
  const seen = {
    real: 0,
    sent: [] as string[],
    settings: undefined as unknown,
    url: '',
    by: undefined as Simulating | undefined,
    ended: 0,
    receive: undefined as ((event: InboundEvent) => Promise<unknown>) | undefined,
  }
  const plugin = defineChannel({
    name: 'postcards',
    summary: 'Sends postcards.',
    config: z.strictObject({ address: z.string() }),
    account: () => 'one',
    capabilities: () => ({ sends: { text: {} }, later: [ALWAYS], showsIdentity: 'none' }),
    simulator: async () => ({
      async simulate(_config, by) {
        seen.by = by
        return {
          settings: { address: 'simulated' },
          hosts: ['127.0.0.1:1'],
          url: 'http://127.0.0.1:1',
          async started(url) {
            if (options.startsBadly) throw new Error('No post today.')
            seen.url = url
          },
          async [Symbol.asyncDispose]() {
            seen.ended += 1
          },
        }
      },
    }),
    setup({ config, receive }) {
      seen.settings = config
      seen.receive = receive
      if (config.address === 'real') seen.real += 1
      return {
        async send({ part }) {
          seen.sent.push('text' in part ? part.text : part.type)
          return {}
        },
      }
    },
  })
  return { plugin, seen }
}

async function checked(config: TestConfig) {
  await using bot = await testRuntime({ bots: { parrot: { use: 'echo' } }, ...config })
  return bot.runtime.config
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'switchboard-test-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

const log = makeLog({ level: 'silent' })
const tell = async (_journal: unknown, customer: string) => `story of ${customer}`

test('the channel talks with the simulated platform, in a journal of its own, and answers as configured', async () => {
  const { plugin, seen } = postcards()
  const config = await checked({ channels: { cards: { use: plugin, address: 'real' } } })
  seen.real = 0
  const clock = manualClock()
  {
    await using running = await simulate(config, { platform: 'postcards', folder: await folder(), log, tell, clock })
    expect(running.pages).toEqual([{ channel: 'cards', url: 'http://127.0.0.1:1' }])
    expect(seen.settings).toEqual({ address: 'simulated' })
    expect(seen.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/cards$/)
    const text = { id: '1', chat: 'u1', type: 'message', parts: [{ type: 'text', text: 'hello' }] } as const
    await seen.receive?.({ ...text, atMs: clock.now(), grants: 'message' })
    await running.runtime.idle()
    expect(seen.sent).toEqual(['echo: hello'])
    expect(await seen.by?.why('u1')).toBe('story of u1')
    await seen.by?.advance(60_000)
    expect(clock.now()).toBe(manualClock().now() + 60_000)
  }
  expect([seen.real, seen.ended]).toEqual([0, 1])
})

test('all other channels send nothing', async () => {
  const { plugin } = postcards()
  const other = postcards()
  const sent: string[] = []
  const telegrams = defineChannel({
    name: 'telegrams',
    summary: 'Sends telegrams.',
    config: z.strictObject({}),
    account: () => 'two',
    capabilities: () => ({ sends: { text: {} }, later: [ALWAYS], showsIdentity: 'none' }),
    setup({ receive }) {
      other.seen.receive = receive
      return {
        async send({ id }) {
          sent.push(id)
          return {}
        },
      }
    },
  })
  const config = await checked({
    channels: { cards: { use: plugin, address: 'real' }, wire: { use: telegrams } },
  })
  await using running = await simulate(config, { platform: 'postcards', folder: await folder(), log, tell })
  expect(running.standIns).toEqual(['memory', 'wire'])
  expect(tellRunning(running, { languages: ['en'] }, undefined)).toContain(
    'These channels send nothing: memory, wire\n',
  )
  const { seen } = other
  const text = { id: '1', chat: 'u1', type: 'message', parts: [{ type: 'text', text: 'hello' }] } as const
  await seen.receive?.({ ...text, atMs: running.clock.now(), grants: 'message' })
  await running.runtime.idle()
  const states = await running.runtime.engine.read.selectFrom('delivery').select('state').execute()
  expect([states, sent]).toEqual([[{ state: 'sent' }], []])
})

test('a platform that cannot start leaves nothing running', async () => {
  const { plugin, seen } = postcards({ startsBadly: true })
  const config = await checked({ channels: { cards: { use: plugin, address: 'real' } } })
  const starting = simulate(config, { platform: 'postcards', folder: await folder(), log, tell })
  await expect(starting).rejects.toThrow('No post today.')
  expect(seen.ended).toBe(1)
})

test('people at a desk are given links to come in by', async () => {
  const { plugin } = postcards()
  const config = await checked({
    channels: { cards: { use: plugin, address: 'real' } },
    desks: { support: { use: 'desk', people: { amy: { name: 'Amy' } }, teams: { all: { members: ['amy'] } } } },
  })
  await using running = await simulate(config, { platform: 'postcards', folder: await folder(), log, tell })
  const base = running.runtime.url ?? ''
  expect(running.invitations).toEqual([
    { desk: 'support', person: 'amy', link: expect.stringContaining(`${base}/support`) },
  ])
  const told = tellRunning(running, { languages: ['en'] }, undefined)
  expect(told).toContain('Play the customers of cards: http://127.0.0.1:1\n')
  expect(told).toContain(`Answer as amy (support): ${base}/support`)
  expect(told).toContain('--keep FOLDER')
  expect(tellRunning(running, { languages: ['zh-CN', 'en'] }, '/kept')).toContain('记录保存在 /kept')
})

test('where there is nothing to simulate, it is said what there is', async () => {
  const { plugin } = postcards()
  const config = await checked({ channels: { cards: { use: plugin, address: 'real' } } })
  expect(whyNot(config, 'postcards')).toBeUndefined()
  expect(whyNot(config, 'postcard')).toMatch(
    /^No channel of .*switchboard\.yaml uses "postcard".* Is it "postcards"\?$/,
  )
  expect(whyNot(config, 'pigeons')).toMatch(
    /it has memory \(memory\), cards \(postcards\)\. These can be simulated: postcards\.$/,
  )
  expect(whyNot(config, 'memory')).toBe('memory has no simulated platform. These can be simulated: postcards.')
  expect(whyNot(config, 'postcards', config.storage.folder)).toContain('is where the real journal is')
  expect(whyNot(config, 'postcards', join(config.storage.folder, 'played'))).toBeUndefined()
  const none = await checked({})
  expect(whyNot(none, 'memory')).toContain('None of its channels can be simulated.')
})
