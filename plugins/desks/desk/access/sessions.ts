/** Who is signed in: sessions of people, by their cookies, and tokens of machines. */
import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import { z } from '#core'
import { Role } from '../api/shapes.ts'
import { hashOf, newSecret } from './secrets.ts'
import type { AccessTables, SessionRow, TokenRow } from './tables.ts'

/** Whoever has done nothing for so long signs in again. */
const IDLE_MS = 24 * 60 * 60_000
/** And everybody after so long. */
const LONGEST_MS = 30 * 24 * 60 * 60_000
/** How often it is written down that a session is in use. */
const SEEN_EVERY_MS = 10 * 60_000
/** A person has so many at most: the oldest end. */
const MAX_PER_PERSON = 20

export type Session = Readonly<SessionRow>
export type Token = Omit<Readonly<TokenRow>, 'role' | 'teams_json'> & {
  readonly role: Role
  readonly teams: readonly string[] | undefined
}

export interface Sessions {
  /** Gives what the cookie holds: it is kept nowhere. */
  begin(person: string, from: { readonly address: string; readonly browser: string }): Promise<string>
  /** The session of a cookie, which is in use by that; `undefined`: it is none, or no longer. */
  of(cookie: string): Session | undefined
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
export async function openSessions(sql: Kysely<AccessTables>, clock: { now(): number }): Promise<Sessions> {
  const byHash = new Map<string, Session>()
  const listeners: ((hash: string) => void)[] = []
  for (const session of await sql.selectFrom('session').selectAll().execute()) byHash.set(session.hash, session)

  const endsAtMs = ({ started_at, seen_at }: Session) => Math.min(seen_at + IDLE_MS, started_at + LONGEST_MS)
  const all = (person: string) =>
    [...byHash.values()]
      .filter((session) => session.person === person && endsAtMs(session) > clock.now())
      .toSorted((a, b) => b.seen_at - a.seen_at)

  async function end(sessions: readonly Session[]): Promise<void> {
    const hashes = sessions.map(({ hash }) => hash)
    if (hashes.length === 0) return
    for (const hash of hashes) byHash.delete(hash)
    for (const hash of hashes) for (const tell of listeners) tell(hash)
    await sql.deleteFrom('session').where('hash', 'in', hashes).execute()
  }

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
      const over = [...byHash.values()].filter((one) => endsAtMs(one) <= nowMs)
      await end([...over, ...all(person).slice(MAX_PER_PERSON - 1)])
      await sql.insertInto('session').values(session).execute()
      byHash.set(session.hash, session)
      return cookie
    },
    of(cookie) {
      const session = byHash.get(hashOf(cookie))
      const nowMs = clock.now()
      if (!session || endsAtMs(session) <= nowMs) return undefined
      if (nowMs - session.seen_at < SEEN_EVERY_MS) return session
      const seen = { ...session, seen_at: nowMs }
      byHash.set(session.hash, seen)
      // That it is not written down ends the session sooner after a restart, and hurts nothing else.
      sql
        .updateTable('session')
        .set({ seen_at: nowMs })
        .where('hash', '=', session.hash)
        .execute()
        .catch(() => {})
      return seen
    },
    endsAtMs,
    all,
    end: (session) => end([session]),
    endAll: (person, but) => end([...byHash.values()].filter((one) => one.person === person && one.hash !== but?.hash)),
    keepOnly: (people) => end([...byHash.values()].filter(({ person }) => !people.includes(person))),
    onEnd: (listener) => void listeners.push(listener),
  }
}

export interface Tokens {
  of(secret: string): Token | undefined
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
  onRevoke(listener: (id: string) => void): void
}

/** What a secret begins with, so that it is known for one wherever it turns up. */
const PREFIX = 'sbt_'
const Teams = z.array(z.string())

export async function openTokens(sql: Kysely<AccessTables>, clock: { now(): number }): Promise<Tokens> {
  const byHash = new Map<string, Token>()
  const listeners: ((id: string) => void)[] = []
  for (const row of await sql.selectFrom('token').selectAll().orderBy('made_at').execute()) {
    const { role, teams_json, ...rest } = row
    const teams = teams_json === null ? undefined : Teams.parse(JSON.parse(teams_json))
    byHash.set(row.hash, { ...rest, role: Role.parse(role), teams })
  }
  return {
    of: (secret) => (secret.startsWith(PREFIX) ? byHash.get(hashOf(secret)) : undefined),
    all: () => [...byHash.values()],
    async make({ name, role, teams, by }) {
      const secret = `${PREFIX}${newSecret()}`
      const token: Token = {
        id: randomUUID(),
        hash: hashOf(secret),
        name,
        role,
        teams,
        made_at: clock.now(),
        made_by: by,
      }
      const { teams: _, ...rest } = token
      await sql
        .insertInto('token')
        .values({ ...rest, teams_json: teams ? JSON.stringify(teams) : null })
        .execute()
      byHash.set(token.hash, token)
      return { token, secret }
    },
    async revoke(id) {
      const token = [...byHash.values()].find((one) => one.id === id)
      if (!token) return undefined
      await sql.deleteFrom('token').where('id', '=', id).execute()
      byHash.delete(token.hash)
      for (const tell of listeners) tell(id)
      return token
    },
    onRevoke: (listener) => void listeners.push(listener),
  }
}
