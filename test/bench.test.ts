/** That the benchmark still works: what it measures is looked at by whoever runs it. */
import { expect, test } from 'vitest'
import { startSink } from '../bench/sink.ts'
import { answerTo } from '../bench/wire.ts'
import { run, useFolder } from './command.ts'

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
