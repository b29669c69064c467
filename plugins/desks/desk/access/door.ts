/**
 * Who asks: by the cookie of a session, or by the token of a machine. All of it before a body is read or a socket
 * opened.
 *
 * Against requests that another site makes a browser send: the cookie is `SameSite=Strict`, and whatever changes
 * something or opens a socket by it must say an origin of ours. Browsers always say it there, and no page can choose it.
 * A token is sent by no browser by itself, so there it does not matter.
 */
import type { IncomingMessage } from 'node:http'
import type { Actor, Caller as Address } from '#core'
import type { Role } from '../api/shapes.ts'
import type { Session, Sessions, Token, Tokens } from './sessions.ts'

const ROLES: readonly Role[] = ['agent', 'supervisor', 'administrator']

interface Known {
  /** The person as the YAML calls them, or the name of the token. */
  readonly name: string
  readonly title: string
  readonly role: Role
  /** The teams whose conversations are theirs to see; `undefined`: all. */
  readonly teams: readonly string[] | undefined
  /** As whom the journal has what they do. A machine does it for the desk. */
  readonly actor: Actor
  readonly address: string
}
export interface PersonCalling extends Known {
  readonly kind: 'person'
  readonly session: Session
}
export interface MachineCalling extends Known {
  readonly kind: 'machine'
  readonly token: Token
}
/** Whoever asks, once it is known who it is. */
export type Calling = PersonCalling | MachineCalling

export interface Door {
  /** Who it is; `undefined`: nobody we know. */
  calling(request: IncomingMessage): Calling | undefined
  /** Who it is now by the same session or token, whose role or teams may be others; `undefined`: it has ended. */
  again(calling: Calling): Calling | undefined
  /** Who it is by the value of a session's cookie. */
  byCookie(value: string, address: string): Calling | undefined
  /** Whether a page of ours has sent it, or no page at all. */
  isOurPage(request: IncomingMessage): boolean
  cookie(request: IncomingMessage, name: 'session' | 'known'): string | undefined
  /** The header that sets a cookie; without a value it is taken away. */
  setCookie(name: 'session' | 'known', value: string | undefined): string
}

/** How long a browser remembers a cookie: sessions end before. */
const COOKIE_S = 90 * 24 * 60 * 60

export function makeDoor(of: {
  readonly desk: string
  /** The desk's public address. */
  readonly url: string
  readonly sessions: Sessions
  readonly tokens: Tokens
  callerOf(request: IncomingMessage): Address
  /** `undefined`: the YAML has nobody of this name. */
  person(name: string): { readonly title: string; readonly role: Role; readonly teams: readonly string[] } | undefined
}): Door {
  const { desk, url, sessions, tokens } = of
  const origins = new Set(ownOrigins(url))
  const isHttps = url.startsWith('https:')
  // By its prefix, no other host of the domain can set it. It cannot be had without https.
  const nameOf = (name: 'session' | 'known') =>
    `${isHttps ? '__Host-' : ''}switchboard-${name}-${encodeURIComponent(desk)}`

  function cookie({ headers }: IncomingMessage, name: 'session' | 'known'): string | undefined {
    const start = `${nameOf(name)}=`
    const found = headers.cookie?.split(';').find((one) => one.trimStart().startsWith(start))
    return found?.trimStart().slice(start.length)
  }

  function byToken(secret: string, address: string): Calling | undefined {
    const token = tokens.of(secret)
    if (!token) return undefined
    const { name, role, teams } = token
    return { kind: 'machine', name, title: name, role, teams, actor: { kind: 'desk', name: desk }, address, token }
  }

  function bySession(session: Session | undefined, address: string): Calling | undefined {
    const person = session && of.person(session.person)
    if (!session || !person) return undefined
    const { title, role, teams } = person
    return {
      kind: 'person',
      name: session.person,
      title,
      role,
      teams: role === 'agent' ? teams : undefined,
      actor: { kind: 'agent', person: session.person },
      address,
      session,
    }
  }

  const isOurPage = ({ headers: { origin } }: IncomingMessage) => origin === undefined || origins.has(origin)

  return {
    calling(request) {
      const { address } = of.callerOf(request)
      const secret = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1]
      if (secret !== undefined) return byToken(secret, address)
      const value = cookie(request, 'session')
      if (value === undefined) return undefined
      const changes = request.method !== 'GET' && request.method !== 'HEAD'
      const opens = request.headers.upgrade !== undefined
      if ((changes || opens) && !origins.has(request.headers.origin ?? '')) return undefined
      return bySession(sessions.of(value), address)
    },
    byCookie: (value, address) => bySession(sessions.of(value), address),
    again: (calling) =>
      calling.kind === 'person'
        ? bySession(sessions.again(calling.session), calling.address)
        : tokens.isGood(calling.token)
          ? calling
          : undefined,
    isOurPage,
    cookie,
    setCookie: (name, value) =>
      [
        `${nameOf(name)}=${value ?? ''}`,
        `Max-Age=${value === undefined ? 0 : COOKIE_S}`,
        'Path=/',
        'HttpOnly',
        'SameSite=Strict',
        ...(isHttps ? ['Secure'] : []),
      ].join('; '),
  }
}

export function mayAs(role: Role, least: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(least)
}

/** A machine is known to itself by more than one name. */
function ownOrigins(url: string): readonly string[] {
  const { origin, hostname, protocol, port } = new URL(url)
  const names = ['localhost', '127.0.0.1', '[::1]']
  if (!names.includes(hostname)) return [origin]
  return names.map((name) => `${protocol}//${name}${port && `:${port}`}`)
}
