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
  /** The host's id of a visitor who was identified. */
  user: string | null
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
    CREATE TABLE visitor (chat TEXT PRIMARY KEY, since INTEGER NOT NULL, read INTEGER NOT NULL, user TEXT, name TEXT,
      identity TEXT) WITHOUT ROWID;
    CREATE INDEX visitor_user ON visitor (user) WHERE user IS NOT NULL;
    CREATE TABLE signing (n INTEGER PRIMARY KEY, key TEXT NOT NULL)`,
})

/** A line of the log on its way in. */
export type Line =
  | { readonly by: 'visitor'; readonly part: ShownPart; readonly choice?: string | undefined }
  | { readonly by: 'us'; readonly part: ShownPart; readonly face?: Face | undefined }
  | { readonly by: 'system'; readonly code: SystemCode }
export type SystemCode = Extract<Item, { by: 'system' }>['code']

/** An `Item` as JSON, and its number. */
export interface StoredItem {
  readonly seq: number
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
    /** Up to `max` lines after a number. */
    async after(chat: string, seq: number, max = PAGE): Promise<readonly StoredItem[]> {
      const found = await shown().where('chat', '=', chat).where('seq', '>', seq).orderBy('seq').limit(max).execute()
      return found.map(stored)
    },
    /** Up to `max` lines before a number, by rising numbers. */
    async before(chat: string, seq: number, max = PAGE): Promise<readonly StoredItem[]> {
      const found = await shown()
        .where('chat', '=', chat)
        .where('seq', '<', seq)
        .orderBy('seq', 'desc')
        .limit(max)
        .execute()
      return found.toReversed().map(stored)
    },
    async extent(chat: string): Promise<Extent> {
      const { first, head } = await sql
        .selectFrom('log')
        .where('chat', '=', chat)
        .select((its) => [
          its.fn.min(its.case().when('by', 'is not', null).then(its.ref('seq')).end()).as('first'),
          its.fn.max('seq').as('head'),
        ])
        .executeTakeFirstOrThrow()
      return { first: first ?? (head ?? 0) + 1, head: head ?? 0 }
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
        .values({ chat, since: clock.now(), read: seq, user: null, name: null, identity: null })
        .onConflict((on) => on.column('chat').doUpdateSet({ read: seq }).where('visitor.read', '<', seq))
        .execute()
    },
    /** The first of the chats of this user. */
    async chatOf(user: string): Promise<string | undefined> {
      const found = sql.selectFrom('visitor').select('chat').where('user', '=', user)
      return (await found.orderBy('since').orderBy('chat').limit(1).executeTakeFirst())?.chat
    },
    /** The write that makes a chat this user's. One that is somebody else's already stays so. */
    binding(chat: string, user: string, said: { readonly name: string | undefined; readonly identity: string }) {
      const { identity } = said
      const name = said.name ?? null
      return sql
        .insertInto('visitor')
        .values({ chat, since: clock.now(), read: 0, user, name, identity })
        .onConflict((on) =>
          on
            .column('chat')
            .doUpdateSet({ user, name, identity })
            .where((its) => its.or([its('visitor.user', 'is', null), its('visitor.user', '=', user)])),
        )
    },

    /** The key that signs; `made` becomes it where there is none yet. */
    async key(made: string): Promise<string> {
      await sql.insertInto('signing').orIgnore().values({ n: 1, key: made }).execute()
      return (await sql.selectFrom('signing').select('key').executeTakeFirstOrThrow()).key
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
      // Who it was is not kept longer than what was said.
      for (let from = ''; ; ) {
        const end = await sql
          .selectFrom('visitor')
          .select('chat')
          .where('chat', '>', from)
          .orderBy('chat')
          .offset(SLICE - 1)
          .limit(1)
          .executeTakeFirst()
        const slice = sql.deleteFrom('visitor').where('chat', '>', from)
        await (end ? slice.where('chat', '<=', end.chat) : slice)
          .where('since', '<', beforeMs)
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
        if (!end) break
        from = end.chat
      }
    },
  }
}

function stored({ seq, id, at, by, body }: Omit<LogRow, 'chat'>): StoredItem {
  return { seq, json: JSON.stringify({ seq, id, atMs: at, by, ...JSON.parse(body) }) }
}
