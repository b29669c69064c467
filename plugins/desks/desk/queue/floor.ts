/** The people and the queue together, as the manifest wires them to the core. */
import {
  type ChatEvent,
  type Context,
  type Conversation,
  type HandOff,
  matcher,
  type Next,
  type Outcome,
  type Turn,
  type TurnWork,
} from '#core'
import type { Settings } from '../config.ts'
import { makePresence } from '../people/presence.ts'
import { makeRoster } from '../people/roster.ts'
import { keepPerson, type PeopleTables, readPeople } from '../people/tables.ts'
import { makeBook } from './book.ts'
import { makeTeams, servingTeam } from './choose.ts'
import { hasWritten, LEFT_THE_QUEUE, readCases, readLastReplies, readToldPlaces } from './from-journal.ts'
import type { memory } from './memory.ts'
import { watchOpenHours } from './open-hours.ts'
import { makePlaces } from './places.ts'
import { makeQueue } from './queue.ts'
import { makeTelling } from './telling.ts'
import { makeWaits } from './waits.ts'

type Memory = typeof memory
type LifeTurn = TurnWork<Memory, ChatEvent> & { readonly conversation: Conversation }

export function openFloor(context: Omit<Context<Settings, unknown>, 'sql'>, people: PeopleTables) {
  const { config: settings, clock, onDispose } = context
  const teams = makeTeams(settings)
  const waits = makeWaits()
  const book = makeBook(({ team, channel }) => (team !== undefined && teams.get(team) ? team : places.homeOf(channel)))
  /** Who is there is another now, or which teams are open. */
  function changed(): void {
    presence.look()
    queue.fill()
  }
  const roster = makeRoster({
    settings,
    clock,
    log: context.log,
    load: book.load,
    keep: (person, now) => keepPerson(people, person, now),
    moved: changed,
    gone: (person) => queue.gone(person),
  })
  const hours = watchOpenHours(settings, clock, {
    began(team) {
      roster.hoursBegan(team)
      changed()
    },
    ended: changed,
  })
  const { isOpen } = hours
  /** Whoever may be back within the grace is not missed meanwhile. */
  const there = { isOpen, mayChat: (person: string) => roster.isThereForChats(person) }
  const isAttended = (team: string, channel?: string) =>
    servingTeam({ settings, teams, hands: there }, team, channel) !== undefined
  const places = makePlaces({ settings, teams, clock, isOpen, isAttended, waiting: (team) => queue.waiting(team) })
  const { isAvailable } = places
  const presence = makePresence({ settings, isAvailable, isServed: (team) => isOpen(team) && isAttended(team) })
  const telling = makeTelling({ context, settings, book, waits, isAttended, isOnItsWay: (of) => queue.isOnItsWay(of) })
  const queue = makeQueue({
    context,
    settings,
    teams,
    book,
    there: { isOpen, mayChat: (person) => roster.isThereForChats(person, 'strictly') },
    settled() {
      telling.places()
      roster.changed()
    },
    served: (of) => waits.served(book.teamOf(of), of.queuedAtMs, clock.now()),
    hasAnswered: ({ id, chat, assignedAtMs: sinceMs }) => hasWritten(context.journal, { id, chat, sinceMs }),
    lost: telling.agentGone,
  })
  function stop(): void {
    for (const part of [queue, telling, hours, roster]) part.stop()
  }
  onDispose(stop)

  const screens = new Map<string, () => void>()
  const leaves = matcher(settings.leaveWords)

  function noted(turn: LifeTurn): void {
    const { conversation, chat, channel, event, state } = turn
    state.isCounted = channel.capabilities.later.some(({ max }) => max !== undefined)
    const { last, isCounted } = state
    const about = { chat: chat.id, channel: channel.name, last: last?.person, isCounted, atMs: event.atMs }
    queue.noted(conversation, about)
    places.arrived(conversation.id)
  }

  /** Whether it goes on with the agent who has only just closed the last one. */
  function lingers(openedAtMs: number, last: { readonly untilMs: number } | undefined): boolean {
    return last !== undefined && openedAtMs - last.untilMs < settings.lingerFor
  }

  /** To the same agent again, if they are there and have room; who is there only now is known, so a replay keeps this. */
  async function goOnWith(turn: Turn<Memory>, next: Next): Promise<Outcome> {
    const { last } = turn.state
    if (!last || !queue.hasRoom(last.person)) return next()
    const { person, team } = last
    const place = places.place({ channel: turn.channel.name, to: { team } })
    if (place === 'nobody' || place.isUnattended) return next()
    return turn.handOff({
      to: { desk: context.name, team },
      say: '',
      because: `${person} has only just closed the last one`,
    })
  }

  return {
    presence,
    roster,
    /** What it knows of the conversations that are the desk's. */
    book,
    where: (handOff: HandOff) => places.place(handOff),
    /** Who was there is known before it is in force: so no customer is told in between that nobody is. */
    async know(): Promise<void> {
      roster.know(await readPeople(people))
    },
    async begin(): Promise<void> {
      const [kept, replies, toldPlaces] = await Promise.all([
        readPeople(people),
        readLastReplies(context),
        readToldPlaces(context),
      ])
      for (const [person, atMs] of replies) roster.replied(person, atMs)
      for await (const cases of readCases(context)) queue.know(cases)
      telling.know(toldPlaces)
      roster.know(kept)
      roster.begin()
      queue.begin()
      for (const { person } of book.all()) if (person !== undefined) roster.has(person)
    },
    /** Does nothing more by itself: another has taken its place, or it ends. Twice is safe. */
    stop,
    attend(person: string, isThere: boolean): void {
      screens.get(person)?.()
      screens.delete(person)
      if (isThere) screens.set(person, roster.connect(person))
    },
    /** Told also of what no channel has any more, which no event of the chat tells of. */
    closed: (conversation: string) => queue.closed(conversation),
    intercept(turn: Turn<Memory>, next: Next) {
      const { conversation, event } = turn
      if (event.type !== 'message') return next()
      if (!conversation) return lingers(event.atMs, turn.state.last) ? goOnWith(turn, next) : next()
      const { owner } = conversation
      if (owner.kind !== 'queue' || owner.desk !== context.name || !leaves(turn.text)) return next()
      return turn.close({ say: context.text('queueLeft'), because: LEFT_THE_QUEUE })
    },
    events: {
      'conversation.queued': noted,
      'conversation.returned'({ conversation }: LifeTurn) {
        queue.returned(conversation.id)
        places.arrived(conversation.id)
      },
      async 'conversation.assigned'(
        turn: TurnWork<Memory, ChatEvent<'conversation.assigned'>> & { readonly conversation: Conversation },
      ) {
        noted(turn)
        const { by, person } = turn.event
        if (by.kind !== 'agent' || by.person !== person) roster.has(person)
        const { id, origin, openedAtMs: sinceMs } = turn.conversation
        if (settings.greeting === undefined || origin === 'callback' || lingers(sinceMs, turn.state.last)) return
        // Once in a conversation, and not behind what somebody has written already.
        if (await hasWritten(context.journal, { id, chat: turn.chat.id, sinceMs }, 'greetings')) return
        void telling.greet(turn.conversation)
      },
      'agent.replied'({
        conversation,
        event,
      }: TurnWork<Memory, ChatEvent<'agent.replied'>> & { readonly conversation: Conversation }) {
        queue.answered(conversation.id, event.person)
        roster.replied(event.person, event.atMs)
      },
      'conversation.closed'(turn: LifeTurn) {
        noted(turn)
        const { owner } = turn.conversation
        if (owner.kind !== 'agent' || owner.desk !== context.name) return
        turn.state.last = { person: owner.person, team: owner.team, untilMs: turn.event.atMs }
      },
    },
  }
}
