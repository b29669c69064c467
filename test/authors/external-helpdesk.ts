import { createHmac, timingSafeEqual } from 'node:crypto'
import { DeliveryError, defineDesk, secret, z } from '#core'

const about = { id: z.string().min(1), conversation: z.string().min(1), agent: z.string().min(1) }
const Hook = z.discriminatedUnion('type', [
  z.object({ ...about, type: z.enum(['took', 'solved']) }),
  z.object({ ...about, type: z.literal('said'), text: z.string().min(1) }),
])
const COMMANDS = { took: { type: 'take' }, solved: { type: 'close', because: 'solved' } } as const

export default defineDesk({
  name: 'external-helpdesk',
  summary: 'Bridges a helpdesk that speaks signed webhooks.',
  config: z.strictObject({
    url: z.url().describe('Where the helpdesk is told what happens in a conversation.'),
    key: secret().describe('Signs the requests of both sides.'),
    teams: z.array(z.string().min(1)).default([]).describe('The groups of the helpdesk that routes may name.'),
  }),
  names: ({ teams }) => ({ people: [], teams }),
  setup({ name, config, http, web, command }) {
    const sign = (text: string) => createHmac('sha256', config.key).update(text).digest('hex')
    const isSigned = (text: string, signature: unknown) => {
      const [given, expected] = [Buffer.from(String(signature)), Buffer.from(sign(text))]
      return given.length === expected.length && timingSafeEqual(given, expected)
    }
    // What is signed are the bytes, so they are read as they came.
    web.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => done(null, body))
    web.post('/', { config: { public: true } }, async ({ body, headers }, answer) => {
      if (!isSigned(String(body), headers['x-signature'])) return answer.code(403).send()
      const { id, conversation, agent, ...hook } = Hook.parse(JSON.parse(String(body)))
      const what = hook.type === 'said' ? ({ type: 'send', content: hook.text } as const) : COMMANDS[hook.type]
      const by = { kind: 'agent', person: agent } as const
      const result = await command({ id: `${name}:${id}`, conversation, by, ...what })
      return answer.code(result.ok ? 200 : 409).send(result)
    })
    return {
      where: ({ to }) => ({ team: to?.team }),
      async deliver(item, { id, signal }) {
        const body = JSON.stringify(item)
        const headers = { 'content-type': 'application/json', 'idempotency-key': id, 'x-signature': sign(body) }
        const response = await http(config.url, { method: 'POST', headers, body, signal })
        if (!response.ok) throw new DeliveryError('HELPDESK_DOWN', { message: `HTTP ${response.status}` })
      },
    }
  },
})
