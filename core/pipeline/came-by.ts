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
  const latest = engine.read
    .selectFrom('entry')
    .select(['seq', 'kind', given.as('given')])
    .where('chat', '=', chat.id)
    .where('seq', '<=', entry.seq)
    .where((where) => where.or([where('kind', '=', 'in'), where('type', '=', 'conversation.closed')]))
    .orderBy('seq', 'desc')
    .limit(MAX_EVENTS)
    .as('latest')
  const found = await engine.read
    .selectFrom(latest)
    .select(['kind', 'given'])
    .where((where) => where.or([where('given', 'is not', null), where('kind', '=', 'life')]))
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
  return found?.kind === 'in' ? (found.given ?? undefined) : undefined
}
