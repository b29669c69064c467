/** Tells from the journal what happened in a chat, and why: for people as plain text, for machines as it is here. */
import type { Kysely } from 'kysely'
import { z } from 'zod'
import { showPath } from '../config/read.ts'
import { visible } from '../config/report.ts'
import type { Actor } from '../conversation.ts'
import { deliveriesOf } from '../journal/deliveries.ts'
import type {
  ChatRow,
  CommandRow,
  ConversationChangeRow,
  DeliveryRow,
  EntryRow,
  JournalTables,
} from '../journal/tables.ts'
import { stepsOf } from '../journal/trace.ts'
import { textOf } from '../message.ts'
import { checkedActor, checkedBody } from '../pipeline/checked.ts'

/** So many of the latest entries of a chat are told. */
const MAX_ENTRIES = 200

export interface Story {
  readonly chats: readonly ToldChat[]
  /** It is about one event: everything is told of it, also who had nothing to say. */
  readonly isOfOneEvent: boolean
}

export interface ToldChat {
  readonly customer: string
  readonly account: string
  /** How many entries before these are not told. */
  readonly leftOut: number
  readonly happened: readonly Told[]
}

/** One thing that happened in a chat: an event, a command that was refused, or something that was said or noted. */
export interface Told {
  readonly id: string
  readonly at: string
  readonly who: string
  readonly what: string
  /** Of events: what became of it. */
  readonly outcome?: string | undefined
  readonly because?: string | undefined
  /** The YAML that was in force, and the first digits of its hash. */
  readonly file?: string | undefined
  readonly revision?: string | undefined
  /** How long it waited before it was handled, and how long that took. */
  readonly waitedMs?: number | undefined
  readonly tookMs?: number | undefined
  readonly steps: readonly ToldStep[]
  readonly deliveries: readonly ToldDelivery[]
}

export interface ToldStep {
  readonly stage: string
  readonly by: string
  readonly did: string
  readonly because?: string | undefined
  readonly ms?: number | undefined
  /** `config/switchboard.yaml:26` */
  readonly line?: string | undefined
}

export interface ToldDelivery {
  readonly to: string
  readonly state: DeliveryRow['state']
  readonly code?: string | undefined
  readonly error?: string | undefined
  readonly attempts: number
  readonly platformId?: string | undefined
  /** The class of allowance that it was counted on. */
  readonly allowance?: string | undefined
}

/**
 * The story of a chat (by the customer's id on the platform) or of one event or command (by the platform's id of it, or
 * ours): who said what, what became of it, who decided it because of what at which line of the YAML, and what was sent.
 * `undefined` when the journal knows neither.
 */
export async function readStory(journal: Kysely<JournalTables>, id: string): Promise<Story | undefined> {
  const files = await filesOf(journal)
  const chats = await journal.selectFrom('chat').selectAll().where('external_id', '=', id).orderBy('account').execute()
  if (chats.length > 0) {
    const told = chats.map(async (chat) => {
      const entries = journal.selectFrom('entry').selectAll().where('chat', '=', chat.id)
      const latest = (await entries.orderBy('seq', 'desc').limit(MAX_ENTRIES).execute()).reverse()
      const commands = journal.selectFrom('command').selectAll().where('chat', '=', chat.id)
      const since = latest[0]?.accepted_at ?? 0
      const refused = (await commands.where('at', '>=', since).orderBy('at').execute()).filter(wasRefused)
      return tell(journal, chat, { entries: latest, commands: refused }, files)
    })
    return { chats: await Promise.all(told), isOfOneEvent: false }
  }
  const known = await journal.selectFrom('dedupe').select('entry').where('platform_id', '=', id).execute()
  const ids = [id, ...known.map(({ entry }) => entry)]
  const events = await journal.selectFrom('entry').selectAll().where('id', 'in', ids).execute()
  const commands = await journal.selectFrom('command').selectAll().where('id', '=', id).execute()
  const about = new Set([...events, ...commands].map(({ chat }) => chat))
  if (about.size === 0) return undefined
  const found = await journal
    .selectFrom('chat')
    .selectAll()
    .where('id', 'in', [...about])
    .execute()
  const told = found.map(async (chat) => {
    const here = <T extends { readonly chat: string }>(rows: readonly T[]) => rows.filter((row) => row.chat === chat.id)
    const entries = journal.selectFrom('entry').selectAll().where('chat', '=', chat.id)
    const answers = await entries
      .where('answers', 'in', [...ids])
      .orderBy('seq')
      .execute()
    const own = here(events).filter((event) => !answers.some((answer) => answer.id === event.id))
    return tell(journal, chat, { entries: [...own, ...answers], commands: here(commands) }, files)
  })
  return { chats: await Promise.all(told), isOfOneEvent: true }
}

