/** Who is signed in: sessions of people, by their cookies, and tokens of machines. */
import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import { z } from '#core'
import { Role } from '../api/shapes.ts'
import { hashOf, newSecret } from './secrets.ts'
import { type Feed, openSharedRows } from './shared-rows.ts'
import type { AccessTables } from './tables.ts'

/** Whoever has done nothing for so long signs in again. */
const IDLE_MS = 24 * 60 * 60_000
/** And everybody after so long. */
const LONGEST_MS = 30 * 24 * 60 * 60_000
/** How often it is written down that a session is in use. */
const SEEN_EVERY_MS = 10 * 60_000
/** A person has so many at most: the oldest end. */
const MAX_PER_PERSON = 20

const Session = z.object({
  hash: z.string(),
  id: z.string(),
  person: z.string(),
  started_at: z.number(),
  seen_at: z.number(),
  address: z.string(),
  browser: z.string(),
})
export type Session = Readonly<z.output<typeof Session>>

const Token = z.object({
  id: z.string(),
  hash: z.string(),
  name: z.string(),
  role: Role,
  /** null: all. */
  teams_json: z.string().nullable(),
  made_at: z.number(),
  made_by: z.string(),
})
export type Token = Omit<Readonly<z.output<typeof Token>>, 'teams_json'> & {
  readonly teams: readonly string[] | undefined
}

export interface Sessions {
  /** Gives what the cookie holds: it is kept nowhere. */
  begin(person: string, from: { readonly address: string; readonly browser: string }): Promise<string>
  /** The session of a cookie, which is in use by that; `undefined`: it is none, or no longer. */
  of(cookie: string): Session | undefined
  /** The same one as it is now; `undefined`: it has ended. */
  again(session: Session): Session | undefined
  endsAtMs(session: Session): number
  all(person: string): readonly Session[]
  /** Whether it was there. */
  end(session: Session): Promise<void>
  /** Ends all of a person, or all but one. */
  endAll(person: string, but?: Session): Promise<void>
  /** Ends those of people who are not there any more. */
  keepOnly(people: readonly string[]): Promise<void>
  /** Called with the hash of each that ends before its time. */
  onEnd(listener: (hash: string) => void): void
}

/** All of them are in memory: each request asks. */
export async function openSessions(sql: Kysely<AccessTables>, clock: { now(): number }, feed: Feed): Promise<Sessions> {
  const rows = await openSharedRows({
    feed,
    row: Session,
    read: () => sql.selectFrom('session').selectAll().execute(),
    delete: (hashes) => sql.deleteFrom('session').where('hash', 'in', hashes).execute(),
  })

  const endsAtMs = ({ started_at, seen_at }: Session) => Math.min(seen_at + IDLE_MS, started_at + LONGEST_MS)
  const isOn = (session: Session | undefined) => session !== undefined && endsAtMs(session) > clock.now()
  const all = (person: string) =>
    rows
      .all()
      .filter((session) => session.person === person && isOn(session))
      .toSorted((a, b) => b.seen_at - a.seen_at)

  return {
    async begin(person, { address, browser }) {
      const cookie = newSecret()
      const nowMs = clock.now()
      const session: Session = {
        hash: hashOf(cookie),
        id: randomUUID(),
        person,
        started_at: nowMs,
        seen_at: nowMs,
        address,
        browser: browser.slice(0, 300),
      }
      const over = rows.all().filter((one) => !isOn(one))
      await rows.remove([...over, ...all(person).slice(MAX_PER_PERSON - 1)])
      await sql.insertInto('session').values(session).execute()
      await rows.add(session)
      return cookie
    },
    of(cookie) {
      const session = rows.get(hashOf(cookie))
      const nowMs = clock.now()
      if (!session || !isOn(session)) return undefined
      if (nowMs - session.seen_at < SEEN_EVERY_MS) return session
      const seen = { ...session, seen_at: nowMs }
      rows.change(seen)
      // That it is not written down ends the session sooner after a restart, and hurts nothing else.
      sql
        .updateTable('session')
        .set({ seen_at: nowMs })
        .where('hash', '=', session.hash)
        .execute()
        .catch(() => {})
      return seen
    },
    again({ hash }) {
      const session = rows.get(hash)
      return isOn(session) ? session : undefined
    },
    endsAtMs,
    all,
    end: (session) => rows.remove([session]),
    endAll: (person, but) => rows.remove(rows.all().filter((one) => one.person === person && one.hash !== but?.hash)),
    keepOnly: (people) => rows.remove(rows.all().filter(({ person }) => !people.includes(person))),
    onEnd: rows.onRemove,
  }
}

export interface Tokens {
  of(secret: string): Token | undefined
  /** Whether it is still good. */
  isGood(token: Token): boolean
  all(): readonly Token[]
  /** Gives the secret too: it is kept nowhere. */
  make(token: {
    readonly name: string
    readonly role: Role
    readonly teams: readonly string[] | undefined
    readonly by: string
  }): Promise<{ readonly token: Token; readonly secret: string }>
  /** The token that was there. */
  revoke(id: string): Promise<Token | undefined>
  /** Called with the hash of each that is revoked. */
  onRevoke(listener: (hash: string) => void): void
}

/** What a secret begins with, so that it is known for one wherever it turns up. */
const PREFIX = 'sbt_'
const Teams = z.array(z.string())

export async function openTokens(sql: Kysely<AccessTables>, clock: { now(): number }, feed: Feed): Promise<Tokens> {
  const rows = await openSharedRows({
    feed,
    row: Token,
    read: async () => Token.array().parse(await sql.selectFrom('token').selectAll().orderBy('made_at').execute()),
    delete: (hashes) => sql.deleteFrom('token').where('hash', 'in', hashes).execute(),
  })
  return {
    of(secret) {
      const row = secret.startsWith(PREFIX) ? rows.get(hashOf(secret)) : undefined
      return row && tokenOf(row)
    },
    isGood: ({ hash }) => rows.get(hash) !== undefined,
    all: () => rows.all().map(tokenOf),
    async make({ name, role, teams, by }) {
      const secret = `${PREFIX}${newSecret()}`
      const row = {
        id: randomUUID(),
        hash: hashOf(secret),
        name,
        role,
        teams_json: teams ? JSON.stringify(teams) : null,
        made_at: clock.now(),
        made_by: by,
      }
      await sql.insertInto('token').values(row).execute()
      await rows.add(row)
      return { token: tokenOf(row), secret }
    },
    async revoke(id) {
      const row = rows.all().find((one) => one.id === id)
      if (!row) return undefined
      await rows.remove([row])
      return tokenOf(row)
    },
    onRevoke: rows.onRemove,
  }
}

function tokenOf({ teams_json, ...token }: z.output<typeof Token>): Token {
  return { ...token, teams: teams_json === null ? undefined : Teams.parse(JSON.parse(teams_json)) }
}
