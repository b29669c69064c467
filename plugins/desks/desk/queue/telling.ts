/** What customers are told by the desk: their place in the queue, that whoever had them is gone, and the greeting. */
import { type Actor, type Context, messageOf, type Say, type TextName } from '#core'
import type { Settings } from '../config.ts'
import type { Book, Case } from './book.ts'
import { CAUSES } from './from-journal.ts'
import { makeTimers } from './timers.ts'
import type { Waits } from './waits.ts'

export interface Telling {
  /** Tells whoever stands in another place than they were told, now or as soon as they may be told again. */
  places(): void
  /** These know their places already, as far as anybody can know. */
  know(cases: readonly Case[]): void
  /** In the name of whoever has it, once in a conversation. */
  greet(conversation: string, person: string): Promise<void>
  /** Once for each time that somebody has had it. */
  agentGone(of: Case): Promise<void>
  stop(): void
}

/** Nobody is told their place more often than this. */
const PLACE_EVERY_MS = 60_000
/** Of a step forward, those are told who are among so many first, or who have left behind a fifth of those before them. */
const NEAR = 5
const WORTH = 0.8

interface Told {
  readonly place: number
  readonly atMs: number
}

export function makeTelling(given: {
  readonly context: Pick<Context<unknown, unknown>, 'name' | 'clock' | 'command' | 'text' | 'log'>
  readonly settings: Settings
  readonly book: Book
  readonly waits: Waits
  /** Whether anybody is there for those who wait for a team. */
  isAttended(team: string): boolean
  isOnItsWay(of: Case): boolean
}): Telling {
  const { context, book } = given
  const { clock, log } = context
  const desk = { kind: 'desk', name: context.name } as const
  const timers = makeTimers(clock)
  const told = new Map<string, Told>()

  async function say(conversation: string, id: string, by: Actor, content: Say, isAutomatic = false): Promise<void> {
    if (content === '') return
    try {
      await context.command({ type: 'send', id, conversation, by, content, isAutomatic })
    } catch (error) {
      log.error({ conversation, error }, `A customer was not told how it goes on: ${messageOf(error)}`)
    }
  }

  function places(): void {
    const nowMs = clock.now()
    let nextAtMs = Number.POSITIVE_INFINITY
    for (const team of book.waitedFor()) {
      if (!given.isAttended(team)) continue
      for (const [index, of] of book.waiting(team).entries()) {
        const place = index + 1
        if (given.isOnItsWay(of) || !isWorthTelling(of, place, told.get(of.id))) continue
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
    void say(of.id, `place:${of.id}:${of.lease}:${place}:${nowMs}`, desk, text)
  }

  function forgetOthers(): void {
    for (const id of told.keys()) if (book.get(id)?.person !== undefined || !book.get(id)) told.delete(id)
  }

  return {
    places,
    know(cases) {
      const places = new Map(
        [...book.waitedFor()].flatMap((team) => book.waiting(team).map(({ id }, index) => [id, index + 1])),
      )
      for (const { id } of cases) told.set(id, { place: places.get(id) ?? 1, atMs: clock.now() })
    },
    async greet(conversation, person) {
      const { greeting } = given.settings
      if (greeting === undefined) return
      await say(conversation, `${CAUSES.greeting}${conversation}`, { kind: 'agent', person }, greeting, true)
    },
    async agentGone(of) {
      const name: TextName = given.isAttended(of.team ?? '') ? 'agentGone' : 'offline'
      await say(of.id, `gone-told:${of.id}:${of.lease}`, desk, context.text(name))
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
