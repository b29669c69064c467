/**
 * Speaks as `loopback` does, to a platform that takes the same message twice when it is sent twice. Lends nothing, so
 * that there may be several.
 */
import { ALWAYS, DeliveryError, defineChannel, secret, z } from '#core'
import { isSigned, sign } from '../../../plugins/channels/loopback/signature.ts'

const Posted = z.strictObject({ id: z.string(), chat: z.string(), text: z.string() })

export default defineChannel({
  name: 'line',
  summary: 'Two signed JSON requests, and a platform without idempotency keys.',
  config: z.strictObject({ secret: secret(), account: z.string(), sendTo: z.url(), later: z.boolean().default(true) }),
  account: ({ account }) => account,
  capabilities: ({ later }) => ({
    sends: { text: {} },
    inline: { withinMs: 4_500 },
    later: later ? [ALWAYS] : [],
    showsIdentity: 'none',
    idempotentSend: false,
  }),
  setup({ config, web, http, clock, receive }) {
    web.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => done(null, body))
    web.post('/', async (request, answer) => {
      const text = String(request.body)
      if (!isSigned(config.secret, request.headers, text, clock.now())) return answer.code(403).send({})
      const { id, chat, text: said } = Posted.parse(JSON.parse(text))
      const parts = [{ type: 'text', text: said } as const]
      const reply = await receive({ type: 'message', id, chat, parts, atMs: clock.now(), grants: ALWAYS.on })
      return reply ? { reply: { id: reply.id, chat: reply.chat, part: reply.part } } : {}
    })
    return {
      async send({ id, chat, part }, { signal }) {
        const body = JSON.stringify({ id, chat, part })
        const timestamp = String(clock.now())
        const headers = { 'x-timestamp': timestamp, 'x-signature': sign(config.secret, timestamp, body) }
        const response = await http(config.sendTo, { method: 'POST', headers, body, signal })
        if (!response.ok) throw new DeliveryError('CHANNEL_REFUSED', { message: `HTTP ${response.status}` })
        return {}
      },
    }
  },
})
