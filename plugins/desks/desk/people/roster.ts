/** Who works here, and who may be given a conversation now: the one answer for the queue, for screens and for widgets. */
import { type Actor, type Clock, type Log, messageOf } from '#core'
import { membersOf, type Settings } from '../config.ts'
import { FIRST, type Status, statusesOf } from './statuses.ts'
import type { KeptPerson } from './tables.ts'

export interface Roster {
  /** In the order in which screens show them. */
  readonly statuses: readonly Status[]
  /** By the name that the YAML calls them; `undefined`: there is nobody of this name. */
  person(name: string): PersonNow | undefined
  /** Everybody, in the order of the YAML. */
  all(): readonly PersonNow[]
  /** A screen of theirs is there. The returned function: it has gone. Nothing happens for names that nobody has. */
  connect(person: string): () => void
  /** Resolves when it is kept. Rejects with a sentence when there is no such person or status. */
  setStatus(person: string, status: string, by: Actor): Promise<void>
  /** Called after every change of what `person` and `all` give. The returned function ends it. */
  onChange(listener: () => void): () => void
}

export interface PersonNow {
  readonly name: string
  /** What colleagues see. */
  readonly title: string
  /** `by`: who has put them there; the core, as long as nobody has. */
  readonly status: Pick<Status, 'name' | 'isForChats'> & { readonly sinceMs: number; readonly by: Actor }
  /** A screen of theirs is there. */
  readonly isConnected: boolean
  /** Connected, or gone for less than the grace: nobody is told yet that they are not there. */
  readonly isThere: boolean
  readonly teams: readonly string[]
  /** How many conversations are theirs, and how many may be. */
  readonly load: number
  readonly capacity: number
  /** When they last wrote to a customer, as far as the desk knows: since it began, or in what is still open. */
  readonly lastReplyAtMs?: number | undefined
  /** Whether they may be given conversations and write to customers; a full load does not count. */
  readonly mayChat: true | WhyNot
  /** The hours of this team began, and they are still in the status without chats that they were in before. */
  readonly reminder?: { readonly team: string; readonly sinceMs: number } | undefined
}

/** Why somebody may not chat: for screens, which have the words. */
export type WhyNot =
  | { readonly because: 'no-team' | 'not-connected' }
  | { readonly because: 'status'; readonly status: string }

/** The side of the roster that the desk itself works with. */
export interface RosterInside extends Roster {
  /**
   * What was kept is read: whoever was there when it was written counts as there until it begins. What was set here
   * meanwhile is newer. Before the first time everybody is in their first status.
   */
  know(kept: ReadonlyMap<string, KeptPerson>): void
  /** People come to this one now: whoever was there, and is not yet here, has the grace to come back. */
  begin(): void
  /** Whether somebody is there for chats; `strictly`: connected too, so that they can be given one. */
  isThereForChats(person: string, strictly?: 'strictly'): boolean
  /** Something is theirs that they have not taken: if they are not there to answer, the grace begins. */
  has(person: string): void
  /** Calls the listeners: somebody has more or fewer conversations now. */
  changed(): void
  /** They have written to a customer. No listener is called: it happens all the time. */
  replied(person: string, atMs: number): void
  /** The hours of a team have begun: who is away now is reminded, if they stay so. */
  hoursBegan(team: string): void
  /** Ends every grace, and nobody is reminded any more. Whoever goes afterwards is no longer its business. */
  stop(): void
}

