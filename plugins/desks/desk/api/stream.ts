/**
 * Tells screens what changes: the rows of conversations, who is there, who types. Whatever has changed is read once for
 * all screens, and each is told what it may see. Nothing is kept for whoever is away: they list again.
 */
import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { type Clock, type Log, messageOf, type Watcher } from '#core'
import type { Calling } from '../access/door.ts'
import type { Connection } from './connections.ts'
import { Refusal } from './refusal.ts'
import type { RowsOf, SharedRow } from './rows.ts'
import type { Placed } from './seen.ts'
import type { Counts, Frame, Me, Person, Row, Team } from './shapes.ts'

export const HEARTBEAT_MS = 20_000
/** A person may have so many screens open. */
const MAX_SCREENS = 20
/** Counts are told at most so often, and people. */
const TOLD_EVERY_MS = 500
/** A conversation that was closed so long before its chat had the next one is told once more with that. */
const JUST_CLOSED_MS = 60_000
/** So many conversations are read in one go. */
const BATCH = 100
/** After a restart, so many come again in a second. */
const BACK_PER_SECOND = 100
/** Fewer may come all at once. */
const FEW = 20

export interface Stream extends Watcher {
  /** Throws a `Refusal` when there are too many: to be asked before a connection is opened. */
  mayJoin(calling: Calling): void
  /** Greets, and tells from now on what changes. The returned function says that the connection is gone. */
  join(calling: Calling, connect: (onEnd: () => void) => Connection): void
  /** A person has a chat before them on one of their screens, or no longer. False: there is no such screen. */
  look(calling: Calling, connection: string, chat: string, isLooking: boolean): boolean
  lookersAt(chat: string): readonly string[]
  /** Something about the people or teams is another. */
  peopleChanged(): void
  /** What somebody has read, or who looks, is another. */
  rowChanged(chat: string): void
  /** Ends the connections of a session or token that is no longer good. */
  signOut(isOver: (calling: Calling) => boolean): void
  /** To be called every `HEARTBEAT_MS`. */
  beat(): void
  /** All are to come again, and whoever still joins too. */
  close(): void
}

interface Screen {
  readonly id: string
  readonly connection: Connection
  readonly calling: Calling
  readonly looking: Set<string>
  counts: Counts | undefined
  leave(): void
}

const BEAT = frameOf({ type: 'beat' })

