import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { readJournal } from '../core/journal/sqlite/read-journal.ts'
import { config, folder, post, started, useFolder } from './command.ts'

useFolder()

/** A bot that answers once there is a file named `go`, and says when it has been asked. */
const BOT = `
import { existsSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { defineBot, z } from 'switchboard'

export default defineBot({
  name: 'slow',
  summary: 'Answers when it may.',
  config: z.strictObject({}),
  setup: ({ log }) => ({
    async answer(turn) {
      log.info({}, 'asked')
      while (!existsSync(new URL('./go', import.meta.url))) await setTimeout(10)
      return turn.reply('at last: ' + turn.text)
    },
  }),
})
`
const yaml = (drainFor: string) => `server: { port: 0, publicUrl: http://localhost }
storage: { folder: ./data }
limits: { drainFor: ${drainFor} }
channels:
  demo:
    use: loopback
    secret: \${LOOPBACK_SECRET}
bots: { bot: { use: ./slow.ts } }
routes: [{ from: [demo], mode: bot-only, bot: bot }]
`

beforeEach(() => writeFile(join(folder, 'slow.ts'), BOT))

/** What the journal says of the one event, and of the answer to it. */
async function recorded() {
  const journal = readJournal(join(folder, 'data'))
  if (!journal) throw new Error('There is no journal.')
  try {
    return {
      events: await journal.read.selectFrom('entry').select(['outcome']).where('kind', '=', 'in').execute(),
      deliveries: await journal.read.selectFrom('delivery').select(['state', 'payload_json']).execute(),
    }
  } finally {
    await journal.close()
  }
}

test('on SIGTERM a slow turn is finished and answered before the process ends; what comes meanwhile is turned away', async () => {
  const { url, says, child, ended } = await started(await config(yaml('20s')))
  expect(await post(url, { id: '1', chat: 'u1', text: 'hello' })).toBe(200)
  await says('"asked"')
  child.kill('SIGTERM')
  await says('stopping: turns under way are finished first')
  expect(await post(url, { id: '2', chat: 'u1', text: 'too late' })).toBe(503)
  await writeFile(join(folder, 'go'), '')
  expect(await ended).toMatchObject({ status: 0, out: expect.stringContaining('"stopped"') })
  expect(await recorded()).toEqual({
    events: [{ outcome: 'answered' }],
    deliveries: [{ state: 'sent', payload_json: expect.stringContaining('at last: hello') }],
  })
})

test('a bot that never ends does not keep the process: the event waits for the next start', async () => {
  const file = await config(yaml('1s'))
  const { url, says, child, ended } = await started(file)
  expect(await post(url, { id: '1', chat: 'u1', text: 'hello' })).toBe(200)
  await says('"asked"')
  const asked = performance.now()
  child.kill('SIGTERM')
  expect(await ended).toMatchObject({ status: 0, out: expect.stringContaining('"stopped"') })
  // Its 1 s to drain; the rest is for a busy machine, and less than the 30 s that it has when nothing is said.
  expect(performance.now() - asked).toBeLessThan(1_000 + 19_000)
  expect(await recorded()).toEqual({ events: [{ outcome: null }], deliveries: [] })

  await writeFile(join(folder, 'go'), '')
  const again = await started(file)
  await again.says('"asked"')
  again.child.kill('SIGTERM')
  expect((await again.ended).status).toBe(0)
  expect(await recorded()).toMatchObject({ events: [{ outcome: 'answered' }], deliveries: [{ state: 'sent' }] })
})
