/** What the API only reads: lists, chats, the desk as it is now. */
import type { FastifyReply } from 'fastify'
import { type Context, SwitchboardError } from '#core'
import type { DeskNow } from './desk-now.ts'
import type { EntriesOf } from './entries.ts'
import { Refusal } from './refusal.ts'
import type { RowsOf } from './rows.ts'
import { fileOf } from './said.ts'
import type { Api } from './serve.ts'

export function addLookedUp(
  api: Api,
  of: {
    readonly media: Context<unknown, unknown>['media']
    readonly sendable: Context<unknown, unknown>['sendable']
    readonly rows: RowsOf
    readonly entries: EntriesOf
    readonly deskNow: DeskNow
  },
): void {
  const { rows, entries, deskNow } = of

  api.on('GET /now', () => deskNow.now())
  api.on('GET /counts', async ({ calling }) => rows.counts(calling, await rows.groups()))
  api.on('GET /conversations', ({ calling, query }) => rows.page(calling, query))
  api.on('GET /conversations/:conversation', async ({ calling, params }) => {
    const [shared] = await rows.shared([params.conversation])
    if (!shared) throw new Refusal('NOT_FOUND')
    return rows.asSeenBy(calling, shared, await rows.readings([shared.row.chat]))
  })
  api.on('GET /conversations/:conversation/why', ({ params }) => entries.why(params.conversation))
  api.on('GET /chats/:chat/entries', ({ calling, params, query }) => entries.page(calling, params.chat, query))
  api.on('GET /chats/:chat/sendable', async ({ calling, params }) => {
    const { left, max, untilMs, closed } = (await of.sendable(params.chat, calling.actor)) ?? { closed: 'channel-down' }
    return {
      ...(left !== undefined && { left }),
      ...(max !== undefined && { max }),
      ...(untilMs !== undefined && { untilMs }),
      ...(closed && { closed }),
    }
  })
  api.on('GET /chats/:chat/entries/:entry/files/:file', async ({ calling, params, reply }) => {
    const row = await entries.find(calling, params.chat, params.entry)
    const file = row && fileOf(row.body_json, Number(params.file))
    if (!file) throw new Refusal('FILE_GONE')
    await sendFile(reply, file, of.media)
    return undefined
  })
}

/** Never as a page of ours: whatever it holds, a browser saves it, or shows it inside a page. */
async function sendFile(
  reply: FastifyReply,
  { url, name }: { readonly url: string; readonly name?: string | undefined },
  media: Context<unknown, unknown>['media'],
): Promise<void> {
  const { body, mimeType } = await media.open(url).catch((cause: unknown) => {
    const code = cause instanceof SwitchboardError ? cause.code : undefined
    if (code === 'MEDIA_GONE') throw new Refusal('FILE_GONE', { cause })
    if (code === 'MEDIA_NOT_HERE_YET') throw new Refusal('FILE_NOT_HERE_YET', { cause, retryAfterMs: 5_000 })
    throw cause
  })
  await reply
    .header('content-length', body.size)
    .header('content-disposition', `attachment; filename*=UTF-8''${encoded(name ?? 'file')}`)
    .header('content-security-policy', "default-src 'none'; sandbox")
    .header('x-content-type-options', 'nosniff')
    .header('cache-control', 'private, max-age=86400, immutable')
    .type(mimeType)
    .send(body.stream())
}

/** As RFC 8187 has it: `encodeURIComponent` leaves some signs that may not stand there. */
function encoded(name: string): string {
  const plain = name.toWellFormed().slice(-100)
  return encodeURIComponent(plain.toWellFormed()).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
