import { definePlugin, type Reply, refers, z } from '#core'
import { blacklist } from '../../services/blacklist.ts'
import { openEntries, TABLES } from './entries.ts'
import { makeInYaml } from './in-yaml.ts'
import { openChats } from './open-chats.ts'
import { addRoutes } from './routes.ts'
import { makeService, told } from './service.ts'

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
    const { name, config, audit, journal, schedule } = context
    const entries = await openEntries(context)
    const inYaml = makeInYaml(config.customers, context)
    const list = makeService(context, entries, inYaml)
    addRoutes(context, entries, list)

    // At once, and nothing, for nearly everybody: then no table is asked.
    const reasonFor = ({ chat, customer }: Pick<Reply, 'chat'> & { readonly customer: { readonly id: string } }) =>
      inYaml.has({ account: chat.account, id: chat.externalId })
        ? Promise.resolve('in the YAML')
        : entries.find(chat, customer)

    schedule('1h', async () => {
      for (const entry of await entries.removeOver())
        audit({ by: { kind: 'feature', name }, action: 'blacklist.expire', before: told(entry) })
    })

    return {
      services: { blacklist: list },
      /** Who is in the YAML from now on, or was listed just before the process ended, may have something open. */
      async started() {
        for await (const { chat, customer } of openChats(journal))
          if (await reasonFor({ chat, customer })) await entries.turnAway([chat.id])
      },
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
