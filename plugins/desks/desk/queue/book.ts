/**
 * The conversations that are the desk's: who waits where since when, and who has what. Made from the journal, and kept
 * true by what happens in the chats; nothing in it is kept anywhere else.
 */
import type { Conversation } from '#core'

/** A conversation that the desk's people have, or that waits for them. */
export interface Case {
  readonly id: string
  readonly chat: string
  /** The name of the channel. */
  readonly channel: string
  /** As in the journal; `undefined`: it has none. */
  readonly team: string | undefined
  /** Who has it; `undefined`: it waits. */
  readonly person: string | undefined
  readonly lease: number
  readonly origin: Conversation['origin']
  /** Since when the customer waits for people, or last did: whoever comes back to the queue has not lost their place. */
  readonly waitsSinceMs: number
  /** When it last came into the queue: since the transfer, say. */
  readonly queuedAtMs: number
  /** When whoever has it got it. */
  readonly assignedAtMs: number
  /** Whoever has it has written. */
  readonly isAnswered: boolean
  /** Who had it in this wait, and did not answer. */
  readonly passedBy: readonly string[]
  /** Who had the customer's last conversation. */
  readonly last: string | undefined
  /** The platform counts what is sent: the customer is told their place once, and no more. */
  readonly isCounted: boolean
}

export interface Book {
  get(id: string): Case | undefined
  all(): Iterable<Case>
  /** Which team's queue it waits in, or did: also when the journal names none or one that is gone. */
  teamOf(one: Case): string
  /** How many wait. */
  readonly waitingInAll: number
  /** Those that wait for a team, who waits longest first. */
  waiting(team: string): readonly Case[]
  /** The teams that are waited for, in no order. */
  waitedFor(): Iterable<string>
  /** Those that somebody has. */
  of(person: string): Iterable<Case>
  /** How many somebody has. */
  load(person: string): number
  /** Takes the place of what is known of it. */
  set(now: Case): void
  /** It is no longer the desk's. */
  remove(id: string): void
}

export function makeBook(teamOf: (waiting: Case) => string): Book {
  const cases = new Map<string, Case>()
  const queues = new Map<string, Case[]>()
  const hands = new Map<string, Map<string, Case>>()
  let waitingInAll = 0

  function add(one: Case): void {
    cases.set(one.id, one)
    if (one.person !== undefined) {
      const own = hands.get(one.person) ?? new Map<string, Case>()
      hands.set(one.person, own.set(one.id, one))
      return
    }
    const team = teamOf(one)
    const queue = queues.get(team) ?? []
    queues.set(team, queue)
    queue.splice(placeOf(queue, one), 0, one)
    waitingInAll += 1
  }

  function remove(id: string): void {
    const one = cases.get(id)
    if (!one) return
    cases.delete(id)
    if (one.person !== undefined) hands.get(one.person)?.delete(id)
    else {
      const queue = queues.get(teamOf(one)) ?? []
      queue.splice(placeOf(queue, one), 1)
      waitingInAll -= 1
    }
  }

  return {
    get: (id) => cases.get(id),
    all: () => cases.values(),
    teamOf,
    get waitingInAll() {
      return waitingInAll
    },
    waiting: (team) => queues.get(team) ?? [],
    waitedFor: () => queues.keys(),
    of: (person) => hands.get(person)?.values() ?? [],
    load: (person) => hands.get(person)?.size ?? 0,
    set(now) {
      remove(now.id)
      add(now)
    },
    remove,
  }
}

/** Where it stands in a queue, or would stand. */
function placeOf(queue: readonly Case[], one: Case): number {
  let from = 0
  let to = queue.length
  while (from < to) {
    const middle = (from + to) >> 1
    const other = queue[middle]
    if (other && isBefore(other, one)) from = middle + 1
    else to = middle
  }
  return from
}

/** Ids rise with time: of two in the same moment, the one that was opened first. */
export function isBefore(a: Case, b: Case): boolean {
  return a.waitsSinceMs < b.waitsSinceMs || (a.waitsSinceMs === b.waitsSinceMs && a.id < b.id)
}
