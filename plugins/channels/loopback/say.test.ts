import { describe, expect, test } from 'vitest'
import { defineBot, z } from '#core'
import { manualClock, testRuntime, testServer } from '#core/testing'
import { say } from './say.ts'
import { SECRET } from './simulated-platform.ts'

const chatty = defineBot({
  name: 'chatty',
  summary: 'Answers with everything that a terminal has to show.',
  config: z.strictObject({}),
  setup: () => ({
    answer(turn) {
      if (turn.text === 'silence') return turn.done('asked for it')
      turn.say(`You said ${turn.text}.`)
      turn.say({ type: 'image', url: 'https://files.example/cat.png' })
      return turn.reply({
        type: 'choices',
        prompt: 'Well?',
        choices: [
          { id: 'y', label: 'Yes' },
          { id: 'n', label: 'No' },
        ],
      })
    },
  }),
})

/** The terminal has real time, so the channel's clock begins with it. */
function start(settings: { readonly answer?: string } = {}) {
  return testRuntime(
    { channels: { demo: { use: 'loopback', secret: SECRET, ...settings } }, bots: { chatty: { use: chatty } } },
    { listen: true, clock: manualClock(Date.now()) },
  )
}

async function hear(url: string, text: string, options: { readonly secret?: string; readonly waitMs?: number } = {}) {
  const heard: string[] = []
  const { secret = SECRET, waitMs = 5_000 } = options
  const count = await say({ text, chat: 'u1', url, secret, waitMs, hear: (answer) => heard.push(answer) })
  expect(count).toBe(heard.length)
  return heard
}

const ALL = ['You said hello.', 'image <https://files.example/cat.png>', 'Well?\n  1. Yes\n  2. No']

describe('saying something in a terminal', () => {
  test('shows every answer, and none of those before', async () => {
    await using bot = await start()
    expect(await hear(`${bot.runtime.url}/demo`, 'hello')).toEqual(ALL)
    expect((await hear(`${bot.runtime.url}/demo`, 'again'))[0]).toBe('You said again.')
  })

  test('ends when there is no answer', async () => {
    await using bot = await start()
    expect(await hear(`${bot.runtime.url}/demo`, 'silence', { waitMs: 100 })).toEqual([])
  })

  test('says what is wrong with the address or the secret', async () => {
    await using bot = await start()
    const { url } = bot.runtime
    await expect(hear(`${url}/other`, 'hello')).rejects.toThrow(`There is no channel at ${url}/other/sent.`)
    await expect(hear(`${url}/demo`, 'hello', { secret: 'another' })).rejects.toThrow('The channel has another secret.')
    await using gone = await testServer(() => new Response())
    await gone.down()
    await expect(hear(`${gone.url}/demo`, 'hello')).rejects.toThrow(`Nothing answers at ${gone.url}. Is it running?`)
  })
})
