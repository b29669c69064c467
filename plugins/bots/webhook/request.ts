/** What a bot is asked with: the contract of the README. */
import { createHmac } from 'node:crypto'
import type { Asked } from './answer.ts'

/** The body of a request: all that the bot is told. `history`: how many messages before this one at most. */
export async function bodyOf(turn: Asked, name: string, history: number): Promise<string> {
  const { id, event, text, choice, chat, conversation, customer, channel, facts, state } = turn
  return JSON.stringify({
    version: 1,
    id,
    bot: name,
    event: {
      type: event.type,
      atMs: event.atMs,
      text,
      ...(event.type === 'message' && { parts: event.parts }),
      choice,
      ...(event.type === 'menu-click' && { key: event.key }),
      entry: event.entry,
    },
    customer,
    chat,
    conversation: { id: conversation.id, openedAtMs: conversation.openedAtMs, unknown: conversation.counts.unknown },
    channel: { name: channel.name, sends: channel.capabilities.sends },
    language: facts.language ?? customer.language,
    history: (history === 0 ? [] : await turn.history({ max: history })).map(({ by, text, atMs }) => ({
      by: by.kind,
      text,
      atMs,
    })),
    state: state.kept,
  })
}

/** `id` is the same when the same event is asked about again, so the bot can tell a repeat. */
export function headersOf(body: string, id: string, secret: string | undefined, nowMs: number): Record<string, string> {
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  const asked = { ...headers, 'idempotency-key': id }
  if (secret === undefined) return asked
  const signature = createHmac('sha256', secret).update(`${nowMs}.${body}`).digest('hex')
  return { ...asked, 'x-timestamp': String(nowMs), 'x-signature': signature }
}
