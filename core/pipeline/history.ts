/** What was said in a chat, for bots and desks. */
import type { Engine } from '../journal/engine.ts'
import type { EntryRow } from '../journal/tables.ts'
import { textOf } from '../message.ts'
import type { Said } from '../turn.ts'
import { checkedActor, checkedBody, checkedEvent, checkedFacts } from './checked.ts'
import { withTranscripts } from './draft.ts'

/** More edits and recalls than this are not looked for. */
const MAX_CHANGES = 1_000

/**
 * The latest `max` things that were said before the entry `beforeSeq`, oldest first: customers' messages, as they are
 * after what was changed in them and without those that were taken back, and what of ours was delivered or is on its
 * way. `without`: entries that are told otherwise.
 */
export async function readHistory(
  engine: Engine,
  chat: string,
  options: { readonly beforeSeq: number; readonly max: number; readonly without?: readonly number[] | undefined },
): Promise<readonly Said[]> {
  const { beforeSeq, max, without = [] } = options
  let query = engine.read
    .selectFrom('entry')
    .select(['seq', 'kind', 'body_json', 'facts_json', 'by_json', 'at'])
    .where('chat', '=', chat)
    .where('seq', '<', beforeSeq)
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
              .whereRef('delivery.entry', '=', 'entry.id')
              .where('delivery.state', 'not in', ['dead', 'cancelled']),
          ),
        ]),
      ]),
    )
    .orderBy('seq', 'desc')
    .limit(max)
  if (without.length > 0) query = query.where('seq', 'not in', without)
  const rows = await query.execute()
  return (await asTheyAreNow(engine, chat, rows.reverse())).map(({ row: { by_json, at }, text }) => ({
    by: checkedActor(by_json),
    text,
    atMs: at,
  }))
}

type Worded = Pick<EntryRow, 'seq' | 'kind' | 'body_json' | 'facts_json'>

/** The words of these entries, oldest first: of a message that was edited those it has now. What was taken back is left out. */
export async function asTheyAreNow<R extends Worded>(
  engine: Engine,
  chat: string,
  rows: readonly R[],
): Promise<readonly { readonly row: R; readonly text: string }[]> {
  const [first] = rows
  const changes = first ? await changesSince(engine, chat, first.seq) : new Map<string, Change>()
  return rows.flatMap((row) => {
    const change = row.kind === 'in' && changes.size > 0 ? changes.get(platformIdOf(row)) : undefined
    return change === 'recalled' ? [] : [{ row, text: wordsOf(change ?? row) }]
  })
}

type Change = 'recalled' | Pick<EntryRow, 'body_json' | 'facts_json'>

/** What became of messages after the entry `seq`, by their ids on the platform. */
async function changesSince(engine: Engine, chat: string, seq: number): Promise<ReadonlyMap<string, Change>> {
  const rows = await engine.read
    .selectFrom('entry')
    .select(['body_json', 'facts_json', 'outcome'])
    .where('chat', '=', chat)
    .where('seq', '>', seq)
    .where('kind', '=', 'in')
    .where('type', 'in', ['edit', 'recall'])
    .orderBy('seq', 'desc')
    .limit(MAX_CHANGES)
    .execute()
  const changes = new Map<string, Change>()
  for (const { outcome, ...row } of rows.reverse()) {
    const event = checkedEvent(JSON.parse(row.body_json))
    if (event.type === 'recall') changes.set(event.of, 'recalled')
    // Words that no guard has let pass are not passed on.
    const isLetPass = outcome !== null && outcome !== 'dropped'
    if (event.type === 'edit' && isLetPass && changes.get(event.of) !== 'recalled') changes.set(event.of, row)
  }
  return changes
}

function platformIdOf({ body_json }: Pick<EntryRow, 'body_json'>): string {
  return checkedEvent(JSON.parse(body_json)).id
}

function wordsOf({ body_json, facts_json }: Pick<EntryRow, 'body_json' | 'facts_json'>): string {
  return textOf(withTranscripts(checkedBody(body_json), checkedFacts(facts_json)))
}
