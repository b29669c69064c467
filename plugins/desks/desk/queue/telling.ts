/** What customers are told by the desk: their place in the queue, that whoever had them is gone, and the greeting. */
import { type Command, type Context, type Conversation, messageOf, type Say, type TextName } from '#core'
import type { Settings } from '../config.ts'
import type { Book, Case } from './book.ts'
import { CAUSES, tellsPlace } from './from-journal.ts'
import { makeTimers } from './timers.ts'
import type { Waits } from './waits.ts'

export interface Telling {
  /** Tells whoever stands in another place than they were told, now or as soon as they may be told again. */
  places(): void
  /** Whoever waits now knows their place already: the one that they were last told, else the one that they have. */
  know(told: ReadonlyMap<string, number>): void
  /** In the name of whoever has it. */
  greet(conversation: Conversation): Promise<void>
  /** Once for each time that somebody has had it. */
  agentGone(of: Case): Promise<void>
  stop(): void
}

/** Nobody is told their place more often than this. */
const PLACE_EVERY_MS = 60_000
/** Where more than so many wait, it is looked through them no more often than so. */
const LONG = 100
const LONG_EVERY_MS = 1_000
/** Of a step forward, those are told who are among so many first, or who have left behind a fifth of those before them. */
const NEAR = 5
const WORTH = 0.8

type Sent = Extract<Command, { readonly type: 'send' }>

interface Told {
  readonly place: number
  readonly atMs: number
}

export function makeTelling(given: {
  readonly context: Pick<Context<unknown, unknown>, 'name' | 'clock' | 'command' | 'text' | 'log'>
  readonly settings: Settings
  readonly book: Book
  readonly waits: Waits
  /** Whether anybody is there for those who wait for a team, and may serve the channel. */
  isAttended(team: string, channel?: string): boolean
  isOnItsWay(of: Case): boolean
}): Telling {
  const { context, book } = given
  const { clock, log } = context
  const desk = { kind: 'desk', name: context.name } as const
  const timers = makeTimers(clock)
  const told = new Map<string, Told>()
  /** Of those who wait: whether somebody was there for them, and they were not yet told that nobody is any more. */
  const hopes = new Map<string, boolean>()
  let lookedAtMs = Number.NEGATIVE_INFINITY

  async function say(conversation: string, send: Omit<Sent, 'type' | 'conversation'>): Promise<void> {
    if (send.content === '') return
    try {
      await context.command({ type: 'send', conversation, ...send })
    } catch (error) {
      log.error({ conversation, error }, `A customer was not told how it goes on: ${messageOf(error)}`)
    }
  }

  function places(): void {
    const nowMs = clock.now()
    const soonestMs = book.waitingInAll > LONG ? lookedAtMs + LONG_EVERY_MS : nowMs
    if (soonestMs > nowMs) {
      timers.set('places', soonestMs - nowMs, places)
      return
    }
    lookedAtMs = nowMs
    let nextAtMs = Number.POSITIVE_INFINITY
    for (const team of book.waitedFor()) {
      const isAttended = given.isAttended(team)
      for (const of of book.waiting(team)) tellHope(of, isAttended)
      if (!isAttended) continue
      const waiting = book.waiting(team).filter((of) => !given.isOnItsWay(of))
      for (const [index, of] of waiting.entries()) {
        const place = index + 1
        if (!isWorthTelling(of, place, told.get(of.id))) continue
        const atMs = (told.get(of.id)?.atMs ?? -PLACE_EVERY_MS) + PLACE_EVERY_MS
        if (atMs > nowMs) nextAtMs = Math.min(nextAtMs, atMs)
        else tellPlace(of, team, place)
      }
    }
    forgetOthers()
    if (Number.isFinite(nextAtMs)) timers.set('places', nextAtMs - nowMs, places)
    else timers.cancel('places')
  }

  function tellPlace(of: Case, team: string, place: number): void {
    const nowMs = clock.now()
    told.set(of.id, { place, atMs: nowMs })
    const range = given.waits.range(team, place, nowMs)
    const text = range
      ? filled(context.text('waitingFor'), { place, ...range })
      : filled(context.text('waiting'), { place })
    void say(of.id, { id: tellsPlace(of, place), by: desk, content: text })
  }

  /** Once in a wait: whoever came when nobody was there was told so by then. */
  function tellHope(of: Case, isAttended: boolean): void {
    const hoped = hopes.get(of.id)
    if (hoped === undefined) hopes.set(of.id, isAttended)
    if (!hoped || isAttended) return
    hopes.set(of.id, false)
    // Where the platform counts what is sent, their place was all.
    if (of.isCounted && told.has(of.id)) return
    void say(of.id, { id: `nobody-told:${of.id}:${of.lease}`, by: desk, content: context.text('offline') })
  }

  function forgetOthers(): void {
    const waits = (id: string) => book.get(id) !== undefined && book.get(id)?.person === undefined
    for (const id of told.keys()) if (!waits(id)) told.delete(id)
    for (const id of hopes.keys()) if (!waits(id)) hopes.delete(id)
  }

  return {
    places,
    know(lastTold) {
      const atMs = clock.now()
      for (const team of book.waitedFor())
        for (const [index, { id }] of book.waiting(team).entries())
          told.set(id, { place: lastTold.get(id) ?? index + 1, atMs })
    },
    async greet({ id: conversation, owner, lease }) {
      const { greeting: content } = given.settings
      if (content === undefined || owner.kind !== 'agent') return
      const by = { kind: 'agent', person: owner.person } as const
      await say(conversation, {
        id: `${CAUSES.greeting}${conversation}:${lease}`,
        by,
        lease,
        content,
        isAutomatic: true,
      })
    },
    async agentGone(of) {
      const name: TextName = given.isAttended(book.teamOf(of), of.channel) ? 'agentGone' : 'offline'
      await say(of.id, { id: `gone-told:${of.id}:${of.lease}`, by: desk, content: context.text(name) })
    },
    stop: () => timers.stop(),
  }
}

/**
 * Whoever is first has been told that somebody comes. Where the platform counts what is sent, the place is told once;
 * and nobody is told that they have fallen back.
 */
function isWorthTelling(of: Case, place: number, before: Told | undefined): boolean {
  if (!before) return place > 1
  if (of.isCounted || place >= before.place) return false
  return place <= NEAR || place <= before.place * WORTH
}

/** A text, in each language, with its blanks filled in. What is no text is as the operator has it. */
function filled(say: Say, values: { readonly [name: string]: number }): Say {
  const fill = (text: string) => text.replace(/\{(\w+)\}/g, (blank, name: string) => String(values[name] ?? blank))
  if (typeof say === 'string') return fill(say)
  if (Array.isArray(say) || 'type' in say) return say
  const entries = Object.entries(say).map(([language, content]) => [
    language,
    typeof content === 'string' ? fill(content) : content,
  ])
  return Object.fromEntries(entries)
}
