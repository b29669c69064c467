/** The contract with a channel that was written by someone else, for a platform that makes its own numeric ids. */
import { describe, test } from 'vitest'
import { z } from '../../../core/index.ts'
import { channelContract, type SimulatedPlatform, testServer } from '../../../core/testing/index.ts'
import telegram from '../../authors/telegram.ts'

const TOKEN = '110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw'
const GetUpdates = z.object({ offset: z.int() })
const SendMessage = z.object({ chat_id: z.int(), text: z.string().min(1).max(4_096) })

const REFUSALS: { readonly [refusal: string]: object } = {
  unauthorized: { error_code: 401, description: 'Unauthorized' },
  blocked: { error_code: 403, description: 'Forbidden: bot was blocked by the user' },
  flood: { error_code: 429, description: 'Too Many Requests: retry after 3', parameters: { retry_after: 3 } },
}

async function startTelegram(): Promise<SimulatedPlatform & { readonly url: string }> {
  const updates: { readonly update_id: number }[] = []
  const sent: z.infer<typeof SendMessage>[] = []
  let lastUpdate = 0
  let isNew = Promise.withResolvers<void>()
  let refused: object | undefined
  const server = await testServer(async (request) => {
    const method = new URL(request.url).pathname.split('/').at(-1)
    const body: unknown = await request.json()
    if (method === 'sendMessage') {
      if (refused) return Response.json({ ok: false, ...refused })
      const message = SendMessage.parse(body)
      const message_id = 1_000 + sent.push(message)
      return Response.json({ ok: true, result: { message_id, date: 1767225600, chat: { id: message.chat_id } } })
    }
    const { offset } = GetUpdates.parse(body)
    updates.splice(0, updates.filter(({ update_id }) => update_id < offset).length)
    const gone = new Promise((resolve) => request.signal.addEventListener('abort', resolve))
    if (updates.length === 0) await Promise.race([isNew.promise, gone])
    return Response.json({ ok: true, result: updates.slice(0, 100) })
  })
  return {
    url: server.url,
    message: ({ id, chat, text, atMs }) =>
      JSON.stringify({ message: { message_id: Number(id), date: atMs / 1_000, chat: { id: Number(chat) }, text } }),
    offer(bytes) {
      updates.push({ ...JSON.parse(bytes), update_id: ++lastUpdate })
      isNew.resolve()
      isNew = Promise.withResolvers<void>()
    },
    shown: (chat) => sent.filter(({ chat_id }) => chat_id === Number(chat)).map(({ text }) => ({ type: 'text', text })),
    refuse(refusal) {
      refused = REFUSALS[refusal]
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

describe('the Telegram channel of an outsider', () => {
  const contract = channelContract({
    plugin: telegram,
    platform: startTelegram,
    settings: ({ url }) => ({ token: TOKEN, api: url }),
    fixtures: {
      folder: new URL('__fixtures__/telegram/', import.meta.url),
      events: {
        'message.json': {
          id: '4711-17',
          chat: '4711',
          type: 'message',
          parts: [{ type: 'text', text: 'hello' }],
          sender: { name: 'Ada', language: 'en' },
          atMs: 1767225600000,
          grants: 'message',
        },
        'sticker.json': { type: 'other', kind: 'no text' },
        'reaction.json': [],
      },
    },
    refusals: {
      unauthorized: { code: 'CHANNEL_TOKEN', scope: 'channel' },
      blocked: { code: 'CHANNEL_NO_CHAT', retry: false },
      flood: { code: 'CHANNEL_RATE_LIMITED', retryAfterMs: 3_000 },
    },
  })
  for (const { name, run } of contract) test(name, run)
})
