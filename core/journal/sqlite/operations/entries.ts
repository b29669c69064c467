/** New entries of a chat, outside of a change to it: each draws the chat's next number. */
import type { DatabaseSync } from 'node:sqlite'
import { makeIds } from '../../../services/clock.ts'
import type { ChatEvent } from '../../../turn.ts'
import type { WakeUp } from '../../engine.ts'
import type { ChatRow } from '../../tables.ts'
import { query } from '../connection.ts'
import type { EntryInput } from '../protocol.ts'

const CORE_JSON = JSON.stringify({ kind: 'core' })

export interface Entries {
  /** An id of this moment, as the caller's clock has it. */
  makeId(nowMs: number): string
  /** Adds an entry whose number has been drawn. What is said or noted is done with at once. */
  add(chat: string, seq: number, entry: EntryInput, nowMs: number): void
  /** Draws a number and adds an event of the core's own, which waits to be handled. */
  addWaiting(
    chat: string,
    kind: 'in' | 'life',
    event: WakeUp | ChatEvent,
    conversation: string | null,
    nowMs: number,
  ): void
  /** The same for an entry that was made elsewhere. */
  addDrawn(chat: string, entry: EntryInput, nowMs: number): void
}

export function entries(db: DatabaseSync): Entries {
  let nowOfIds = 0
  const nextId = makeIds({ now: () => nowOfIds })
  const draw = query<Pick<ChatRow, 'seq'>>(
    db,
    'UPDATE chat SET seq = seq + 1, pending = pending + 1 WHERE id = ? RETURNING seq',
  )
  const insert = query(
    db,
    `INSERT INTO entry (chat, seq, id, kind, type, body_json, by_json, conversation, answers, at, accepted_at, done_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )

  function add(chat: string, seq: number, entry: EntryInput, nowMs: number): void {
    const waits = entry.kind === 'in' || entry.kind === 'life'
    insert.run(
      chat,
      seq,
      entry.id,
      entry.kind,
      entry.type,
      entry.bodyJson,
      entry.byJson,
      entry.conversation,
      entry.answers,
      entry.atMs,
      nowMs,
      waits ? null : nowMs,
    )
  }

  function addDrawn(chat: string, entry: EntryInput, nowMs: number): void {
    const drawn = draw.get(chat)
    if (drawn === undefined) throw new Error(`There is no chat ${chat}.`)
    add(chat, drawn.seq, entry, nowMs)
  }

  return {
    makeId(nowMs) {
      nowOfIds = nowMs
      return nextId()
    },
    add,
    addDrawn,
    addWaiting(chat, kind, event, conversation, nowMs) {
      const { id, type, atMs } = event
      const bodyJson = JSON.stringify(event)
      addDrawn(chat, { id, kind, type, bodyJson, byJson: CORE_JSON, conversation, answers: null, atMs }, nowMs)
    },
  }
}