/** By the first digits of the hash. */
async function filesOf(journal: Kysely<JournalTables>): Promise<ReadonlyMap<string, string>> {
  const revisions = await journal.selectFrom('revision').select(['hash', 'file']).execute()
  return new Map(revisions.map(({ hash, file }) => [hash.slice(0, 12), showPath(file)]))
}

async function tell(
  journal: Kysely<JournalTables>,
  chat: ChatRow,
  { entries, commands }: { readonly entries: readonly EntryRow[]; readonly commands: readonly CommandRow[] },
  files: ReadonlyMap<string, string>,
): Promise<ToldChat> {
  const [deliveries, changes] = await Promise.all([
    deliveriesOf(journal, chat.id, entries),
    journal
      .selectFrom('conversation_change')
      .innerJoin('conversation', 'conversation.id', 'conversation_change.conversation')
      .selectAll('conversation_change')
      .where('conversation.chat', '=', chat.id)
      .where(
        'conversation_change.cause',
        'in',
        commands.map(({ id }) => id),
      )
      .execute(),
  ])
  const bySeq = Map.groupBy(deliveries, ({ seq }) => seq)
  const happened = [
    ...entries.map((entry) => ({ at: entry.accepted_at, told: ofEntry(entry, bySeq.get(entry.seq) ?? [], files) })),
    ...commands.map((row) => ({
      at: row.at,
      told: ofCommand(
        row,
        changes.filter(({ cause }) => cause === row.id),
        files,
      ),
    })),
  ]
  happened.sort((a, b) => a.at - b.at)
  const leftOut = entries.length < MAX_ENTRIES ? 0 : (entries[0]?.seq ?? 1) - 1
  const { external_id: customer, account } = chat
  return { customer, account, leftOut, happened: happened.map(({ told }) => told) }
}

function ofEntry(entry: EntryRow, deliveries: readonly DeliveryRow[], files: ReadonlyMap<string, string>): Told {
  // Older versions kept less; of a journal that has not been opened by this one yet, the columns are not even there.
  const { revision, started_at: startedAt, done_at: doneAt } = { ...OLD, ...entry }
  return {
    id: entry.id,
    at: timeOf(entry.at),
    who: whoIs(checkedActor(entry.by_json)),
    what: whatIs(entry),
    outcome: entry.outcome ?? undefined,
    because: entry.because ?? undefined,
    file: revision === null ? undefined : files.get(revision),
    revision: revision ?? undefined,
    waitedMs: startedAt === null ? undefined : startedAt - entry.accepted_at,
    tookMs: startedAt === null || doneAt === null ? undefined : doneAt - startedAt,
    steps: stepsIn(entry.trace_json, files),
    deliveries: deliveries.map(({ destination, state, code, error, attempts, platform_id, allowance }) => ({
      to: destination,
      state,
      code: code ?? undefined,
      error: error ?? undefined,
      attempts,
      platformId: platform_id ?? undefined,
      allowance: allowance ?? undefined,
    })),
  }
}

const OLD = { revision: null, started_at: null }

const Result = z.object({ ok: z.boolean(), code: z.string().optional(), message: z.string().optional() })

function wasRefused({ result_json }: CommandRow): boolean {
  return !Result.parse(JSON.parse(result_json)).ok
}

