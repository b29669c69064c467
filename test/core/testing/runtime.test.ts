/** What authors are given for their tests: that it fails when it should, and says why. */
import { existsSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { defineBot, definePlugin, z } from '../../../core/index.ts'
import { manualClock, memoryChannel, testRuntime } from '../../../core/testing/index.ts'

const ECHO = { bots: { parrot: { use: 'echo' } } }

describe('the clock of a test', () => {
  test('stands still, and runs what is due in the order of its times', async () => {
    const clock = manualClock(1_000)
    const ran: string[] = []
    const note = (what: string) => () => void ran.push(`${what} at ${clock.now()}`)
    clock.after(30, note('late'))
    clock.after(10, () => {
      note('early')()
      clock.after(5, note('set by early'))
    })
    const cancel = clock.after(20, note('cancelled'))
    cancel()
    expect(clock.waiting).toBe(2)
    expect(clock.nextAtMs).toBe(1_010)
    await clock.advance(29)
    expect(ran).toEqual(['early at 1010', 'set by early at 1015'])
    await clock.advance(1)
    expect(ran.at(-1)).toBe('late at 1030')
    expect(clock.waiting).toBe(0)
    expect(clock.nextAtMs).toBeUndefined()
  })
})

describe('a customer of a test', () => {
  test('who hears something else fails it, with everything that was said', async () => {
    await using bot = await testRuntime(ECHO)
    const user = bot.user('u1')
    await user.says('hello').hears('echo: hello')
    await expect(user.says('bye').hears('good bye')).rejects.toThrow(
      'u1 was sent:\n    {"type":"text","text":"echo: hello"}\n  > {"type":"text","text":"echo: bye"}',
    )
  })

  test('who hears nothing, or more than nothing, fails it', async () => {
    await using bot = await testRuntime(ECHO)
    await expect(bot.user('u1').hears('hello')).rejects.toThrow('u1 waits to hear "hello", and heard 0 messages in all')
    await expect(bot.user('u2').says('hello').hearsNothing()).rejects.toThrow('u2 was sent:')
  })

  test('hears by pattern and by part, repeats himself, clicks, and follows', async () => {
    const seen: string[] = []
    const noting = definePlugin({
      name: 'noting',
      summary: 'Notes what comes.',
      config: z.strictObject({}),
      setup: () => ({
        inbound: {
          guard(turn, next) {
            seen.push(turn.event.type === 'message' ? `${turn.text} ${turn.choice ?? '-'}` : turn.event.type)
            return next()
          },
        },
      }),
    })
    await using bot = await testRuntime({ ...ECHO, features: [{ use: noting }] })
    const user = bot.user('u1', { name: 'Ada', language: 'en' })
    await user.says('hello').repeats().hears(/^echo/).clicks('yes', 'Yes, please').hears({ type: 'text' })
    await user.does({ type: 'follow' }).hearsNothing()
    expect(seen).toEqual(['hello -', 'Yes, please yes', 'follow'])
    expect(await bot.outcomes('u1')).toHaveLength(3)
  })
})

describe('a runtime of a test', () => {
  test('that is configured wrongly says what is wrong, as the command would, and leaves nothing behind', async () => {
    const failed = testRuntime({ bots: { parrot: { use: 'echo', prefex: '' } } })
    await expect(failed).rejects.toThrow(
      /bots\.parrot\.prefex +CONFIG_UNKNOWN_KEY\n {2}echo has no setting "prefex"\.\n {2}Write "?prefix"? instead/,
    )
    const folder = /folder: (\S+)/.exec(String(await failed.catch((error: unknown) => error)))?.[1] ?? ''
    expect(folder).toMatch(/switchboard-/)
    expect(existsSync(folder)).toBe(false)
  })

  test('waits for what takes real time, also after something that only waited for the clock', async () => {
    const clock = manualClock(0)
    const answeredAtMs: number[] = []
    const slow = defineBot({
      name: 'slow',
      summary: 'Takes real time to answer.',
      config: z.strictObject({}),
      setup: () => ({
        async answer(turn) {
          await setTimeout(50)
          answeredAtMs.push(clock.now())
          return turn.reply('at last')
        },
      }),
    })
    const routes = [{ from: ['memory'], mode: 'bot-only', bot: 'slow', collect: '2s' }]
    await using bot = await testRuntime({ bots: { slow: { use: slow } }, routes }, { clock })
    await bot.user('u1').says('hello')
    await bot.advance(60_000)
    expect(answeredAtMs).toEqual([2_000])
  })

  test('goes on from its folder when it is started again', async () => {
    const channel = memoryChannel()
    await using bot = await testRuntime(ECHO, { channel })
    await bot.user('u1').says('hello').hears('echo: hello')
    await bot.restart({ bots: { parrot: { use: 'echo', prefix: '> ' } } })
    await bot.user('u1').repeats().says('again').hears('> again').hearsNothing()
    expect((await bot.entries('u1')).map(({ kind }) => kind)).toEqual(['in', 'out', 'in', 'out'])
  })
})
