/** The audit log: who did what, when and from where, and what it was before and after. */
import type { Kysely } from 'kysely'
import { type JournalTables, z } from '#core'
import { type Cell, sendCsv } from './csv.ts'
import type { DeskNow } from './desk-now.ts'
import { Refusal } from './refusal.ts'
import { byOf } from './said.ts'
import type { Api } from './serve.ts'
import type { AuditLine, asked } from './shapes.ts'

/** As `serve.ts` writes it. */
const Audited = z.object({
  who: z.string().optional(),
  from: z.string(),
  about: z.record(z.string(), z.string()),
  is: z.json().optional(),
})
const Cursor = z.tuple([z.number(), z.string()])

/** So many lines of a file are read at a time. */
const SLICE = 500
/** The headings of a file. What stands below is the same in every language. */
const HEADINGS = {
  en: ['Time', 'Who', 'In the name of', 'From', 'Action', 'About', 'Before', 'After'],
  'zh-CN': ['时间', '操作人', '身份', '来源地址', '操作', '对象', '操作前', '操作后'],
} as const

type Row = Awaited<ReturnType<typeof rowsOf>>[number]
type Filter = Pick<z.output<typeof asked.audit>, 'from' | 'until' | 'who' | 'action'>

export function addAudit(
  api: Api,
  { journal, deskNow }: { readonly journal: Kysely<JournalTables>; readonly deskNow: DeskNow },
): void {
  api.on('GET /audit', async ({ query: { cursor, limit, ...filter } }) => {
    const after = cursor === undefined ? undefined : cursorOf(cursor)
    const rows = await rowsOf(journal, filter, limit + 1, after)
    const shown = rows.slice(0, limit)
    const last = shown.at(-1)
    const next = rows.length > limit && last ? JSON.stringify([last.at, last.id]) : undefined
    return { lines: shown.map(lineOf), ...(next !== undefined && { next }) }
  })

  api.on('GET /audit/file', async ({ query: { language, ...filter }, reply }) => {
    // Begun before this very deed is noted, which is not part of it.
    const first = await rowsOf(journal, filter, SLICE)
    sendCsv(reply, 'audit', cellsOf(filter, language, first))
    return undefined
  })

  /** Written as it is read: a year has many lines. */
  async function* cellsOf(
    filter: Filter,
    language: keyof typeof HEADINGS,
    first: readonly Row[],
  ): AsyncGenerator<readonly Cell[]> {
    yield HEADINGS[language]
    for (let rows = first; ; ) {
      for (const row of rows) {
        const { atMs, by, who, from, action, about, before, after: then } = lineOf(row)
        const name = 'name' in by ? by.name : by.kind
        const told = Object.entries(about ?? {}).map(([what, id]) => `${what} ${id}`)
        yield [
          ...[new Date(atMs).toISOString(), who ?? name, name, from, action, told.join(', ')],
          ...[before, then].map((value) => (value === undefined ? undefined : JSON.stringify(value))),
        ]
      }
      const last = rows.at(-1)
      if (rows.length < SLICE || !last) return
      rows = await rowsOf(journal, filter, SLICE, [last.at, last.id])
    }
  }

  function lineOf(row: Row): AuditLine {
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
}

/** The latest first, beyond a line that was given already. */
function rowsOf(
  journal: Kysely<JournalTables>,
  { from, until, who, action }: Filter,
  limit: number,
  after?: readonly [at: number, id: string],
) {
  let found = journal.selectFrom('audit').selectAll().orderBy('at', 'desc').orderBy('id', 'desc').limit(limit)
  if (from !== undefined) found = found.where('at', '>=', from)
  if (until !== undefined) found = found.where('at', '<', until)
  if (who !== undefined) found = found.where('who', '=', who)
  // What ends in a dot is an area: all that begins with it. After the dot comes the slash.
  if (action?.endsWith('.')) found = found.where('action', '>=', action).where('action', '<', `${action.slice(0, -1)}/`)
  else if (action !== undefined) found = found.where('action', '=', action)
  if (after) found = found.where((where) => where(where.refTuple('at', 'id'), '<', where.tuple(...after)))
  return found.execute()
}

function cursorOf(text: string): z.output<typeof Cursor> {
  try {
    return Cursor.parse(JSON.parse(text))
  } catch (cause) {
    throw new Refusal('CURSOR_NOT_GOOD', { cause })
  }
}

function jsonOf(json: string | null) {
  return json === null ? undefined : z.json().parse(JSON.parse(json))
}
