import { ALWAYS, type Delivery, defineChannel, type Generated, secret, tables, z } from '#core'
import { loopback } from '../../services/loopback.ts'
import { toEvent } from './events.ts'
import { makeOnlookers } from './onlookers.ts'
import { refusal } from './refusal.ts'
import { isSigned, signedHeaders } from './signature.ts'

const KEPT_MS = 7 * 24 * 60 * 60 * 1000
const Fetch = z.object({ chat: z.string().min(1), after: z.coerce.number().int().nonnegative().default(0) })
const UNSIGNED = { code: 'UNSIGNED', message: 'x-timestamp and x-signature do not sign this request.' }

export default defineChannel({
  name: 'loopback',
  summary: 'A platform made of two signed requests: for trying things out, and the pattern for channels of your own.',
  config: z.strictObject({
    secret: secret().describe('Signs the requests of both sides.'),
    account: z.string().min(1).default('loopback').describe('The name of the account; chats belong to it.'),
    sendTo: z.url().optional().describe('Where answers are posted. Left out, they wait to be fetched for a week.'),
  }),
  account: ({ account }) => account,
  capabilities: () => ({
    sends: { text: { maxChars: 4_000 }, image: {}, file: {}, link: {}, choices: { max: 20 } },
    inline: { withinMs: 4_500 },
    later: [ALWAYS],
    showsIdentity: { avatar: true },
    idempotentSend: true,
  }),
  provides: { loopback },
  tables: tables<{ sent: { n: Generated<number>; id: string; chat: string; message: string; at: number } }>({
    '1-sent': `CREATE TABLE sent (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, chat TEXT NOT NULL,
      message TEXT NOT NULL, at INTEGER NOT NULL); CREATE INDEX sent_chat ON sent(chat, n)`,
  }),
  setup({ config, web, http, sql, clock, log, schedule, receive }) {
    const onlookers = makeOnlookers(log)

    // A signature is over the bytes, so they are kept as they came; whatever is not signed gets no further.
    web.removeAllContentTypeParsers()
    web.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    web.addHook('preHandler', async ({ body, headers, url }, answer) => {
      const sent = Buffer.isBuffer(body) ? body : url.slice(url.indexOf('?') + 1)
      if (!isSigned(config.secret, headers, sent, clock.now())) return answer.code(403).send(UNSIGNED)
    })
    web.post('/', async ({ body }) => {
      const delivery = await receive(toEvent(String(body ?? ''), clock.now()))
      if (delivery) onlookers.tell(delivery)
      return { reply: delivery && messageOf(delivery) }
    })
    web.get('/sent', async ({ query }) => {
      const { chat, after } = Fetch.parse(query)
      const waiting = sql.selectFrom('sent').select(['n', 'message']).where('chat', '=', chat).where('n', '>', after)
      const rows = await waiting.orderBy('n').limit(100).execute()
      return { sent: rows.map(({ n, message }) => ({ n, ...JSON.parse(message) })) }
    })
    schedule('1h', async () => {
      const old = sql.deleteFrom('sent').where('at', '<', clock.now() - KEPT_MS)
      await old.execute()
    })

    return {
      async send(delivery, { signal }) {
        const { id, chat } = delivery
        const message = JSON.stringify(messageOf(delivery))
        const row = { id, chat, message, at: clock.now() }
        if (config.sendTo) await post(config.sendTo, message, signal)
        else await sql.insertInto('sent').orIgnore().values(row).execute()
        onlookers.tell(delivery)
        return { platformId: id }
      },
      services: {
        loopback: {
          async receive(event) {
            const delivery = await receive(event)
            if (delivery) onlookers.tell(delivery)
          },
          onSent: onlookers.add,
        },
      },
    }

    async function post(url: string, body: string, signal: AbortSignal): Promise<void> {
      const headers = { 'content-type': 'application/json', ...signedHeaders(config.secret, clock.now(), body) }
      const response = await http(url, { method: 'POST', headers, body, signal })
      // Read in any case: a connection is free again only when its answer has been.
      const said = await response.text()
      if (!response.ok) throw refusal(response, said)
    }
  },
})

function messageOf({ id, chat, part, identity, inReplyTo }: Delivery) {
  return { id, chat, part, identity, inReplyTo }
}
