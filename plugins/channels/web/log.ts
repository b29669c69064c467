/** What each visitor has seen, numbered 1, 2, 3 … without a gap; and what is known of the visitor beside that. */
import { type Context, tables } from '#core'
import { type Face, type Item, PAGE, type ShownPart } from './protocol.ts'

interface LogRow {
  chat: string
  /** Never used again: the last row of a chat stays when old ones are forgotten, with nothing in it but its number. */
  seq: number
  /** As in `Item`: with the chat, what makes a repeat a repeat. */
  id: string
  at: number
  /** `null`: what was said is forgotten. */
  by: 'visitor' | 'us' | 'system' | null
  /** The rest of the `Item`, as JSON. */
  body: string
}

interface VisitorRow {
  chat: string
  /** When the row was made. */
  since: number
  /** Up to which number. */
  read: number
  /** The mark of the user who has signed in here: kept as long as there is anything of the chat, so that it stays his. */
  whose: string | null
  /** When the chat became his. */
  bound_at: number | null
  /** The chat to which a visitor went when he signed in, if not this one. */
  gone_to: string | null
  name: string | null
  /** All that the host has said, as JSON: to tell when it is something new. */
  identity: string | null
}

export interface Rows {
  log: LogRow
  visitor: VisitorRow
  signing: { n: number; key: string }
}
type Sql = Context<unknown, Rows>['sql']

export const rows = tables<Rows>({
  '1-log': `
    CREATE TABLE log (chat TEXT NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, by TEXT,
      body TEXT NOT NULL, PRIMARY KEY (chat, seq)) WITHOUT ROWID;
    CREATE UNIQUE INDEX log_id ON log (chat, id);
    CREATE INDEX log_at ON log (at) WHERE by IS NOT NULL;
    CREATE TABLE visitor (chat TEXT PRIMARY KEY, since INTEGER NOT NULL, read INTEGER NOT NULL, whose TEXT,
      bound_at INTEGER, gone_to TEXT, name TEXT, identity TEXT) WITHOUT ROWID;
    CREATE INDEX visitor_whose ON visitor (whose, bound_at) WHERE whose IS NOT NULL;
    CREATE TABLE signing (n INTEGER PRIMARY KEY, key TEXT NOT NULL)`,
})

/** A line of the log on its way in. */
export type Line =
  | { readonly by: 'visitor'; readonly part: ShownPart; readonly choice?: string | undefined }
  | { readonly by: 'us'; readonly part: ShownPart; readonly face?: Face | undefined }
  | { readonly by: 'system'; readonly code: SystemCode }
export type SystemCode = Extract<Item, { by: 'system' }>['code']

/** An `Item` as JSON, its number, and whose it is. */
export interface StoredItem {
  readonly seq: number
  readonly by: LogRow['by']
  readonly json: string
}

/** The numbers that there are. */
export interface Extent {
  /** The lowest that can be shown; `head + 1` where none can. */
  readonly first: number
  /** The latest; 0 of an empty log. */
  readonly head: number
}

/** Rows that are forgotten in one go: nothing else is written meanwhile. */
const SLICE = 500

export type Log = ReturnType<typeof makeLog>

