/**
 * Bounds how often passwords may be tried: for an account, and for an address.
 *
 * A browser in which somebody has signed in before is counted by itself, so that strangers who try an account can keep
 * other strangers from it, and never its owner. Names that nobody has are counted like all others.
 */
import type { Caller } from '#core'
import { isSame, signature } from './secrets.ts'

/** So many may fail in a row before each further one has to be waited for. */
const FREE_TRIES = 5
const FIRST_WAIT_MS = 60_000
const MAX_WAIT_MS = 15 * 60_000
/** What was tried so long ago counts no more. */
const FORGOTTEN_MS = 60 * 60_000
/** An office may be behind one address. */
const PER_ADDRESS = 30
const ADDRESS_SPAN_MS = 15 * 60_000
/** Of more names that nobody has, and of more addresses, those heard of longest ago are forgotten. */
const MAX_COUNTED = 10_000

export interface Attempts {
  /** When it may be tried; 0: now. `mark`: what `knownMark` gave to the browser. */
  waitMs(try_: Try): number
  /** True when it is this one after which the account is closed for a while. */
  failed(try_: Try): boolean
  /** Gives how often it has failed for this person since they last signed in, in whichever browser. */
  succeeded(try_: Try): number
  failedOf(person: string): number
  /** For a cookie: the browser belongs to somebody who has signed in as this person. */
  knownMark(person: string): string
}

export interface Try {
  readonly person: string
  readonly caller: Caller
  readonly mark: string | undefined
}

interface Count {
  readonly failed: number
  readonly lastMs: number
}

/** `key`: signs the marks of known browsers. `isThere`: whether somebody has this name. */
export function makeAttempts(key: string, clock: { now(): number }, isThere: (person: string) => boolean): Attempts {
  const people = new Map<string, Count>()
  const strangers = new Map<string, Count>()
  const ofPerson = new Map<string, number>()
  const addresses = new Map<string, { readonly span: number; readonly count: number }>()

  const markOf = (person: string) => signature(key, 'known', person)
  const whoTries = ({ person, mark }: Try) => (isSame(mark ?? '', markOf(person)) ? `known ${person}` : `new ${person}`)
  const spanNow = () => Math.floor(clock.now() / ADDRESS_SPAN_MS)

  /** Apart, so that however many names are made up, nobody's count is forgotten by it. */
  const countsOf = ({ person }: Try) => (isThere(person) ? people : strangers)

  function countOf(try_: Try): Count {
    const count = countsOf(try_).get(whoTries(try_))
    return count && clock.now() - count.lastMs < FORGOTTEN_MS ? count : { failed: 0, lastMs: 0 }
  }

  function waitOf({ failed, lastMs }: Count): number {
    if (failed < FREE_TRIES) return 0
    const waitMs = Math.min(FIRST_WAIT_MS * 2 ** (failed - FREE_TRIES), MAX_WAIT_MS)
    return Math.max(0, lastMs + waitMs - clock.now())
  }

  return {
    waitMs(try_) {
      const { address, isShared } = try_.caller
      const there = addresses.get(address)
      const isFull = !isShared && there?.span === spanNow() && there.count >= PER_ADDRESS
      const addressMs = isFull ? (spanNow() + 1) * ADDRESS_SPAN_MS - clock.now() : 0
      return Math.max(addressMs, waitOf(countOf(try_)))
    },
    failed(try_) {
      const failed = countOf(try_).failed + 1
      const count = { failed, lastMs: clock.now() }
      if (isThere(try_.person)) {
        people.set(whoTries(try_), count)
        ofPerson.set(try_.person, (ofPerson.get(try_.person) ?? 0) + 1)
      } else remember(strangers, whoTries(try_), count)
      const { address, isShared } = try_.caller
      // All the world may be behind it.
      if (isShared) return failed === FREE_TRIES
      const span = spanNow()
      const before = addresses.get(address)
      remember(addresses, address, { span, count: (before?.span === span ? before.count : 0) + 1 })
      return failed === FREE_TRIES
    },
    succeeded(try_) {
      countsOf(try_).delete(whoTries(try_))
      // Everybody in an office may come by one address in the morning.
      const there = addresses.get(try_.caller.address)
      if (there) remember(addresses, try_.caller.address, { ...there, count: Math.max(0, there.count - 1) })
      const failed = ofPerson.get(try_.person) ?? 0
      ofPerson.delete(try_.person)
      return failed
    },
    failedOf: (person) => ofPerson.get(person) ?? 0,
    knownMark: markOf,
  }
}

function remember<T>(all: Map<string, T>, who: string, what: T): void {
  all.delete(who)
  all.set(who, what)
  const [oldest] = all.keys()
  if (all.size > MAX_COUNTED && oldest !== undefined) all.delete(oldest)
}