export function makeRoster(given: {
  readonly settings: Settings
  readonly clock: Clock
  readonly log: Log
  load(person: string): number
  keep(person: string, now: KeptPerson): Promise<void>
  /** Somebody may do more or less than before. */
  moved(): void
  /** Has been away for longer than the grace. Resolves when nothing is theirs any more. */
  gone(person: string): Promise<void>
}): RosterInside {
  const { settings, clock, log } = given
  const statuses = statusesOf(settings)
  const [first] = statuses
  const people = Object.keys(settings.people)
  const teamsOf = new Map(people.map((person) => [person, teamsWith(person, settings)]))
  const statusNow = new Map<string, Pick<KeptPerson, 'status' | 'sinceMs' | 'by'>>()
  const screens = new Map<string, number>()
  /** Whose grace is running; the function ends it. */
  const leaving = new Map<string, () => void>()
  /** Who has something, and was not there when they got it: they are not waited for any longer than others. */
  const missing = new Map<string, () => void>()
  /** Who was there before this one began. */
  const expected = new Set<string>()
  const lastReplies = new Map<string, number>()
  const reminders = new Map<string, NonNullable<PersonNow['reminder']>>()
  /** Of reminders that are still to come: the functions that cancel them. */
  const waiting = new Set<() => void>()
  const listeners = new Set<() => void>()
  const startedMs = clock.now()
  let isStopped = false

  const isKnown = (person: string) => Object.hasOwn(settings.people, person)
  const kept = (person: string) =>
    statusNow.get(person) ?? { status: FIRST, sinceMs: startedMs, by: { kind: 'core' } as const }
  const statusOf = (person: string) => statuses.find(({ name }) => name === kept(person).status) ?? first
  const isConnected = (person: string) => (screens.get(person) ?? 0) > 0
  const isThere = (person: string) => isConnected(person) || leaving.has(person) || expected.has(person)

  /** Whether they could answer what is theirs, in a team or not. */
  const isHere = (person: string) => isConnected(person) && statusOf(person)?.isForChats !== false

  function whyNot(person: string): true | WhyNot {
    if (teamsOf.get(person)?.length === 0) return { because: 'no-team' }
    const status = statusOf(person)
    if (status?.isForChats === false) return { because: 'status', status: status.name }
    return isConnected(person) || { because: 'not-connected' }
  }

  function personNow(name: string): PersonNow | undefined {
    const written = isKnown(name) ? settings.people[name] : undefined
    const status = statusOf(name)
    if (!written || !status) return undefined
    return {
      name,
      title: written.name,
      status: { name: status.name, isForChats: status.isForChats, sinceMs: kept(name).sinceMs, by: kept(name).by },
      isConnected: isConnected(name),
      isThere: isThere(name),
      teams: teamsOf.get(name) ?? [],
      load: given.load(name),
      capacity: written.capacity,
      lastReplyAtMs: lastReplies.get(name),
      mayChat: whyNot(name),
      reminder: reminders.get(name),
    }
  }

  function tell(): void {
    for (const listener of [...listeners]) listener()
  }

  const keep = (person: string) => given.keep(person, { ...kept(person), wasThere: isThere(person) })

  /** For what comes from no request that could be told: after a restart they may be taken for away, and that is all. */
  function keepLater(person: string): void {
    // Its screens are cut off only then, and whoever has taken its place knows better who is there.
    if (isStopped) return
    keep(person).catch((error: unknown) =>
      log.warn({ person, error }, `It is not kept who is there: ${messageOf(error)}`),
    )
  }

  /** Does something to a person, and begins or ends their grace by what they can do then. */
  function change(person: string, how: () => void): void {
    const could = isHere(person)
    how()
    if (isStopped) return
    if (isHere(person)) stay(person)
    else if (could) leave(person)
    moved()
  }

  function moved(): void {
    given.moved()
    tell()
  }

  function addScreens(person: string, more: 1 | -1): void {
    // Whoever is told to come again is there.
    if (isStopped) return
    const was = isThere(person)
    change(person, () => screens.set(person, (screens.get(person) ?? 0) + more))
    if (was !== isThere(person)) keepLater(person)
  }

  function stay(person: string): void {
    for (const ends of [leaving, missing]) {
      ends.get(person)?.()
      ends.delete(person)
    }
  }

  function leave(person: string): void {
    stay(person)
    const end = clock.after(settings.grace, () => {
      leaving.delete(person)
      moved()
      isGone(person)
    })
    leaving.set(person, end)
  }

  function isGone(person: string): void {
    // Not before: after a crash in between, what they had would be nobody's care.
    given.gone(person).then(() => keepLater(person))
  }

  return {
    statuses,
    person: personNow,
    all: () => people.flatMap((name) => personNow(name) ?? []),
    connect(person) {
      if (!isKnown(person)) return () => undefined
      addScreens(person, 1)
      let hasGone = false
      return () => {
        if (hasGone) return
        hasGone = true
        addScreens(person, -1)
      }
    },
    async setStatus(person, status, by) {
      if (!isKnown(person)) throw new Error(`There is nobody called "${person}".`)
      if (!statuses.some(({ name }) => name === status)) {
        throw new Error(`There is no status "${status}". There are ${statuses.map(({ name }) => name).join(', ')}.`)
      }
      if (statusOf(person)?.name === status) return
      change(person, () => {
        statusNow.set(person, { status, sinceMs: clock.now(), by })
        reminders.delete(person)
      })
      await keep(person)
    },
    onChange(listener) {
      // The same function may be given twice, and each is ended by itself.
      const own = () => listener()
      listeners.add(own)
      return () => void listeners.delete(own)
    },
    know(rows) {
      for (const [person, { wasThere, ...status }] of rows) {
        if (!isKnown(person)) continue
        if (status.sinceMs >= (statusNow.get(person)?.sinceMs ?? 0)) statusNow.set(person, status)
        if (wasThere) expected.add(person)
        else expected.delete(person)
      }
      moved()
    },
    begin() {
      for (const person of expected) if (!isConnected(person) && !leaving.has(person)) leave(person)
      expected.clear()
    },
    isThereForChats: (person, strictly) =>
      strictly ? whyNot(person) === true : isThere(person) && statusOf(person)?.isForChats !== false,
    has(person) {
      if (isStopped || isHere(person) || leaving.has(person) || missing.has(person)) return
      const end = clock.after(settings.grace, () => {
        missing.delete(person)
        isGone(person)
      })
      missing.set(person, end)
    },
    changed: tell,
    replied: (person, atMs) => void lastReplies.set(person, Math.max(atMs, lastReplies.get(person) ?? 0)),
    hoursBegan(team) {
      const sinceMs = clock.now()
      const cancel = clock.after(settings.remindAfter, () => {
        waiting.delete(cancel)
        for (const person of people) {
          const isLate = teamsOf.get(person)?.includes(team) && statusOf(person)?.isForChats === false
          if (isLate && kept(person).sinceMs < sinceMs) reminders.set(person, { team, sinceMs })
        }
        tell()
      })
      waiting.add(cancel)
    },
    stop() {
      isStopped = true
      for (const cancel of [...leaving.values(), ...missing.values(), ...waiting]) cancel()
    },
  }
}

function teamsWith(person: string, { teams, people }: Settings): readonly string[] {
  return Object.keys(teams).filter((name) => {
    const team = teams[name]
    return team && membersOf(team, people).includes(person)
  })
}