export function makeLog(sql: Sql, clock: { now(): number }) {
  const said = () => sql.selectFrom('log').where('by', 'is not', null)
  const shown = () => said().select(['seq', 'id', 'at', 'by', 'body'])

  /** The row of a visitor of whom nothing is known yet. */
  function nobody(chat: string): VisitorRow {
    const nothing = { whose: null, bound_at: null, gone_to: null, name: null, identity: null }
    return { chat, since: clock.now(), read: 0, ...nothing }
  }

  /** The write that adds a line, if there is none with its id. */
  function adding(chat: string, id: string, { by, ...body }: Line) {
    return sql
      .insertInto('log')
      .orIgnore()
      .columns(['chat', 'seq', 'id', 'at', 'by', 'body'])
      .expression((its) =>
        its
          .selectFrom('log')
          .where('chat', '=', chat)
          .select((its) => [
            its.val(chat).as('chat'),
            its(its.fn.coalesce(its.fn.max('seq'), its.lit(0)), '+', its.lit(1)).as('seq'),
            its.val(id).as('id'),
            its.val(clock.now()).as('at'),
            its.val(by).as('by'),
            its.val(JSON.stringify(body)).as('body'),
          ]),
      )
  }

  return {
    adding,
    async add(chat: string, id: string, line: Line): Promise<void> {
      await adding(chat, id, line).execute()
    },
    /** The number of a line by its id; 0 when it is not (or no longer) kept. */
    async seqOf(chat: string, id: string): Promise<number> {
      const row = await sql
        .selectFrom('log')
        .select('seq')
        .where('chat', '=', chat)
        .where('id', '=', id)
        .executeTakeFirst()
      return row?.seq ?? 0
    },
    /** Up to a page of lines after a number. */
    async after(chat: string, seq: number): Promise<readonly StoredItem[]> {
      const found = await shown().where('chat', '=', chat).where('seq', '>', seq).orderBy('seq').limit(PAGE).execute()
      return found.map(stored)
    },
    /** Up to a page of lines before a number, by rising numbers. */
    async before(chat: string, seq: number): Promise<readonly StoredItem[]> {
      const found = await shown()
        .where('chat', '=', chat)
        .where('seq', '<', seq)
        .orderBy('seq', 'desc')
        .limit(PAGE)
        .execute()
      return found.toReversed().map(stored)
    },
    /** Asked for with each message: found at the two ends, however long the log is. */
    async extent(chat: string): Promise<Extent> {
      const found = await sql
        .selectFrom('log')
        .where('chat', '=', chat)
        .orderBy('seq', 'desc')
        .limit(1)
        .select((its) => [
          'seq as head',
          its
            .selectFrom('log as shown')
            .where('shown.chat', '=', chat)
            .where('shown.by', 'is not', null)
            .orderBy('shown.seq')
            .limit(1)
            .select('shown.seq')
            .as('first'),
        ])
        .executeTakeFirst()
      const head = found?.head ?? 0
      return { first: found?.first ?? head + 1, head }
    },
    /** Under which face we have answered last since then. */
    async faceSince(chat: string, atMs: number): Promise<Face | undefined> {
      const row = await sql
        .selectFrom('log')
        .select('body')
        .where('chat', '=', chat)
        .where('by', '=', 'us')
        .where('at', '>=', atMs)
        .orderBy('seq', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row && JSON.parse(row.body).face
    },
    /** The chats to which something was added since then. */
    async changedSince(atMs: number): Promise<readonly string[]> {
      const found = await said().select('chat').distinct().where('at', '>=', atMs).execute()
      return found.map(({ chat }) => chat)
    },

    async visitor(chat: string): Promise<VisitorRow | undefined> {
      return sql.selectFrom('visitor').selectAll().where('chat', '=', chat).executeTakeFirst()
    },
    async markRead(chat: string, seq: number): Promise<void> {
      await sql
        .insertInto('visitor')
        .values({ ...nobody(chat), read: seq })
        .onConflict((on) => on.column('chat').doUpdateSet({ read: seq }).where('visitor.read', '<', seq))
        .execute()
    },
    /** When the visitor has last written something that can still be shown. */
    async lastWrittenMs(chat: string): Promise<number | undefined> {
      const row = await sql
        .selectFrom('log')
        .select('at')
        .where('chat', '=', chat)
        .where('by', '=', 'visitor')
        .orderBy('seq', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row?.at
    },
    /** The chat that became this user's first. */
    async chatOf(whose: string): Promise<string | undefined> {
      const found = sql.selectFrom('visitor').select('chat').where('whose', '=', whose)
      return (await found.orderBy('bound_at').orderBy('chat').limit(1).executeTakeFirst())?.chat
    },
    /** Makes a chat this user's, and gives its row: one that is somebody else's, or was left, stays so. */
    async bind(chat: string, whose: string): Promise<VisitorRow> {
      const bound = { whose, bound_at: clock.now() }
      await sql
        .insertInto('visitor')
        .values({ ...nobody(chat), ...bound })
        .onConflict((on) =>
          on.column('chat').doUpdateSet(bound).where('visitor.whose', 'is', null).where('visitor.gone_to', 'is', null),
        )
        .execute()
      return sql.selectFrom('visitor').selectAll().where('chat', '=', chat).executeTakeFirstOrThrow()
    },
    /** The write that keeps what the host has said of a user. */
    naming(chat: string, said: { readonly name: string | undefined; readonly identity: string }) {
      const { name = null, identity } = said
      return sql.updateTable('visitor').set({ name, identity }).where('chat', '=', chat)
    },
    /** A visitor has signed in and gone to another chat. One that is somebody's is not left: it goes on elsewhere. */
    async leave(chat: string, to: string): Promise<void> {
      await sql
        .insertInto('visitor')
        .values({ ...nobody(chat), gone_to: to })
        .onConflict((on) => on.column('chat').doUpdateSet({ gone_to: to }).where('visitor.whose', 'is', null))
        .execute()
    },

    /** The key that signs; `made` becomes it where there is none yet. */
    async key(made: string): Promise<string> {
      await sql.insertInto('signing').orIgnore().values({ n: 1, key: made }).execute()
      return (await sql.selectFrom('signing').select('key').executeTakeFirstOrThrow()).key
    },

    /** Who the visitors of these chats were, as it is kept. */
    async visitors(chats: readonly string[]) {
      return sql
        .selectFrom('visitor')
        .select(['chat', 'since', 'name', 'identity'])
        .where('chat', 'in', chats)
        .execute()
    },
    /** Forgets what was said in a chat until then, and who it was. Numbers go on where they were, and it stays whose it is. */
    async erase(chat: string, untilMs: number): Promise<void> {
      const { head } = await this.extent(chat)
      await sql.deleteFrom('log').where('chat', '=', chat).where('at', '<=', untilMs).where('seq', '<', head).execute()
      await sql
        .updateTable('log')
        .set({ by: null, body: '{}' })
        .where('chat', '=', chat)
        .where('at', '<=', untilMs)
        .execute()
      await sql.updateTable('visitor').set({ name: null, identity: null }).where('chat', '=', chat).execute()
    },

    /** Forgets what is older than `beforeMs`, slice by slice, so that others write in between. Numbers go on where they were. */
    async forget(beforeMs: number): Promise<void> {
      for (;;) {
        const end = await said()
          .select('at')
          .where('at', '<', beforeMs)
          .orderBy('at')
          .offset(SLICE - 1)
          .limit(1)
          .executeTakeFirst()
        const untilMs = end?.at ?? beforeMs - 1
        await sql
          .deleteFrom('log')
          .where('by', 'is not', null)
          .where('at', '<=', untilMs)
          .where((its) =>
            its(
              'seq',
              '<',
              its
                .selectFrom('log as later')
                .whereRef('later.chat', '=', 'log.chat')
                .select((its) => its.fn.max('later.seq').as('seq')),
            ),
          )
          .execute()
        // Those that are left are the last of their chats.
        await sql
          .updateTable('log')
          .set({ by: null, body: '{}' })
          .where('by', 'is not', null)
          .where('at', '<=', untilMs)
          .execute()
        if (!end) break
      }
      // Who it was is not kept longer than what was said; that it is his, as long as the chat can go on.
      for (let from = ''; ; ) {
        const slice = await sql
          .selectFrom('visitor')
          .select(['chat', 'since'])
          .where('chat', '>', from)
          .orderBy('chat')
          .limit(SLICE)
          .execute()
        const old = slice.filter(({ since }) => since < beforeMs).map(({ chat }) => chat)
        if (old.length > 0) {
          await sql
            .updateTable('visitor')
            .set({ name: null, identity: null })
            .where('chat', 'in', old)
            .where('identity', 'is not', null)
            .where((its) =>
              its.not(
                its.exists(
                  its
                    .selectFrom('log')
                    .select('log.seq')
                    .whereRef('log.chat', '=', 'visitor.chat')
                    .where('log.by', 'is not', null),
                ),
              ),
            )
            .execute()
          await sql
            .deleteFrom('visitor')
            .where('chat', 'in', old)
            .where((its) =>
              its.not(its.exists(its.selectFrom('log').select('log.seq').whereRef('log.chat', '=', 'visitor.chat'))),
            )
            .execute()
        }
        const last = slice[SLICE - 1]
        if (!last) break
        from = last.chat
      }
    },
  }
}

function stored({ seq, id, at, by, body }: Omit<LogRow, 'chat'>): StoredItem {
  return { seq, by, json: JSON.stringify({ seq, id, atMs: at, by, ...JSON.parse(body) }) }
}
