import { type RawBuilder, sql } from 'kysely'
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
  const given: RawBuilder<string | null> = sql`body_json ->> '$.entry'`
  // Of what no channel has any more no event tells that it was closed; but what came in while it was open is its own.
  const isOver: RawBuilder<number> = sql`entry.kind = 'life' OR (
    SELECT closed_at IS NOT NULL FROM conversation WHERE id = entry.conversation)`
  const latest = engine.read
    .selectFrom('entry')
    .select(['seq', given.as('given'), isOver.as('isOver')])
    .where('chat', '=', chat.id)
    .where('seq', '<=', entry.seq)
    .where((where) => where.or([where('kind', '=', 'in'), where('type', '=', 'conversation.closed')]))
    .orderBy('seq', 'desc')
    .limit(MAX_EVENTS)
    .as('latest')
  const found = await engine.read
    .selectFrom(latest)
    .select(['given', 'isOver'])
    .where((where) => where.or([where('given', 'is not', null), where('isOver', '=', 1)]))
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
  return found?.isOver === 1 ? undefined : (found?.given ?? undefined)
}
