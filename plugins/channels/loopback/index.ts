import {
  ALWAYS,
  type Delivery,
  DeliveryError,
  defineChannel,
  type Generated,
  type Part,
  secret,
  tables,
  z,
} from '#core'
import { loopback } from '../../services/loopback.ts'
import { toEvent } from './events.ts'
import { isSigned, sign } from './signature.ts'

interface SentRow {
  n: Generated<number>
  id: string
  chat: string
  message: string
}

const Fetch = z.object({ chat: z.string().min(1), after: z.coerce.number().int().nonnegative().default(0) })
const INLINE_MS = 4_500

export default defineChannel({
  name: 'loopback',
  summary:
    'A platform made of two signed JSON requests: for trying things out, and the pattern for channels of your own.',
  config: z.strictObject({
    secret: secret().describe('Signs the requests of both sides.'),
    account: z.string().default('loopback').describe('The name of the account; chats belong to it.'),
    sendTo: z.url().optional().describe('Where answers are posted. Left out, they wait to be fetched.'),
  }),
  account: ({ account }) => account,
  capabilities: () => ({
    sends: { text: { maxChars: 4_000 }, image: {}, file: {}, link: {}, choices: { max: 20 } },
    inline: { withinMs: INLINE_MS },
    later: [ALWAYS],
    showsIdentity: { avatar: true },
    idempotentSend: true,
  }),
  provides: { loopback },
  tables: tables<{ sent: SentRow }>({
    '1-sent':
      'CREATE TABLE sent (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, chat TEXT NOT NULL, message TEXT NOT NULL); CREATE INDEX sent_chat ON sent(chat, n)',
  }),
  setup({ config, web, http, sql, clock, receive }) {
    const takers = new Set<(sent: { id: string; chat: string; part: Part }) => void>()

    // The signature is over the bytes, so they are read as they came.
    web.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => done(null, body))
    web.post('/', async (request, answer) => {
      const text = String(request.body)
      if (!isSigned(config.secret, request.headers, text, clock.now())) return answer.code(403).send(UNSIGNED)
      const inline = await receive(toEvent(JSON.parse(text), clock.now()))
      return inline ? { reply: messageOf(inline) } : {}
    })
    web.get('/sent', async (request, answer) => {
      const query = request.url.slice(request.url.indexOf('?') + 1)
      if (!isSigned(config.secret, request.headers, query, clock.now())) return answer.code(403).send(UNSIGNED)
      const { chat, after } = Fetch.parse(request.query)
      const rows = await sql
        .selectFrom('sent')
        .selectAll()
        .where('chat', '=', chat)
        .where('n', '>', after)
        .orderBy('n')
        .limit(100)
        .execute()
      return { sent: rows.map(({ n, message }) => ({ n, ...JSON.parse(message) })) }
    })

    return {
      async send(delivery, { signal }) {
        const message = JSON.stringify(messageOf(delivery))
        if (config.sendTo) await post(config.sendTo, message, signal)
        else
          await sql
            .insertInto('sent')
            .values({ id: delivery.id, chat: delivery.chat, message })
            .onConflict((c) => c.doNothing())
            .execute()
        for (const take of takers) take(delivery)
        return { platformId: delivery.id }
      },
      services: {
        loopback: {
          async receive(event) {
            await receive(event)
          },
          onSent(take) {
            takers.add(take)
            return () => takers.delete(take)
          },
        },
      },
    }

    async function post(url: string, body: string, signal: AbortSignal): Promise<void> {
      const timestamp = String(clock.now())
      const headers = {
        'content-type': 'application/json',
        'x-timestamp': timestamp,
        'x-signature': sign(config.secret, timestamp, body),
      }
      const response = await http(url, { method: 'POST', headers, body, signal })
      if (!response.ok) throw refusal(response)
    }
  },
})

const UNSIGNED = {
  code: 'UNSIGNED',
  message: 'x-timestamp and x-signature must sign the body with the secret of this channel.',
}

function messageOf({ id, chat, part, identity, inReplyTo }: Delivery) {
  return { id, chat, part, identity, inReplyTo }
}

/** 4xx says what sending again cannot mend; 401 and 403 concern the secret, so the whole channel. */
function refusal({ status, headers }: Response): DeliveryError {
  const message = `HTTP ${status}`
  if (status === 401 || status === 403) return new DeliveryError('CHANNEL_TOKEN', { scope: 'channel', message })
  const retryAfterMs = Number(headers.get('retry-after') ?? Number.NaN) * 1_000 || undefined
  if (status === 429) return new DeliveryError('CHANNEL_RATE_LIMITED', { retryAfterMs, message })
  if (status === 404) return new DeliveryError('CHANNEL_NO_CHAT', { message })
  return new DeliveryError(status < 500 ? 'CHANNEL_REFUSED' : 'CHANNEL_DOWN', { retryAfterMs, message })
}
