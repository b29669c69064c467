import { expect, test } from 'vitest'
import { testRuntime } from '#core/testing'
import echo from './index.ts'

const PICTURE = { type: 'image', url: 'https://files.example/cat.png' } as const

test('says what was said', async () => {
  await using bot = await testRuntime({ bots: { parrot: { use: echo } } })
  await bot.user('u1').says('hello').hears('echo: hello').says('  你好\n🙂 ').hears('echo:   你好\n🙂 ')
})

test('says it after the prefix of its settings, or after none', async () => {
  await using bot = await testRuntime({ bots: { parrot: { use: echo, prefix: '' } } })
  await bot.user('u1').says('hello').hears('hello')
})

test('a recording with a transcript has words', async () => {
  await using bot = await testRuntime({ bots: { parrot: { use: echo } } })
  const recording = { type: 'audio', url: 'https://files.example/a.mp3', transcript: 'call me' } as const
  await bot.user('u1').says([recording]).hears('echo: call me')
})

test('a message without words is unknown, and says so in the customer’s language', async () => {
  const wordless = { en: 'Only words, please.', 'zh-CN': '我只会重复文字。' }
  await using bot = await testRuntime({ languages: ['en', 'zh-CN'], bots: { parrot: { use: echo, wordless } } })
  await bot.user('u1').says([PICTURE]).hears('Only words, please.')
  await bot.user('u2', { language: 'zh-CN' }).says([PICTURE]).hears('我只会重复文字。')
  expect(await bot.outcomes('u1')).toEqual(['answered: unknown: without words'])
})
