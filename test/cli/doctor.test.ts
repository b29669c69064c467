import { expect, test } from 'vitest'
import { type Diagnosis, definePlugin, z } from '#core'
import { examine, examinedAsText, isIll } from '../../core/cli/doctor.ts'
import { type TestConfig, testRuntime, testServer } from '../../core/testing/index.ts'

const BOTS = { parrot: { use: 'echo' } }
const SAYS = { 'zh-CN': '平台给出令牌。', en: 'The platform gives a token.' }
const TOKEN: Diagnosis = { about: { 'zh-CN': '令牌', en: 'token' }, state: 'ok', says: SAYS }
const NEXT = { 'zh-CN': '点击“启用”。', en: 'Click “enable”.' }

/** A plugin that says this of the outside. */
function teller(tell: () => unknown, name = 'teller') {
  return definePlugin({
    name,
    summary: 'Tells.',
    config: z.strictObject({}),
    setup: () => ({ doctor: async () => untyped(tell()) }),
  })
}

function untyped(value: unknown): readonly Diagnosis[] {
  return z.custom<readonly Diagnosis[]>().parse(value)
}

async function checked(config: TestConfig) {
  await using bot = await testRuntime({ bots: BOTS, ...config })
  return bot.runtime.config
}

test('what is right, missing and unknown is told in the first language of the YAML, with what to click', async () => {
  const all: readonly Diagnosis[] = [
    TOKEN,
    { about: { en: 'feature' }, state: 'missing', says: { en: 'It is off.\u001b[31m' }, next: NEXT },
    { about: { en: 'others' }, state: 'unknown', says: { en: 'Nobody can tell.' } },
  ]
  const config = await checked({ features: [{ use: teller(() => all) }] })
  const examined = await examine(config)
  expect(examinedAsText(examined, ['en'])).toBe(
    [
      'teller (teller)',
      '  ✓ token: The platform gives a token.',
      '  ✗ feature: It is off.·[31m',
      '      → Click “enable”.',
      '  ? others: Nobody can tell.',
      '',
      'To be done: 1',
      '',
    ].join('\n'),
  )
  const chinese = examinedAsText(examined, ['zh-CN', 'en'])
  expect(chinese).toContain('  ✓ 令牌: 平台给出令牌。')
  expect(chinese).toContain('      → 点击“启用”。')
  expect(chinese).toContain('需要处理：1')
  expect(examined.map(isIll)).toEqual([true])
})

test('what nobody can tell is no problem, and a plugin that has nothing to look at is not told of', async () => {
  const config = await checked({ features: [{ use: teller(() => [TOKEN, { ...TOKEN, state: 'unknown' }]) }] })
  const examined = await examine(config)
  expect(examined.map(isIll)).toEqual([false])
  expect(examinedAsText(examined, ['en'])).toMatch(/\n\nAll is well\.\n$/)
  expect(examinedAsText(await examine(await checked({})), ['en'])).toContain('Nothing in it asks anything outside')
})

test('whoever fails, or tells what is nothing, is named, and the others are told all the same', async () => {
  const fails = () => {
    throw new Error('boom')
  }
  const config = await checked({
    features: [
      { use: teller(fails, 'failing') },
      { use: teller(() => [{ about: 'token', state: 'fine' }], 'nonsense') },
      { use: teller(() => [TOKEN], 'well') },
    ],
  })
  const told = examinedAsText(await examine(config), ['en'])
  expect(told).toContain('failing (failing)\n  ✗ failing (failing), doctor: boom.\n')
  expect(told).toContain(
    '✗ nonsense (nonsense), doctor: It wants a list of diagnoses, and there is something else at [0].about.',
  )
  expect(told).toContain('well (well)\n  ✓ token')
  expect(told).toContain('To be done: 2')
})

test('a plugin that asks outside while it is set up is not heard there; its doctor is', async () => {
  const heard: string[] = []
  await using server = await testServer((request) => {
    heard.push(new URL(request.url).pathname)
    return new Response('ok')
  })
  const asking = definePlugin({
    name: 'asking',
    summary: 'Asks.',
    config: z.strictObject({ url: z.string() }),
    setup({ config, http }) {
      const ask = (by: typeof fetch, path: string) =>
        by(`${config.url}${path}`).then(
          (response) => response.text(),
          () => 'refused',
        )
      const early = Promise.all([ask(http, '/by-its-http'), ask(fetch, '/by-its-own')])
      return {
        async doctor(by) {
          const says = { en: `${await early} ${await ask(by.http, '/doctor')}` }
          return [{ about: { en: 'asked' }, state: 'ok', says }]
        },
      }
    },
  })
  const http = { allow: [server.host] }
  const config = await checked({ http, features: [{ use: asking, url: server.url }] })
  // What it asked in the runtime that only served to check the settings.
  heard.length = 0
  expect(examinedAsText(await examine(config), ['en'])).toContain('asked: refused,refused ok')
  expect(heard).toEqual(['/doctor'])
})
