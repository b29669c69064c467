/**
 * Brings waiting customers and free agents together, the moment somebody waits, has room or comes. Every change is a
 * command; what it has changed comes back as an event of the chat.
 */
import { type Command, type CommandResult, type Context, type Conversation, messageOf } from '#core'
import type { Settings } from '../config.ts'
import type { Book, Case } from './book.ts'
import {
  type Choice,
  candidates,
  chooseNext,
  type Hands,
  isFree,
  roomOf,
  servingTeam,
  type Teams,
  type There,
} from './choose.ts'
import { CAUSES } from './from-journal.ts'
import { makeTimers } from './timers.ts'

export interface Queue {
  /** These are there already, besides those that were noted meanwhile. */
  know(cases: readonly Case[]): void
  /** All are known: from now on it acts. */
  begin(): void
  /** What has become of a conversation, by an event of its chat. */
  noted(conversation: Conversation, about: About): void
  closed(conversation: string): void
  /** A bot has it, or has had it: who waits in it again by now waits since what comes next. */
  returned(conversation: string): void
  /** Somebody has written in it: if they have it, they have answered. */
  answered(conversation: string, person: string): void
  /** Gives whoever waits to whoever has room: somebody has come, or may do more now. */
  fill(): void
  /** Somebody is gone: others get what they have. Resolves when all of it waits again. */
  gone(person: string): Promise<void>
  /** Whether somebody could be given one more now. */
  hasRoom(person: string): boolean
  /** How many wait for a team for whom nobody has room; below zero: so many more could come, and none would wait. */
  waiting(team: string): number
  /** Whether it is being given to somebody at this moment. */
  isOnItsWay(of: Case): boolean
  stop(): void
}

/** What is noted of a conversation besides its owner. */
export type About = Pick<Case, 'chat' | 'channel' | 'last' | 'isCounted'> & { readonly atMs: number }

/** What could not be given away although nobody else has it (its channel is down, say) is tried again after this. */
const AGAIN_MS = 30_000

