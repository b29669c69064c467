/** A process whose bot blocks the thread when it is told to. Started by watchdog.test.ts with its storage folder. */
import { join } from 'node:path'
import { defineBot, z } from '#core'
import { memoryChannel } from '#core/testing'
import { checkConfig } from '../../core/config/check.ts'
import { startRuntime } from '../../core/runtime/runtime.ts'
import { makeLog } from '../../core/services/log.ts'

const [folder = '', ...texts] = process.argv.slice(2)
const channel = memoryChannel()

const stubborn = defineBot({
  name: 'stubborn',
  summary: 'Never comes back from one word.',
  config: z.strictObject({}),
  setup: () => ({
    async answer(turn) {
      await Promise.resolve()
      if (turn.text === 'block') for (;;);
      return turn.reply(`heard ${turn.text}`)
    },
  }),
})

const text = `
server: { port: 0, publicUrl: http://localhost }
languages: [en]
storage: { folder: ${JSON.stringify(folder)} }
channels: { memory: { use: memory } }
bots: { slow: { use: stubborn } }
routes: [{ from: [memory], mode: bot-only, bot: slow }]
`
const plugins = { memory: channel.plugin, stubborn }
const checked = await checkConfig(join(folder, 'switchboard.yaml'), { text, plugins, env: {} })
if (!checked.ok) throw new Error(JSON.stringify(checked.problems))
const runtime = await startRuntime(checked.config, {
  log: makeLog({ level: 'silent' }),
  listen: false,
  watchdog: 1_500,
})
await Promise.all(
  texts.map((said, i) =>
    channel.receive({
      id: `${i}`,
      chat: 'u1',
      atMs: 1,
      grants: 'message',
      type: 'message',
      parts: [{ type: 'text', text: said }],
    }),
  ),
)
await runtime.idle()
const entries = await runtime.engine.read
  .selectFrom('entry')
  .select(['outcome', 'because'])
  .where('kind', '=', 'in')
  .orderBy('seq')
  .execute()
await runtime.stop()
process.stdout.write(JSON.stringify({ outcomes: entries, sent: channel.sent.map(({ part }) => part) }))
