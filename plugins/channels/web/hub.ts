/** Who looks on now, and that each is sent what comes after what he has: in order, without a gap, as fast as he takes it. */
import { isDeepStrictEqual } from 'node:util'
import type { Log as RuntimeLog } from '#core'
import type { Extent, Log } from './log.ts'
import { type Frame, PAGE, type Snapshot } from './protocol.ts'

/** One page that looks on, however it is connected. */
export interface Connection {
  /** So much is unsent that nothing more should come before `onDrain` was called. */
  readonly isFull: boolean
  send(frame: string): void
  /** Both sides are told that the other is there. False: this one has not been for a while. */
  beat(frame: string): boolean
  /** It should come again: after a while of its own choosing, of up to so many ms. */
  end(spreadMs: number): void
  /** At once, and without a word. */
  cut(): void
}

export interface Seat {
  /** It takes something again. */
  drained(): void
  /** It is gone. Twice is safe. */
  leave(): void
}

export interface Hub {
  /** How many look on at this chat. */
  countOf(chat: string): number
  /** Greets, and sends from now on what comes after the number `after`. `token`: a new one, to be told. */
  join(chat: string, connection: Connection, from: { readonly after: number; readonly token?: string }): Seat
  /** Something was added to the log of this chat. */
  added(chat: string): void
  /** Told to who is there now, and to nobody later. */
  tell(chat: string, frame: Frame): void
  /**
   * What is being written, told as `tell` does: the latest every `DRAFT_EVERY_MS`. An empty one is told at once, and
   * nothing that waits comes after what is added to the log.
   */
  draft(chat: string, text: string): void
  /** How things are in this chat may be another. */
  look(chat: string): void
  /** Whether somebody of ours is there is another. */
  tellAvailable(available: boolean): void
  /** Ends the connections of this chat: who may be there comes again, with a token that is good. */
  turnOut(chat: string): void
  /** To be called every `HEARTBEAT_MS`. */
  beat(): void
  /** Ends all connections. */
  close(): void
}

export const HEARTBEAT_MS = 20_000
/** A bot writes a word at a time, and every draft has the whole text in it. */
export const DRAFT_EVERY_MS = 200
/** After a restart, so many come again in a second. */
const BACK_PER_SECOND = 500
/** Who is turned out comes again after up to so long: a new token must be there before him. */
const TURNED_OUT_MS = 2_000
/** Fewer may come all at once. */
const FEW = 20

interface Room {
  readonly chat: string
  readonly guests: Set<Guest>
  /** How things are, as it was found last. */
  snapshot: Snapshot | undefined
  /** How things are may be another by now. */
  isOld: boolean
  isPumping: boolean
  again: boolean
  /** The latest one, which waits until the pause is over. */
  draft: string | undefined
  pause: NodeJS.Timeout | undefined
}

interface Guest {
  readonly connection: Connection
  readonly from: { readonly after: number; readonly token?: string }
  /** The number that was sent last; `undefined` until it was greeted. */
  cursor: number | undefined
  /** As it was told last. */
  snapshot: Snapshot | undefined
  /** It had not taken anything at the last beat. */
  wasFull: boolean
}

const BEAT = frameOf({ type: 'beat' })

