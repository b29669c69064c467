/** What the API only reads: lists, chats, the desk as it is now, the audit log. */
import type { FastifyReply } from 'fastify'
import type { Kysely } from 'kysely'
import { type Context, type JournalTables, SwitchboardError, z } from '#core'
import type { DeskNow } from './desk-now.ts'
import type { EntriesOf } from './entries.ts'
import { Refusal } from './refusal.ts'
import type { RowsOf } from './rows.ts'
import { byOf, fileOf } from './said.ts'
import type { Api } from './serve.ts'
import type { AuditLine } from './shapes.ts'

/** As `serve.ts` writes it. */
const Audited = z.object({
  who: z.string().optional(),
  from: z.string(),
  about: z.record(z.string(), z.string()),
  is: z.json().optional(),
})

export function addLookedUp(
  api: Api,
  of: {
    readonly journal: Kysely<JournalTables>
    readonly media: Context<unknown, unknown>['media']
    readonly sendable: Context<unknown, unknown>['sendable']
    readonly rows: RowsOf
    readonly entries: EntriesOf
    readonly deskNow: DeskNow
  },
): void {
  const { journal, rows, entries, deskNow } = of

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
    const { left, untilMs, closed } = (await of.sendable(params.chat, calling.actor)) ?? { closed: 'channel-down' }
    return { ...(left !== undefined && { left }), ...(untilMs !== undefined && { untilMs }), ...(closed && { closed }) }
  })
  api.on('GET /chats/:chat/entries/:entry/files/:file', async ({ calling, params, reply }) => {
    const row = await entries.find(calling, params.chat, params.entry)
    const file = row && fileOf(row.body_json, Number(params.file))
    if (!file) throw new Refusal('FILE_GONE')
    await sendFile(reply, file, of.media)
    return undefined
  })

  // ── the audit log ──

  api.on('GET /audit', async ({ query: { cursor, limit } }) => {
    let found = journal
      .selectFrom('audit')
      .selectAll()
      .orderBy('id', 'desc')
      .limit(limit + 1)
    if (cursor !== undefined) found = found.where('id', '<', cursor)
    const lines = await found.execute()
    const shown = lines.slice(0, limit)
    const next = lines.length > limit ? shown.at(-1)?.id : undefined
    return { lines: shown.map(lineOf), ...(next !== undefined && { next }) }
  })

  function lineOf(row: Awaited<ReturnType<typeof audited>>[number]): AuditLine {
    const before = jsonOf(row.before_json)
    const after = jsonOf(row.after_json)
    const ours = Audited.safeParse(after)
    const { who, from, about, is } = ours.success
      ? ours.data
      : { who: undefined, from: undefined, about: undefined, is: after }
    return {
      id: row.id,
      atMs: row.at,
      by: byOf(row.by_json, deskNow.titleOf),
      action: row.action,
      ...(who !== undefined && { who }),
      ...(from !== undefined && { from }),
      ...(about !== undefined && { about }),
      ...(before !== undefined && { before }),
      ...(is !== undefined && { after: is }),
    }
  }
  const audited = () => journal.selectFrom('audit').selectAll().execute()
}

function jsonOf(json: string | null) {
  return json === null ? undefined : z.json().parse(JSON.parse(json))
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
