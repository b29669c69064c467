/** A channel with WeChat's wire form, and nothing of its platform besides: until the `wechat` plugin is measured itself. */
import { timingSafeEqual } from 'node:crypto'
import { DeliveryError, defineChannel, secret, z } from 'switchboard'
import { ACCOUNT, answerTo, readXml, SEND_PATH, sign } from '../wire.ts'

const Query = z.object({ signature: z.string(), timestamp: z.string(), nonce: z.string() })
const HOUR_MS = 60 * 60 * 1_000

export default defineChannel({
  name: 'bench',
  summary: 'Speaks as WeChat does, to be measured.',
  config: z.strictObject({ token: secret(), sendTo: z.url() }),
  account: () => ACCOUNT,
  capabilities: () => ({
    sends: { text: { maxBytes: 2_048 } },
    later: [{ on: 'message', withinMs: 48 * HOUR_MS, max: 5, resets: true }],
    showsIdentity: 'none',
  }),
  setup({ config, web, http, receive }) {
    web.removeAllContentTypeParsers()
    web.addContentTypeParser('text/xml', { parseAs: 'string' }, (_request, body, done) => done(null, body))
    web.post('/', async ({ query, body }, answer) => {
      const { signature, timestamp, nonce } = Query.parse(query)
      if (!isSame(signature, sign(config.token, timestamp, nonce))) return answer.code(403).send()
      const { id, from, text } = readXml(String(body))
      await receive({
        ...{ id, chat: from, type: 'message', grants: 'message', atMs: Number(timestamp) * 1_000 },
        parts: [{ type: 'text', text }],
      })
      return 'success'
    })

    return {
      async send({ chat, part }, { signal }) {
        if (part.type !== 'text') throw new DeliveryError('CHANNEL_REFUSED', { message: `It takes no ${part.type}.` })
        const headers = { 'content-type': 'application/json' }
        const body = answerTo(chat, part.text)
        const response = await http(`${config.sendTo}${SEND_PATH}`, { method: 'POST', headers, body, signal })
        const said = await response.text()
        if (!response.ok) throw new DeliveryError('CHANNEL_DOWN', { message: `HTTP ${response.status} ${said}` })
        return {}
      },
    }
  },
})

/** Takes as long for a wrong one as for a right one. */
function isSame(given: string, right: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(right)]
  return a.length === b.length && timingSafeEqual(a, b)
}
