import { ALWAYS, DeliveryError, defineChannel, duration, type InboundEvent, secret, z } from '#core'

const Message = z.object({
  message_id: z.int(),
  date: z.int(),
  text: z.string().optional(),
  chat: z.object({ id: z.int() }),
  from: z.object({ first_name: z.string(), language_code: z.string().optional() }).optional(),
})
const Update = z.object({ update_id: z.int(), message: Message.optional(), edited_message: Message.optional() })
const Refused = z.object({
  ok: z.literal(false),
  error_code: z.int(),
  description: z.string(),
  parameters: z.object({ retry_after: z.number().optional() }).optional(),
})
const Answer = z.discriminatedUnion('ok', [z.object({ ok: z.literal(true), result: z.unknown() }), Refused])

export default defineChannel({
  name: 'telegram',
  summary: 'Telegram bots, by long polling.',
  config: z.strictObject({
    token: secret().describe('The token that @BotFather gave.'),
    api: z.url().default('https://api.telegram.org').describe('The address of the Bot API.'),
    poll: duration('50s').describe('How long one poll waits for news.'),
  }),
  account: ({ token }) => token.split(':')[0] ?? '',
  capabilities: () => ({ sends: { text: { maxChars: 4_096 } }, later: [ALWAYS], showsIdentity: 'none' }),
  setup({ config, http, receive }) {
    async function call(method: string, body: object, signal: AbortSignal): Promise<unknown> {
      const headers = { 'content-type': 'application/json' }
      const url = `${config.api}/bot${config.token}/${method}`
      const response = await http(url, { method: 'POST', headers, body: JSON.stringify(body), signal })
      const answer = Answer.parse(await response.json())
      if (!answer.ok) throw refusal(answer)
      return answer.result
    }
    return {
      async send({ chat, part }, { signal }) {
        const text = part.type === 'text' ? part.text : ''
        const sent = Message.parse(await call('sendMessage', { chat_id: Number(chat), text }, signal))
        return { platformId: String(sent.message_id) }
      },
      async listen(signal) {
        // An offset confirms all before it, so it moves on only when these are accepted. What an earlier poller has not
        // confirmed comes once more, and is known by its id.
        let offset = 0
        while (!signal.aborted) {
          const updates = await call('getUpdates', { offset, timeout: config.poll / 1_000 }, signal)
          for (const update of z.array(Update).parse(updates)) {
            const event = toEvent(update)
            if (event) await receive(event)
            offset = update.update_id + 1
          }
        }
      },
    }
  },
})

function toEvent({ update_id, message, edited_message: edited }: z.output<typeof Update>): InboundEvent | undefined {
  const about = message ?? edited
  if (!about) return undefined
  const { chat, date, from, text, message_id } = about
  const messageId = `${chat.id}-${message_id}`
  const base = { id: message ? messageId : `update-${update_id}`, chat: String(chat.id), atMs: date * 1_000 }
  if (text === undefined) return { ...base, type: 'other', kind: 'no text' }
  const parts = [{ type: 'text', text }] as const
  if (!message) return { ...base, type: 'edit', of: messageId, parts }
  const sender = { name: from?.first_name, language: from?.language_code }
  return { ...base, type: 'message', parts, sender, grants: 'message' }
}

function refusal({ error_code: status, description, parameters }: z.output<typeof Refused>): DeliveryError {
  const message = `${status} ${description}`
  const retryAfterMs = parameters?.retry_after && parameters.retry_after * 1_000
  if (status === 429) return new DeliveryError('CHANNEL_RATE_LIMITED', { retryAfterMs, message })
  if (status === 401)
    return new DeliveryError('CHANNEL_TOKEN', { scope: 'channel', message: `${message}. Ask @BotFather.` })
  if (status === 403) return new DeliveryError('CHANNEL_NO_CHAT', { message })
  return new DeliveryError(status < 500 ? 'CHANNEL_REFUSED' : 'CHANNEL_DOWN', { message })
}
