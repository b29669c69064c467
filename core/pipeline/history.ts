/** What was said in a chat, for bots and desks. */
import type { Engine } from '../journal/engine.ts'
import { textOf } from '../message.ts'
import type { Said } from '../turn.ts'
import { checkedActor, checkedBody, checkedFacts } from './checked.ts'
import { withTranscripts } from './draft.ts'

/**
 * The latest `max` things that were said before the entry `beforeSeq`, oldest first: customers' messages, and what of
 * ours was delivered or is on its way. `conversation` limits it to one.
 */
export async function readHistory(
  engine: Engine,
  chat: string,
  options: { readonly beforeSeq: number; readonly max: number; readonly conversation?: string | undefined },
): Promise<readonly Said[]> {
  let query = engine.read
    .selectFrom('entry')
    .select(['body_json', 'facts_json', 'by_json', 'at'])
    .where('chat', '=', chat)
    .where('seq', '<', options.beforeSeq)
    .where((where) =>
      where.or([
        where.and([
          where('kind', '=', 'in'),
          where('type', 'in', ['message', 'agent-message']),
          where('outcome', '!=', 'dropped'),
        ]),
        where.and([
          where('kind', '=', 'out'),
          where.exists((delivery) =>
            delivery
              .selectFrom('delivery')
              .select('delivery.id')
              .whereRef('delivery.chat', '=', 'entry.chat')
              .whereRef('delivery.seq', '=', 'entry.seq')
              .where('delivery.state', 'not in', ['dead', 'cancelled']),
          ),
        ]),
      ]),
    )
    .orderBy('seq', 'desc')
    .limit(options.max)
  if (options.conversation !== undefined) query = query.where('conversation', '=', options.conversation)
  const rows = await query.execute()
  return rows
    .map(({ body_json, facts_json, by_json, at }) => ({
      by: checkedActor(by_json),
      text: textOf(withTranscripts(checkedBody(body_json), checkedFacts(facts_json))),
      atMs: at,
    }))
    .reverse()
}
