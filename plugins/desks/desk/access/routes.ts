/** Signing in and out, passwords, links, sessions, tokens: what the API lets people do with who they are. */

import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Context, type Log, messageOf } from '#core'
import { Refusal } from '../api/refusal.ts'
import { type Api, OK } from '../api/serve.ts'
import type { Account, Me, Token as TokenShape } from '../api/shapes.ts'
import { type Accounts, type Link, MIN_PASSWORD_CHARS } from './accounts.ts'
import type { Attempts, Try } from './attempts.ts'
import type { Calling, Door } from './door.ts'
import { TooBusy } from './secrets.ts'
import type { Session, Sessions, Token, Tokens } from './sessions.ts'

export function addAccess(
  api: Api,
  of: {
    readonly accounts: Accounts
    readonly attempts: Attempts
    readonly sessions: Sessions
    readonly tokens: Tokens
    readonly door: Door
    readonly log: Log
    readonly teams: readonly string[]
    /** Everybody of the YAML. */
    people(): readonly Pick<Account, 'name' | 'title' | 'role' | 'teams'>[]
    readonly callerOf: Context<unknown, unknown>['callerOf']
    readonly audit: Context<unknown, unknown>['audit']
    readonly desk: string
    /** What colleagues see; `undefined`: the YAML has nobody of this name. */
    titleOf(person: string): string | undefined
    meOf(calling: Calling, failedSignIns?: number): Me
    invite(person: string): Promise<Pick<Link, 'link' | 'untilMs'>>
  },
): void {
  const { accounts, attempts, sessions, tokens, door, log } = of

  const tryOf = (request: FastifyRequest, person: string): Try => ({
    person,
    caller: of.callerOf(request.raw),
    mark: door.cookie(request.raw, 'known'),
  })

  /** Whoever it is that tries, and however it ends, it takes as long. Gives which of their passwords it is. */
  async function mustBeRight(try_: Try, password: string): Promise<number> {
    let isLast = false
    const trying = accounts.versionOf(try_.person, password, () => {
      const waitMs = attempts.waitMs(try_)
      if (waitMs > 0) throw new Refusal('LOCKED_OUT', { params: { waitMs }, retryAfterMs: waitMs })
      // Counted before it is known, so that many at a time do not get more tries; and not when there is no turn for it.
      isLast = attempts.failed(try_)
    })
    const version = await busyIs(trying)
    if (version !== undefined) return version
    if (isLast) tellLockedOut(try_)
    throw new Refusal('SIGN_IN_REFUSED')
  }

  function tellLockedOut({ person, caller: { address } }: Try): void {
    const about = of.titleOf(person) === undefined ? 'a name that nobody has' : person
    log.warn(
      { address },
      `Too many have failed to sign in as ${about}; new browsers have to wait for each further try.`,
    )
    of.audit({
      by: { kind: 'desk', name: of.desk },
      action: 'access.locked-out',
      after: { person: about, from: address },
    })
  }

  /** `version`: the password by which they have come. */
  async function begin(request: FastifyRequest, reply: FastifyReply, try_: Try, version: number): Promise<Me> {
    const failed = attempts.succeeded(try_)
    const { person } = try_
    const browser = request.headers['user-agent'] ?? ''
    const { address } = try_.caller
    // Whoever was signed in in this browser is not any more: their page must not go on in somebody else's name. Whoever
    // is signed in here already goes on as they are.
    const cookie = door.cookie(request.raw, 'session') ?? ''
    const before = door.byCookie(cookie, address)
    const isSame = before?.name === person
    if (before?.kind === 'person' && !isSame) await sessions.end(before.session)
    const value = isSame ? cookie : await sessions.begin(person, { address, browser })
    // Only now: another that is set from here on finds the session, and ends it with the others.
    if (!(await accounts.isLatest(person, version))) {
      const begun = sessions.of(value)
      if (begun) await sessions.end(begun)
      throw new Refusal('SIGN_IN_REFUSED')
    }
    reply.header('set-cookie', [door.setCookie('session', value), door.setCookie('known', attempts.knownMark(person))])
    const calling = door.byCookie(value, address)
    if (!calling) throw new Refusal('NOT_SIGNED_IN')
    return of.meOf(calling, failed)
  }

  api.on('POST /sign-in', async ({ body: { person, password }, request, reply, note }) => {
    const try_ = tryOf(request, person)
    const version = await mustBeRight(try_, password)
    note({ who: person })
    // The failure that was counted before it was known.
    const me = await begin(request, reply, try_, version)
    return { ...me, failedSignIns: Math.max(0, me.failedSignIns - 1) }
  })
  api.on('POST /links/look', async ({ body: { link } }) => {
    const person = await accounts.personOf(link)
    if (person === undefined) throw new Refusal('LINK_NOT_GOOD')
    return { person, title: of.titleOf(person) ?? person }
  })
  api.on('POST /links/use', async ({ body: { link, password }, request, reply, note }) => {
    const person = await accounts.personOf(link)
    if (person === undefined) throw new Refusal('LINK_NOT_GOOD')
    mustBeGood(password, person)
    const used = await busyIs(accounts.useLink(link, password))
    if (used === undefined) throw new Refusal('LINK_NOT_GOOD')
    await sessions.endAll(person)
    note({ who: person })
    return begin(request, reply, tryOf(request, person), used.version)
  })
  api.on('GET /me', ({ calling }) => of.meOf(calling))
  api.on('POST /sign-out', async ({ calling, reply }) => {
    await sessions.end(calling.session)
    reply.header('set-cookie', door.setCookie('session', undefined))
    return OK
  })
  api.on('POST /password', async ({ calling, body: { now, next }, request }) => {
    const try_ = tryOf(request, calling.name)
    mustBeGood(next, calling.name)
    const version = await mustBeRight(try_, now)
    attempts.succeeded(try_)
    // Whoever comes too late knows a password that is no longer good.
    if ((await busyIs(accounts.setPassword(calling.name, next, version))) === undefined)
      throw new Refusal('SIGN_IN_REFUSED')
    await sessions.endAll(calling.name, calling.session)
    return OK
  })

  api.on('GET /sessions', ({ calling }) => ({
    sessions: sessions.all(calling.name).map((one) => ({ ...placeOf(one), isThis: one.hash === calling.session.hash })),
  }))
  api.on('POST /sessions/:session/end', async ({ calling, params, reply }) => {
    const session = sessions.all(calling.name).find(({ id }) => id === params.session)
    if (!session) throw new Refusal('NOT_FOUND')
    await sessions.end(session)
    if (session.hash === calling.session.hash) reply.header('set-cookie', door.setCookie('session', undefined))
    return OK
  })

  function mustBeThere(person: string): void {
    if (of.titleOf(person) === undefined) throw new Refusal('NOBODY_THERE', { params: { person } })
  }
  api.on('GET /people', async () => {
    const all = await accounts.all()
    return {
      people: of.people().map((person) => {
        const { hasPassword = false, invitedUntilMs } = all.get(person.name) ?? {}
        return {
          ...person,
          hasPassword,
          ...(invitedUntilMs !== undefined && { invitedUntilMs }),
          sessions: sessions.all(person.name).map(placeOf),
        }
      }),
    }
  })
  api.on('POST /people/:person/invite', async ({ params: { person } }) => {
    mustBeThere(person)
    return of.invite(person)
  })
  api.on('POST /people/:person/sign-out', async ({ params: { person }, note }) => {
    mustBeThere(person)
    note({ before: { sessions: sessions.all(person).length }, after: { sessions: 0 } })
    await sessions.endAll(person)
    return OK
  })

  api.on('GET /tokens', () => ({ tokens: tokens.all().map(tokenOf) }))
  api.on('POST /tokens', async ({ calling, body: { name, role, teams }, note }) => {
    const unknown = teams?.find((team) => !of.teams.includes(team))
    if (unknown !== undefined) throw new Refusal('TEAM_UNKNOWN', { params: { team: unknown } })
    if (teams && role === 'administrator') throw new Refusal('ADMINISTRATOR_OF_TEAMS')
    const { token, secret } = await tokens.make({ name, role, teams, by: calling.name })
    note({ after: { id: token.id, name, role, ...(teams && { teams }) } })
    return { token: tokenOf(token), secret }
  })
  api.on('POST /tokens/:token/revoke', async ({ params, note }) => {
    const token = await tokens.revoke(params.token)
    if (!token) throw new Refusal('NOT_FOUND')
    note({ before: { name: token.name, role: token.role } })
    return OK
  })
}

function mustBeGood(password: string, person: string): void {
  if ([...password].length < MIN_PASSWORD_CHARS)
    throw new Refusal('PASSWORD_TOO_SHORT', { params: { least: MIN_PASSWORD_CHARS } })
  if (password.toLowerCase() === person.toLowerCase()) throw new Refusal('PASSWORD_IS_NAME')
}

/** Passwords cost memory: when too many are worked out at a time, whoever comes is asked to come again. */
async function busyIs<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    if (cause instanceof TooBusy) throw new Refusal('BUSY', { message: messageOf(cause), retryAfterMs: 2_000, cause })
    throw cause
  }
}

function placeOf({ id, started_at, seen_at, address, browser }: Session): Account['sessions'][number] {
  return { id, startedAtMs: started_at, lastSeenAtMs: seen_at, address, browser }
}

function tokenOf({ id, name, role, teams, made_at, made_by }: Token): TokenShape {
  return { id, name, role, ...(teams && { teams: [...teams] }), madeAtMs: made_at, madeBy: made_by }
}
