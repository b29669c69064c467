/** What somebody at the desk is told of, by a sound or a notification: found by comparing what is told with what was known. */
import type { Person, Row } from '../api/shapes.ts'

/**
 * `assigned`: a conversation is theirs now. `message`: a customer wrote in one of theirs. `waiting`: somebody has come
 * into a queue of theirs. `reminder`: the hours of their team have begun, and they are still away.
 */
export const EVENTS = ['assigned', 'message', 'waiting', 'reminder'] as const
export type NoticeEvent = (typeof EVENTS)[number]

export interface Notice {
  readonly event: NoticeEvent
  /** Of what it is; a reminder is of none. */
  readonly row?: Row
}

export interface Notices {
  /** All that is theirs and all that waits, as lists have it. Of the first lists nothing is told: it was there before. */
  meet(rows: readonly Row[]): readonly Notice[]
  /** What has changed since. */
  apply(rows: readonly Row[], gone: readonly string[]): readonly Notice[]
  /** How they themselves are now. */
  meetMyself(person: Person): readonly Notice[]
  /** How many messages in theirs they have not read. */
  readonly unread: number
}

/** `taken`: the conversations that they are taking themselves. Each is left out of it when it is theirs. */
export function makeNotices(me: string, taken: Set<string>): Notices {
  let mine = new Map<string, Row>()
  let waiting = new Set<string>()
  /** When the last one so far came into a queue: one that came before is not new, only not known. */
  let lastQueuedMs = 0
  let hasBegun = false
  let reminded: number | undefined
  let isForChats = true
  let hasMetMyself = false

  const isMine = ({ state, person }: Row) => state === 'assigned' && person === me

  function noticeOf(row: Row): Notice | undefined {
    const before = mine.get(row.id)
    if (isMine(row)) {
      // Nobody is given a callback: it is of whoever has made it.
      if (!before) return taken.delete(row.id) || row.origin === 'callback' ? undefined : { event: 'assigned', row }
      return row.last?.by.kind === 'customer' && row.last.atMs > (before.last?.atMs ?? 0)
        ? { event: 'message', row }
        : undefined
    }
    const isNew = row.state === 'queued' && !waiting.has(row.id) && (row.queuedAtMs ?? 0) >= lastQueuedMs
    // What they themselves have passed on is no news to them.
    return isNew && !before ? { event: 'waiting', row } : undefined
  }

  function keep(row: Row): void {
    mine.delete(row.id)
    waiting.delete(row.id)
    if (isMine(row)) mine.set(row.id, row)
    if (row.state !== 'queued') return
    waiting.add(row.id)
    lastQueuedMs = Math.max(lastQueuedMs, row.queuedAtMs ?? 0)
  }

  /** Whoever is in a status without chats is told nothing of chats. */
  const told = (found: readonly (Notice | undefined)[]) =>
    hasBegun && isForChats ? found.filter((one) => one !== undefined) : []

  return {
    meet(rows) {
      const notices = told(rows.map(noticeOf))
      mine = new Map()
      waiting = new Set()
      rows.forEach(keep)
      hasBegun = true
      return notices
    },
    apply(rows, gone) {
      for (const id of gone) {
        mine.delete(id)
        waiting.delete(id)
      }
      return told(
        rows.map((row) => {
          const notice = noticeOf(row)
          keep(row)
          return notice
        }),
      )
    },
    meetMyself({ status, reminder }) {
      isForChats = status.isForChats
      const isNew = hasMetMyself && reminder !== undefined && reminder.sinceMs !== reminded
      reminded = reminder?.sinceMs
      hasMetMyself = true
      return isNew ? [{ event: 'reminder' }] : []
    },
    get unread() {
      return isForChats ? [...mine.values()].reduce((sum, { unread }) => sum + unread, 0) : 0
    },
  }
}
