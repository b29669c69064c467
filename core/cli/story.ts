/** Tells from the journal what happened in a chat, and why: for people, as plain text. */
import { relative } from 'node:path'
import type { Kysely } from 'kysely'
import { z } from 'zod'
import type { Actor } from '../conversation.ts'
import type { EntryRow, JournalTables } from '../journal/tables.ts'
import { textOf } from '../message.ts'
import { checkedActor, checkedBody } from '../pipeline/checked.ts'

/** So many of the latest entries of a chat are told. */
const MAX_ENTRIES = 200

const Trace = z.array(
  z.object({
    stage: z.string(),
    by: z.string(),
    did: z.string(),
    because: z.string().optional(),
    ms: z.number().optional(),
    line: z.string().optional(),
  }),
)

/**
 * The story of a chat (by the customer's id on the platform) or of one event (by the platform's id of it, or ours): who
 * said what, what became of each event, who decided it because of what at which line of the YAML, and what was sent.
 * `undefined` when the journal knows neither.
 */
export async function storyOf(journal: Kysely<JournalTables>, id: string): Promise<string | undefined> {
  const chats = await journal.selectFrom('chat').selectAll().where('external_id', '=', id).orderBy('account').execute()
  if (chats.length > 0) {
    const stories = chats.map(async (chat) => {
      const entries = journal.selectFrom('entry').selectAll().where('chat', '=', chat.id)
      const latest = await entries.orderBy('seq', 'desc').limit(MAX_ENTRIES).execute()
      return `${chat.external_id} on ${chat.account}\n\n${await tell(journal, latest.reverse())}`
    })
    return (await Promise.all(stories)).join('\n')
  }
  const known = await journal.selectFrom('dedupe').select('entry').where('platform_id', '=', id).execute()
  const ids = [id, ...known.map(({ entry }) => entry)]
  const entries = await journal
    .selectFrom('entry')
    .selectAll()
    .where((where) => where.or([where('id', 'in', ids), where('answers', 'in', ids)]))
    .orderBy('chat')
    .orderBy('seq')
    .execute()
  return entries.length === 0 ? undefined : tell(journal, entries)
}

async function tell(journal: Kysely<JournalTables>, entries: readonly EntryRow[]): Promise<string> {
  const files = new Map<string, string>()
  for (const { hash, file } of await journal.selectFrom('revision').select(['hash', 'file']).execute()) {
    files.set(hash.slice(0, 12), relative(process.cwd(), file))
  }
  const told = entries.map(async (entry) => {
    const deliveries = await journal
      .selectFrom('delivery')
      .select(['destination', 'state', 'code', 'attempts'])
      .where('chat', '=', entry.chat)
      .where('seq', '=', entry.seq)
      .orderBy('part')
      .execute()
    const lines = [`${new Date(entry.at).toISOString().replace('T', ' ').slice(0, 19)}  ${who(entry)}: ${what(entry)}`]
    if (entry.outcome) lines.push(`    ${entry.outcome}: ${entry.because}`, ...why(entry, files))
    for (const { destination, state, code, attempts } of deliveries) {
      lines.push(`    ${destination}: ${state}${code ? ` (${code})` : ''}${attempts > 1 ? `, ${attempts} tries` : ''}`)
    }
    return lines.join('\n')
  })
  return `${(await Promise.all(told)).join('\n')}\n`
}

function who({ by_json }: EntryRow): string {
  const by: Actor = checkedActor(by_json)
  return 'name' in by ? by.name : by.kind === 'agent' ? by.person : by.kind
}

function what({ type, kind, body_json }: EntryRow): string {
  if (type === 'message') return JSON.stringify(textOf(checkedBody(body_json)))
  return kind === 'life' ? type : `(${type})`
}

/** The steps that did something; who passed is not told. */
function why({ trace_json }: EntryRow, files: ReadonlyMap<string, string>): readonly string[] {
  if (!trace_json) return []
  return Trace.parse(JSON.parse(trace_json))
    .filter(({ did, stage }) => did !== 'next' && stage !== 'outcome')
    .map(({ stage, by, did, because, ms, line }) => {
      const [revision = '', at] = line?.split(':') ?? []
      const place = line === undefined ? '' : `  ${files.get(revision) ?? revision}:${at}`
      return `      ${stage}, ${by}: ${did}${because ? ` (${because})` : ''}${ms ? `, ${ms} ms` : ''}${place}`
    })
}
