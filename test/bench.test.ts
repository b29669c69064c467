/** That the benchmark still works: what it measures is looked at by whoever runs it. */
import { expect, test } from 'vitest'
import { lengthenHistory } from '../bench/grown.ts'
import { asMarkdown } from '../bench/results.ts'
import { startSink } from '../bench/sink.ts'
import { answerTo } from '../bench/wire.ts'
import { testRuntime } from '../core/testing/index.ts'
import { folder, run, useFolder } from './command.ts'

useFolder()

test('the same work goes through raw and through the product, and every reply is right', async () => {
  const { status, out, err } = await run('bench/run.ts', 'closed', '--quick').ended
  expect(err).toBe('')
  expect(out).toMatch(/ raw: .*"refused":0/)
  expect(out).toMatch(/ switchboard: .*"refused":0/)
  expect(status).toBe(0)
})

test('a reply counts once, to whom and with the text that it was expected', async () => {
  const sink = await startSink()
  const answer = async (customer: string, text: string) => {
    const url = `http://127.0.0.1:${sink.port}/`
    await (await fetch(url, { method: 'POST', body: answerTo(customer, text) })).text()
  }
  let arrived = 0
  sink.expect({ customer: 'ann', reply: 'hello', arrived: () => void arrived++ })
  await answer('bo', 'hello')
  await answer('ann', 'hi')
  await answer('ann', 'hello')
  await answer('ann', 'hello')
  sink.close()
  expect(arrived).toBe(1)
  expect(sink.wrong.first).toEqual(['bo got "hello"', 'ann got "hi"', 'ann got "hello"'])
})

test('a lengthened history has gaps nowhere, and its chats go on', async () => {
  const config = { bots: { parrot: { use: 'echo' } } }
  {
    await using bot = await testRuntime(config, { folder })
    await bot.user('ann').says('hello')
    await bot.user('bo').says('hi')
  }
  lengthenHistory(folder, 200)
  await using bot = await testRuntime(config, { folder })
  await bot.user('ann').says('hello again').hears('echo: hello again')
  const entries = await bot.entries('ann')
  expect(entries.length).toBeGreaterThan(100)
  expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => i + 1))
})

test('a goal compares what was measured in the same launch', () => {
  const about = { about: '', date: '', commit: '', node: '', machine: '', flushMs: 0 }
  const raw = [{ cpuUs: 10 }, { cpuUs: 100 }, { cpuUs: 20 }]
  const switchboard = [{ cpuUs: 20 }, { cpuUs: 150 }, { cpuUs: 60 }]
  const page = asMarkdown({ closed: { ...about, rows: { raw, switchboard } } })
  expect(page).toContain('| CPU per message beside raw | 2 (1.5–3) | at most 1.6 | no |')
  expect(page).toContain('| Messages per second beside raw | not measured | at least 0.6 | – |')
})
