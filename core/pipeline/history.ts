/** What was said in a chat, for bots and desks. */
import { sql } from 'kysely'
import type { Engine } from '../journal/engine.ts'
import type { EntryRow } from '../journal/tables.ts'
import { textOf } from '../message.ts'
import type { Said } from '../turn.ts'
import { checkedActor, checkedBody, checkedEvent, checkedFacts } from './checked.ts'
import { withTranscripts } from './draft.ts'

/** More than this nobody is told, whatever they ask for: it is read by the thread that everything else waits for. */
const MAX_SAID = 1_000
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
  // As it stands: to have it put together takes longer than to look it up, and some bots ask at every message.
  const said = sql<Worded & Pick<EntryRow, 'by_json' | 'at'>>`
    SELECT seq, kind, body_json, facts_json, by_json, at FROM entry
    WHERE chat = ${chat} AND seq < ${beforeSeq} AND seq NOT IN (SELECT value FROM json_each(${JSON.stringify(without)}))
      AND ((kind = 'in' AND type IN ('message', 'agent-message') AND outcome <> 'dropped')
        OR (kind = 'out' AND EXISTS (
          SELECT 1 FROM delivery WHERE delivery.entry = entry.id AND state NOT IN ('dead', 'cancelled'))))
    ORDER BY seq DESC LIMIT ${Math.min(max, MAX_SAID)}`
  const { rows } = await said.execute(engine.readChat)
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
  const { rows } = await sql<Pick<EntryRow, 'body_json' | 'facts_json' | 'outcome'>>`
    SELECT body_json, facts_json, outcome FROM entry
    WHERE chat = ${chat} AND seq > ${seq} AND kind = 'in' AND type IN ('edit', 'recall')
    ORDER BY seq DESC LIMIT ${MAX_CHANGES}`.execute(engine.readChat)
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