/** What one did that was not refused is told in a chat by what it said or noted, and by itself only when asked for. */
function ofCommand(
  row: CommandRow,
  changes: readonly ConversationChangeRow[],
  files: ReadonlyMap<string, string>,
): Told {
  const { ok, code, message } = Result.parse(JSON.parse(row.result_json))
  const { revision } = { ...OLD, ...row }
  const did = changes.map(({ type, because }) => `${type}, ${because}`).join('; ')
  return {
    id: row.id,
    at: timeOf(row.at),
    who: whoIs(checkedActor(row.by_json)),
    what: `(${row.type})`,
    outcome: ok ? 'done' : 'refused',
    because: ok ? did || row.type : `${code}, ${message}`,
    file: revision === null ? undefined : files.get(revision),
    revision: revision ?? undefined,
    steps: stepsIn(row.trace_json, files),
    deliveries: [],
  }
}

function stepsIn(traceJson: string | null, files: ReadonlyMap<string, string>): readonly ToldStep[] {
  return stepsOf(traceJson)
    .filter(({ stage }) => stage !== 'outcome')
    .map(({ stage, by, did, because, ms, line }) => {
      const [revision = '', at] = line?.split(':') ?? []
      return {
        stage,
        by,
        did,
        because,
        ms,
        line: line === undefined ? undefined : `${files.get(revision) ?? revision}:${at}`,
      }
    })
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').slice(0, 19)
}

function whoIs(by: Actor): string {
  return 'name' in by ? by.name : by.kind === 'agent' ? by.person : by.kind
}

const Noted = z.object({ text: z.string() })

function whatIs({ type, kind, body_json }: EntryRow): string {
  if (kind === 'note') return `(${type}) ${Noted.parse(JSON.parse(body_json)).text}`
  if (type === 'message') return JSON.stringify(textOf(checkedBody(body_json)))
  return kind === 'life' ? type : `(${type})`
}

// ── as text ─────────────────────────────────────────────────────────────────────────────────

/** What became of one event, in short: for a report that says elsewhere whose it is. */
export async function storyInShort(journal: Kysely<JournalTables>, event: string): Promise<string | undefined> {
  const story = await readStory(journal, event)
  const told = story?.chats.flatMap(({ happened }) => happened.flatMap((one) => linesOf(one, false)))
  return told && `${told.join('\n')}\n`
}

export function storyAsText({ chats, isOfOneEvent }: Story): string {
  return chats
    .map(({ customer, account, leftOut, happened }) => {
      const before = leftOut > 0 ? [`(${leftOut} before these are not told)`] : []
      const told = [...before, ...happened.flatMap((one) => linesOf(one, isOfOneEvent))]
      return `${visible(`${customer} on ${account}`)}\n\n${told.join('\n')}\n`
    })
    .join('\n')
}

function linesOf(told: Told, inFull: boolean): readonly string[] {
  const { at, who, what, outcome, because, steps, deliveries } = told
  const lines = [`${at}  ${who}: ${what}`]
  if (outcome) lines.push(`    ${outcome}: ${because}`)
  if (inFull && outcome) lines.push(...circumstances(told))
  for (const step of steps) if (inFull || step.did !== 'next') lines.push(stepLine(step))
  return [...lines, ...deliveries.map((delivery) => deliveryLine(delivery, inFull))].map(visible)
}

function circumstances({ id, file, revision, waitedMs, tookMs }: Told): readonly string[] {
  const times = tookMs === undefined ? [] : [`it waited ${waitedMs} ms and took ${tookMs} ms`]
  const by = revision === undefined ? [] : [`by revision ${revision} of ${file ?? 'a file that is not known any more'}`]
  return [`    ${[`id ${id}`, ...times, ...by].join('; ')}`]
}

function stepLine({ stage, by, did, because, ms, line }: ToldStep): string {
  return `      ${stage}, ${by}: ${did}${because ? ` (${because})` : ''}${ms ? `, ${ms} ms` : ''}${line ? `  ${line}` : ''}`
}

function deliveryLine(delivery: ToldDelivery, inFull: boolean): string {
  const { to, state, code, error, attempts, platformId, allowance } = delivery
  const more = [
    ...(attempts > 1 ? [`${attempts} tries`] : []),
    ...(inFull && allowance ? [`counted on ${allowance}`] : []),
    ...(inFull && platformId ? [`there it is ${platformId}`] : []),
    ...(error ? [error] : []),
  ]
  return `    ${to}: ${state}${code ? ` (${code})` : ''}${more.length > 0 ? `, ${more.join(', ')}` : ''}`
}