export function makeStream(of: {
  readonly rows: RowsOf
  readonly clock: Clock
  readonly log: Log
  sees(calling: Calling, placed: Placed): boolean
  meOf(calling: Calling): Me
  /** As the session or token has it now; `undefined`: it has ended. */
  again(calling: Calling): Calling | undefined
  connect(person: string): () => void
  now(): Promise<{ readonly people: readonly Person[]; readonly teams: readonly Team[] }>
}): Stream {
  const { rows, clock, log } = of
  const screens = new Map<string, Screen>()
  /** Chats in which something has changed that nobody was told yet, and since when. */
  const changed = new Map<string, number>()
  /** By which lease each open conversation was told last. */
  const toldLeases = new Map<string, number>()
  let isPumping = false
  let isClosed = false

  // ── rows ──

  function mark(chat: string): void {
    if (screens.size === 0) {
      toldLeases.clear()
      return
    }
    if (!changed.has(chat)) changed.set(chat, clock.now())
    if (!isPumping) void pump()
  }

  /** Whatever changes while it is read is read again. */
  async function pump(): Promise<void> {
    isPumping = true
    try {
      while (changed.size > 0 && screens.size > 0) {
        const batch = [...changed].slice(0, BATCH)
        const chats = batch.map(([chat]) => chat)
        for (const chat of chats) changed.delete(chat)
        const sinceMs = Math.min(...batch.map(([, atMs]) => atMs))
        const shared = await rows.shared(await rows.latestOf(chats, sinceMs - JUST_CLOSED_MS))
        const readings = await rows.readings(chats)
        for (const screen of screens.values())
          tellRows(screen, shared, (one) => rows.asSeenBy(screen.calling, one, readings))
        for (const { row } of shared) {
          if (row.state === 'closed') toldLeases.delete(row.id)
          else toldLeases.set(row.id, row.lease)
        }
        counts.soon()
      }
    } catch (error) {
      log.error({ error }, `What has changed cannot be read; screens come again: ${messageOf(error)}`)
      changed.clear()
      for (const { connection } of screens.values()) connection.end(0)
    } finally {
      isPumping = false
    }
  }

  function tellRows(screen: Screen, shared: readonly SharedRow[], asSeen: (one: SharedRow) => Row): void {
    const { calling } = screen
    const theirs = shared.filter(({ placed }) => of.sees(calling, placed))
    const others = shared.filter((one) => !theirs.includes(one))
    // Wherever it was since it was told last: it may have gone on from there at once.
    const gone = others.filter(({ row, placesBefore }) =>
      placesBefore.some(({ lease, placed }) => lease >= (toldLeases.get(row.id) ?? 0) && of.sees(calling, placed)),
    )
    for (const { row } of others) if (row.state !== 'closed') screen.looking.delete(row.chat)
    if (theirs.length + gone.length === 0) return
    tell(screen, { type: 'rows', rows: theirs.map(asSeen), gone: gone.map(({ row }) => row.id) })
  }

  // ── what is told of all ──

  const counts = atMostEvery(TOLD_EVERY_MS, async () => {
    const groups = await rows.groups()
    for (const screen of screens.values()) {
      const now = rows.counts(screen.calling, groups)
      if (isDeepStrictEqual(now, screen.counts)) continue
      screen.counts = now
      tell(screen, { type: 'counts', counts: now })
    }
  })
  const people = atMostEvery(TOLD_EVERY_MS, async () => {
    const { people, teams } = await of.now()
    const frame = frameOf({ type: 'people', people: [...people], teams: [...teams] })
    for (const { connection } of screens.values()) connection.send(frame)
  })

  /** At once, and then after a while if it is asked for again meanwhile. */
  function atMostEvery(ms: number, work: () => Promise<void>): { soon(): void; stop(): void } {
    let cancel: (() => void) | undefined
    let isAsked = false
    const run = () => {
      isAsked = false
      cancel = clock.after(ms, () => {
        cancel = undefined
        if (isAsked) run()
      })
      if (screens.size === 0) return
      work().catch((error: unknown) => log.error({ error }, `Screens were not told: ${messageOf(error)}`))
    }
    return {
      soon() {
        if (cancel) isAsked = true
        else run()
      },
      stop: () => cancel?.(),
    }
  }

  function tell({ connection }: Screen, frame: Frame): void {
    connection.send(frameOf(frame))
  }

  const ofPerson = (calling: Calling) =>
    [...screens.values()].filter((one) => one.calling.kind === calling.kind && one.calling.name === calling.name)

  function look(screen: Screen, chat: string, isLooking: boolean): void {
    if (isLooking === screen.looking.has(chat)) return
    if (isLooking) screen.looking.add(chat)
    else screen.looking.delete(chat)
    mark(chat)
  }

  return {
    changed: mark,
    rowChanged: mark,
    live(chat, what) {
      const frame = frameOf({ type: 'live', chat, what })
      for (const { looking, connection } of screens.values()) if (looking.has(chat)) connection.send(frame)
    },
    mayJoin(calling) {
      if (ofPerson(calling).length >= MAX_SCREENS) throw new Refusal('TOO_MANY_CONNECTIONS')
    },
    join(calling, connect) {
      const id = randomUUID()
      const gone = calling.kind === 'person' ? of.connect(calling.name) : () => undefined
      const connection = connect(() => screens.get(id)?.leave())
      const screen: Screen = {
        id,
        connection,
        calling,
        looking: new Set(),
        counts: undefined,
        leave() {
          screens.delete(id)
          for (const chat of this.looking) mark(chat)
          gone()
        },
      }
      screens.set(id, screen)
      tell(screen, { type: 'hello', connection: id, heartbeatMs: HEARTBEAT_MS, me: of.meOf(calling) })
      // It was let in before the other took this one's place.
      if (isClosed) connection.end(0)
    },
    look(calling, connection, chat, isLooking) {
      const screen = screens.get(connection)
      if (!screen || screen.calling.name !== calling.name || screen.calling.kind !== calling.kind) return false
      look(screen, chat, isLooking)
      return true
    },
    lookersAt(chat) {
      const here = [...screens.values()].filter(({ looking }) => looking.has(chat))
      return [...new Set(here.map(({ calling }) => calling.name))]
    },
    peopleChanged: () => people.soon(),
    signOut(isOver) {
      for (const screen of [...screens.values()]) {
        if (!isOver(screen.calling)) continue
        tell(screen, { type: 'signed-out' })
        screen.connection.end(0)
      }
    },
    beat() {
      for (const screen of [...screens.values()]) {
        if (of.again(screen.calling)) {
          screen.connection.beat(BEAT)
          continue
        }
        tell(screen, { type: 'signed-out' })
        screen.connection.end(0)
      }
    },
    close() {
      isClosed = true
      counts.stop()
      people.stop()
      const all = [...screens.values()]
      const spreadMs = all.length < FEW ? 0 : Math.ceil((all.length / BACK_PER_SECOND) * 1000)
      for (const { connection } of all) connection.end(spreadMs)
    },
  }
}

function frameOf(frame: Frame): string {
  return JSON.stringify(frame)
}
