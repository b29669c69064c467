import { definePlugin, type Reply, refers, z } from '#core'
import { blacklist } from '../../services/blacklist.ts'
import { openEntries, TABLES } from './entries.ts'
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
    const list = makeService(context, entries)
    addRoutes(context, entries, list)
    const inYaml = new Map(Object.entries(context.config.customers).map(([channel, ids]) => [channel, new Set(ids)]))

    // At once, and nothing, for nearly everybody: then no table is asked.
    const reasonFor = ({ channel, chat, customer }: Pick<Reply, 'channel' | 'chat' | 'customer'>) =>
      inYaml.get(channel.name)?.has(chat.externalId) ? Promise.resolve('in the YAML') : entries.find(chat, customer)

    return {
      services: { blacklist: list },
      inbound: {
        guard: (turn, next) =>
          reasonFor(turn)?.then(async (reason) => {
            if (!reason) return next()
            if (turn.conversation) await entries.close(turn.conversation.id)
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