export function makeQueue(given: {
  readonly context: Pick<Context<unknown, unknown>, 'name' | 'clock' | 'command' | 'log'>
  readonly settings: Settings
  readonly teams: Teams
  readonly book: Book
  /** Who is there, and which teams are open. */
  readonly there: There
  /** Something has changed, and whoever could be given something has it or is being given it. */
  settled(): void
  /** Somebody who has waited is an agent's now. */
  served(of: Case): void
  /** Whether whoever has it has written to the customer, by the journal. */
  hasAnswered(of: Case): Promise<boolean>
  /** What somebody had waits again, since they are gone. */
  lost(of: Case): Promise<unknown>
}): Queue {
  const { context, settings, teams, book } = given
  const { clock, log } = context
  const by = { kind: 'desk', name: context.name } as const
  const timers = makeTimers(clock)
  /** Cases that are being given to somebody, and how many to whom. */
  const onItsWay = new Set<string>()
  const coming = new Map<string, number>()
  /** By the case, under which lease it could not be given away. */
  const held = new Map<string, number>()
  /** By the case, the ids of commands that were refused. */
  const refused = new Map<string, Set<string>>()
  const lastGiven = new Map<string, number>()
  let givenInAll = 0
  let isActing = false
  let isFilling = false
  /** What happens before it is known what is there already: only then it is known what that means. */
  let early: (() => void)[] | undefined = []

  const hands: Hands = {
    ...given.there,
    load: (person) => book.load(person) + (coming.get(person) ?? 0),
    lastGiven: (person) => lastGiven.get(person) ?? 0,
  }
  const choosing = { settings, teams, book, hands }

  /** Under the lease that was seen: asked again after a crash, it is the same command, and done once. */
  async function change(of: Case, cause: string, doing: Doing): Promise<CommandResult> {
    const once = `${cause}${of.id}:${of.lease}`
    // A refusal is kept with its id, and would be all that is answered.
    const before = refused.get(of.id) ?? new Set()
    const id = before.has(once) ? `${once}:${clock.now()}` : once
    try {
      const result = await context.command({ ...doing, id, conversation: of.id, lease: of.lease, by })
      if (!result.ok && book.get(of.id)) refused.set(of.id, before.add(once))
      return result
    } catch (error) {
      const message = messageOf(error)
      log.error({ conversation: of.id, error }, `The queue could not change a conversation: ${message}`)
      return { ok: false, code: 'INVALID', message }
    }
  }

  // ── what is known ──

  function know(now: Case): void {
    const before = book.get(now.id)
    book.set(now)
    if (before && before.person === undefined && now.person !== undefined) given.served(before)
    held.delete(now.id)
    expectAnswer(now)
  }

  function forget(id: string): void {
    book.remove(id)
    held.delete(id)
    refused.delete(id)
    timers.cancel(id)
  }

  function noted(conversation: Conversation, about: About): void {
    if (early) return void early.push(() => noted(conversation, about))
    const { id, owner, lease, state, origin } = conversation
    const known = book.get(id)
    const person = owner.kind === 'agent' ? owner.person : undefined
    // Of the same lease it is told who has it indeed: whoever was given it here may have come too late.
    const isNews = !known || known.lease < lease || (known.lease === lease && known.person !== person)
    if (!isNews && state !== 'closed') {
      // It came into the queue before all was told of the one before it, and was read from the journal in between.
      const { last, isCounted } = about
      const knewLess = known.lease === lease && (known.last !== last || known.isCounted !== isCounted)
      if (knewLess) know({ ...known, last, isCounted })
      return
    }
    if (state === 'closed' || owner.kind === 'bot' || owner.desk !== context.name) forget(id)
    else {
      const { chat, channel, last, isCounted, atMs } = about
      const { waitsSinceMs = atMs, passedBy = [] } = known ?? {}
      const queuedAtMs = person === undefined ? atMs : (known?.queuedAtMs ?? atMs)
      const now = { id, chat, channel, team: owner.team, person, lease, origin, last, isCounted }
      know({ ...now, waitsSinceMs, queuedAtMs, passedBy, assignedAtMs: atMs, isAnswered: false })
    }
    fillSoon()
  }

  function returned(id: string): void {
    if (early) return void early.push(() => returned(id))
    forget(id)
    fillSoon()
  }

  function closed(id: string): void {
    if (early) return void early.push(() => closed(id))
    forget(id)
    fillSoon()
  }

  function answered(id: string, person: string): void {
    if (early) return void early.push(() => answered(id, person))
    const of = book.get(id)
    if (of?.person !== person) return
    know({ ...of, isAnswered: true, passedBy: [] })
  }

  // ── who gets what ──

  /** All that one turn of the event loop brings is looked at together. */
  function fillSoon(): void {
    if (!isActing || isFilling) return
    isFilling = true
    queueMicrotask(() => {
      isFilling = false
      fill()
    })
  }

  function fill(): void {
    if (!isActing) return
    const skip = (of: Case) => onItsWay.has(of.id) || held.get(of.id) === of.lease
    for (let next = chooseNext(choosing, skip); next; next = chooseNext(choosing, skip)) void give(next)
    given.settled()
  }

  async function give({ of, person, team, because }: Choice): Promise<void> {
    onItsWay.add(of.id)
    coming.set(person, (coming.get(person) ?? 0) + 1)
    lastGiven.set(person, ++givenInAll)
    const result = await change(of, 'assign:', { type: 'assign', person, team, because })
    onItsWay.delete(of.id)
    coming.set(person, (coming.get(person) ?? 0) - 1)
    if (!isActing) return
    if (result.ok) {
      if (book.get(of.id)?.lease === of.lease) know(assigned(of, person, team))
    } else if (result.code === 'NOT_FOUND') forget(of.id)
    else hold(of, result.message)
    fillSoon()
  }

  function assigned(of: Case, person: string, team: string): Case {
    return { ...of, person, team, lease: of.lease + 1, assignedAtMs: clock.now(), isAnswered: false }
  }

  /** When its owner has changed, an event brings the news; for all else time is given. */
  function hold(of: Case, because: string): void {
    log.info({ conversation: of.id }, `A waiting conversation is given to nobody for now: ${because}`)
    held.set(of.id, of.lease)
    timers.set(of.id, AGAIN_MS, () => {
      held.delete(of.id)
      fillSoon()
    })
  }

  // ── who does not answer ──

  function expectAnswer(of: Case): void {
    // When it begins, all are gone through.
    if (!isActing) return
    const { answerWithin } = teams.get(of.team ?? '') ?? {}
    const isExpected = of.person !== undefined && !of.isAnswered && of.origin !== 'callback'
    if (answerWithin === undefined || !isExpected) timers.cancel(of.id)
    else
      timers.set(
        of.id,
        of.assignedAtMs + timeFor(of, answerWithin) - clock.now(),
        () => void passOn(of.id, answerWithin),
      )
  }

  /** Whoever gets again what they have let pass has twice the time: nothing goes to and fro all night. */
  function timeFor({ person, passedBy }: Case, answerWithin: number): number {
    return answerWithin * 2 ** passedBy.filter((one) => one === person).length
  }

  /** To the next agent, if there is another; whoever is the only one keeps it, and is expected to answer still. */
  async function passOn(id: string, answerWithin: number): Promise<void> {
    const of = book.get(id)
    if (of?.person === undefined || of.isAnswered) return
    const { person } = of
    // What they have just written is told only when the turn before it has ended, which may take its time.
    if (await mayHaveAnswered(of)) return answered(id, person)
    if (!isActing || book.get(id) !== of) return
    const team = servingTeam(choosing, book.teamOf(of), of.channel) ?? ''
    const others = candidates(choosing, team, { ...of, passedBy: [...of.passedBy, person] })
    if (others.every((other) => other === person)) return expectAnswer({ ...of, assignedAtMs: clock.now() })
    const passing = { ...of, passedBy: [...of.passedBy, person] }
    book.set(passing)
    const because = `${person} has not answered within ${timeFor(of, answerWithin) / 1000} s`
    await backToQueue(passing, CAUSES.noAnswer, because)
  }

  /** As long as it cannot be read it is taken for answered: nobody loses anything by it. */
  async function mayHaveAnswered(of: Case): Promise<boolean> {
    try {
      return await given.hasAnswered(of)
    } catch (error) {
      log.error({ conversation: of.id, error }, `Whether an agent has answered cannot be read: ${messageOf(error)}`)
      return true
    }
  }

  async function backToQueue(of: Case, cause: string, because: string): Promise<void> {
    const result = await change(of, cause, { type: 'transfer', to: { team: of.team }, because })
    if (isActing && result.ok && book.get(of.id)?.lease === of.lease) {
      know({ ...of, person: undefined, lease: of.lease + 1, queuedAtMs: clock.now() })
      fillSoon()
    } else if (isActing && !result.ok && result.code !== 'NOT_FOUND') {
      timers.set(of.id, AGAIN_MS, () => {
        if (book.get(of.id)?.lease === of.lease) void backToQueue(of, cause, because)
      })
    }
  }

  return {
    know(cases) {
      for (const of of cases) know(of)
    },
    begin() {
      isActing = true
      for (const of of book.all()) expectAnswer(of)
      const meanwhile = early ?? []
      early = undefined
      for (const note of meanwhile) note()
      fillSoon()
    },
    noted,
    closed,
    returned,
    answered,
    fill,
    async gone(person) {
      if (!isActing) return
      const theirs = [...book.of(person)]
      await Promise.all(
        theirs.map(async (of) => {
          await given.lost(of)
          await backToQueue(of, CAUSES.gone, `${person} is gone`)
        }),
      )
    },
    waiting(team) {
      const waiting = book.waiting(team).filter((of) => !onItsWay.has(of.id))
      return waiting.length - roomOf(choosing, team)
    },
    hasRoom: (person) => isFree(choosing, person),
    isOnItsWay: (of) => onItsWay.has(of.id),
    stop() {
      isActing = false
      timers.stop()
    },
  }
}

/** A command without what is the same in all of them. */
type Doing =
  Extract<Command, { readonly lease?: number | undefined }> extends infer C
    ? C extends unknown
      ? Omit<C, 'id' | 'by' | 'lease' | 'conversation' | 'chat'>
      : never
    : never
