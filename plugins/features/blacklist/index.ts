import { definePlugin, refers, z } from '#core'
import { blacklist } from '../../services/blacklist.ts'
import { openEntries, TABLES } from './entries.ts'
import { makeInYaml } from './in-yaml.ts'
import { makeReasons, turnAwayOpen } from './reasons.ts'
import { addRoutes } from './routes.ts'
import { makeService } from './service.ts'

export default definePlugin({
  name: 'blacklist',
  summary: 'Turns listed customers away: what they write is kept, and nobody answers it.',
  config: z.strictObject({
    customers: z
      .record(refers('channel'), z.array(z.string().min(1)))
      .default({})
      .describe('Who is always turned away: for each channel, the ids that its platform gives them.'),
  }),
  provides: { blacklist },
  tables: TABLES,
  ifGuardFails: 'drop',
  async setup(context) {
    const entries = await openEntries(context)
    const inYaml = makeInYaml(context.config.customers, context)
    const list = makeService(context, entries, inYaml)
    addRoutes(context, entries, list)

    const reasonFor = makeReasons(inYaml, entries)
    return {
      services: { blacklist: list },
      erase: entries.erase,
      kept: entries.kept,
      started: () => turnAwayOpen(context.journal, reasonFor, entries),
      inbound: {
        guard: (turn, next) =>
          reasonFor(turn)?.then(async (reason) => {
            if (!reason) return next()
            if (turn.conversation) await entries.turnAway([turn.chat.id])
            return turn.drop(`blacklisted (${reason})`)
          }) ?? next(),
      },
      outbound: {
        // Nor does anything else speak to them: a timer's question, or what was being written when they were listed.
        rewrite: (reply, next) =>
          reasonFor(reply)?.then((reason) => (reason ? reply.drop(`blacklisted (${reason})`) : next())) ?? next(),
      },
    }
  },
})
