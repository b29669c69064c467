/** That the benchmark still works: what it measures is looked at by whoever runs it. */
import { expect, test } from 'vitest'
import { lengthenHistory } from '../bench/grown.ts'
import { asMarkdown } from '../bench/results.ts'
import { startSink } from '../bench/sink.ts'
import { ACCESS_TOKEN, APP_SECRET, answerTo, KEYS, SEND_PATH } from '../bench/wire.ts'
import { testRuntime } from '../core/testing/index.ts'
import { folder, run, useFolder } from './command.ts'

useFolder()

test('the same work, encrypted, goes through raw and through the product, and every reply is right', async () => {
  const { status, out, err } = await run('bench/run.ts', 'secure', '--quick').ended
  expect(err).toBe('')
  expect(out).toMatch(/ raw: .*"refused":0/)
  expect(out).toMatch(/ switchboard: .*"refused":0/)
  expect(status).toBe(0)
})

test('the journal by itself is measured in rounds: whoever writes again has had their answer', async () => {
  const { status, out, err } = await run('bench/run.ts', 'journal', '--quick').ended
  expect(err).toBe('')
  expect(out).toMatch(/ record, 100 at a time: .*"perSecond":\d/)
  expect(status).toBe(0)
})

test('a reply counts once, to whom and with the text that it was expected', async () => {
  const sink = await startSink()
  const answer = async (customer: string, text: string) => {
    const url = `http://127.0.0.1:${sink.port}${SEND_PATH}`
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

test('what is asked of the platform beside that counts as wrong, unless it is known', async () => {
  const sink = await startSink()
  const call = async (path: string, body?: string) => {
    const init = body === undefined ? {} : { method: 'POST', body }
    return (await fetch(`http://127.0.0.1:${sink.port}${path}`, init)).json()
  }
  const token = (secret: string) =>
    call('/cgi-bin/stable_token', JSON.stringify({ appid: KEYS.appId, secret, grant_type: 'client_credential' }))
  expect(await token(APP_SECRET)).toEqual({ access_token: ACCESS_TOKEN, expires_in: 7_200 })
  expect(await call('/cgi-bin/user/info?openid=ann')).toMatchObject({ errcode: 48_001 })
  expect(sink.wrong.first).toEqual([])
  await token('another')
  await call(SEND_PATH.replace(ACCESS_TOKEN, 'another'), answerTo('ann', 'hello'))
  sink.close()
  expect(sink.wrong.first).toEqual([
    'Nobody expected POST /cgi-bin/stable_token HTTP/1.1',
    'Nobody expected POST /cgi-bin/message/custom/send?access_token=another HTTP/1.1',
  ])
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
