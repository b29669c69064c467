import { sql } from 'kysely'
import type { TurnDraft } from './draft.ts'
import type { Tools } from './tools.ts'

/** More events than this are not looked through. */
const MAX_EVENTS = 1_000

/**
 * By which entry of the account (a page, a scanned code, a store) a chat came in: the last that any of its events has
 * had since its last conversation ended, this one included.
 */
export async function cameBy({ engine }: Pick<Tools, 'engine'>, draft: TurnDraft): Promise<string | undefined> {
  const { event, chat, entry } = draft
  if ('entry' in event && event.entry !== undefined) return event.entry
  // Of what no channel has any more no event tells that it was closed; but what came in while it was open is its own.
  const { rows } = await sql<{ given: string | null; isOver: 0 | 1 | null }>`
    SELECT given, isOver FROM (
      SELECT seq, body_json ->> '$.entry' AS given,
        kind = 'life' OR (SELECT closed_at IS NOT NULL FROM conversation WHERE id = entry.conversation) AS isOver
      FROM entry WHERE chat = ${chat.id} AND seq <= ${entry.seq} AND (kind = 'in' OR type = 'conversation.closed')
      ORDER BY seq DESC LIMIT ${MAX_EVENTS})
    WHERE given IS NOT NULL OR isOver = 1
    ORDER BY seq DESC LIMIT 1`.execute(engine.readChat)
  const [found] = rows
  return found?.isOver === 1 ? undefined : (found?.given ?? undefined)
}