export function makeHub(of: {
  readonly history: Pick<Log, 'after' | 'extent'>
  readonly snapshotOf: (chat: string, extent: Extent) => Promise<Snapshot>
  readonly log: RuntimeLog
}): Hub {
  const { history, snapshotOf, log } = of
  const rooms = new Map<string, Room>()

  function roomOf(chat: string): Room {
    const room: Room = rooms.get(chat) ?? {
      chat,
      guests: new Set(),
      snapshot: undefined,
      isOld: true,
      isPumping: false,
      again: false,
      draft: undefined,
      pause: undefined,
    }
    rooms.set(chat, room)
    return room
  }

  /** Whatever happens from now on is seen: by this round, or by another one behind it. */
  function pump(room: Room): void {
    room.again = true
    if (!room.isPumping) void run(room)
  }

  async function run(room: Room): Promise<void> {
    room.isPumping = true
    try {
      while (room.again) {
        room.again = false
        await look(room)
        await catchUp(room)
      }
    } catch (error) {
      // Whoever comes again asks again for what he lacks.
      fail(room, error)
    } finally {
      room.isPumping = false
    }
  }

  /** Tells how things are to whoever does not know it yet. */
  async function look(room: Room): Promise<void> {
    const newcomers = [...room.guests].filter(({ cursor }) => cursor === undefined)
    if (room.isOld || newcomers.length > 0) {
      room.isOld = false
      const extent = await history.extent(room.chat)
      const snapshot = await snapshotOf(room.chat, extent)
      room.snapshot = snapshot
      for (const guest of newcomers) if (room.guests.has(guest)) greet(guest, snapshot, extent)
    }
    tellSnapshot(room)
  }

  function greet(guest: Guest, snapshot: Snapshot, { first, head }: Extent): void {
    const { connection } = guest
    const { after, token } = guest.from
    connection.send(frameOf({ type: 'hello', snapshot, heartbeatMs: HEARTBEAT_MS, ...(token && { token }) }))
    const last = Math.min(after, head)
    const from = Math.max(last + 1, head - PAGE + 1, first)
    if (from > last + 1) connection.send(frameOf({ type: 'skip', from }))
    guest.snapshot = snapshot
    guest.cursor = from - 1
  }

  function tellSnapshot({ snapshot, guests }: Room): void {
    if (!snapshot) return
    const { head: _, ...now } = snapshot
    for (const guest of guests) {
      if (guest.cursor === undefined || guest.snapshot === snapshot || guest.connection.isFull) continue
      const { head: __, ...before } = guest.snapshot ?? snapshot
      if (!isDeepStrictEqual(now, before)) guest.connection.send(frameOf({ type: 'snapshot', snapshot }))
      guest.snapshot = snapshot
    }
  }

  async function catchUp(room: Room): Promise<void> {
    for (;;) {
      const ready = [...room.guests].filter(({ cursor, connection }) => cursor !== undefined && !connection.isFull)
      if (ready.length === 0) return
      const items = await history.after(room.chat, Math.min(...ready.map(({ cursor = 0 }) => cursor)))
      // It would be told after what it was a draft of. What the visitor writes meanwhile does not end it.
      if (items.some(({ by }) => by === 'us')) room.draft = undefined
      for (const { seq, json } of items) {
        const frame = `{"type":"item","item":${json}}`
        for (const guest of ready) {
          if ((guest.cursor ?? seq) >= seq || guest.connection.isFull || !room.guests.has(guest)) continue
          guest.connection.send(frame)
          guest.cursor = seq
        }
      }
      if (items.length < PAGE) return
    }
  }

  function fail(room: Room, error: unknown): void {
    log.error({ error }, 'What was said cannot be read; those who look on are cut off, and come again.')
    for (const { connection } of room.guests) connection.cut()
  }

  function tellRoom(room: Room, frame: string): void {
    for (const { cursor, connection } of room.guests)
      if (cursor !== undefined && !connection.isFull) connection.send(frame)
  }

  function tellDraft(room: Room, text: string): void {
    room.draft = undefined
    tellRoom(room, frameOf({ type: 'draft', text }))
    clearTimeout(room.pause)
    room.pause = setTimeout(() => {
      room.pause = undefined
      if (room.draft !== undefined) tellDraft(room, room.draft)
    }, DRAFT_EVERY_MS)
  }

  return {
    countOf: (chat) => rooms.get(chat)?.guests.size ?? 0,
    join(chat, connection, from) {
      const room = roomOf(chat)
      const guest: Guest = { connection, from, cursor: undefined, snapshot: undefined, wasFull: false }
      room.guests.add(guest)
      pump(room)
      return {
        drained: () => pump(room),
        leave() {
          room.guests.delete(guest)
          if (room.guests.size > 0 || rooms.get(chat) !== room) return
          clearTimeout(room.pause)
          rooms.delete(chat)
        },
      }
    },
    added(chat) {
      const room = rooms.get(chat)
      if (room) pump(room)
    },
    tell(chat, frame) {
      const room = rooms.get(chat)
      if (room) tellRoom(room, frameOf(frame))
    },
    draft(chat, text) {
      const room = rooms.get(chat)
      if (!room) return
      if (text === '' || !room.pause) tellDraft(room, text)
      else room.draft = text
    },
    look(chat) {
      const room = rooms.get(chat)
      if (!room) return
      room.isOld = true
      pump(room)
    },
    tellAvailable(available) {
      for (const room of rooms.values()) {
        if (!room.snapshot || room.snapshot.available === available) continue
        const head = Math.max(room.snapshot.head, ...[...room.guests].map(({ cursor = 0 }) => cursor))
        room.snapshot = { ...room.snapshot, available, head }
        // What is being looked up may be from before.
        if (room.isPumping) room.isOld = room.again = true
        tellSnapshot(room)
      }
    },
    turnOut(chat) {
      const room = rooms.get(chat)
      if (!room) return
      rooms.delete(chat)
      const gone = [...room.guests]
      room.guests.clear()
      for (const { connection } of gone) connection.end(TURNED_OUT_MS)
    },
    beat() {
      for (const { guests } of rooms.values()) {
        for (const guest of guests) {
          const { connection, cursor } = guest
          // It begins with its hello.
          if (cursor === undefined) continue
          if (!connection.beat(BEAT) || (guest.wasFull && connection.isFull)) connection.cut()
          guest.wasFull = connection.isFull
        }
      }
    },
    close() {
      const all = [...rooms.values()].flatMap(({ guests }) => [...guests])
      const spreadMs = all.length < FEW ? 0 : Math.ceil((all.length / BACK_PER_SECOND) * 1000)
      for (const { pause } of rooms.values()) clearTimeout(pause)
      rooms.clear()
      for (const { connection } of all) connection.end(spreadMs)
    },
  }
}

function frameOf(frame: Frame): string {
  return JSON.stringify(frame)
}
