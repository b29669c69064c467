/**
 * What is kept for statistics: moments at which something happened or ended, with who had to do with it and how long it
 * took. Nobody's name but our own people's, and nothing that was said, so they stay when a customer is erased, and when
 * the journal is trimmed.
 */

/**
 * What happened. `opened` and `closed`: a conversation; `handed-over`: it came to people; `waited`: a person had it
 * after a wait; `left`: the wait ended without one; `answered`: the first answer of a person since it came to people;
 * `handled`: a person no longer has it.
 */
export type What = 'opened' | 'handed-over' | 'waited' | 'left' | 'answered' | 'handled' | 'closed'

export interface MomentRow {
  what: What
  at: number
  /** With `n` it tells moments apart. It leads nowhere once the conversation is gone. */
  conversation: string
  /** Of the change by which it happened. */
  n: number
  account: string
  team: string | null
  person: string | null
  /** The last bot that had it until then. */
  bot: string | null
  /** How or why: see `moments.ts`. */
  code: string | null
  /** How long it took. */
  ms: number | null
  /** Of `handled`: what they and the customer have written meanwhile. */
  sent: number
  received: number
}

/** A person was there, in one status. Of one that goes on, the end is a few minutes old at most. */
export interface AttendanceRow {
  person: string
  began_at: number
  ended_at: number
  status: string
}

export interface StatisticsTables {
  moment: MomentRow
  attendance: AttendanceRow
}

/** By what happened and when: each number is counted from one stretch of the table. */
export const STATISTICS_MIGRATIONS = {
  '4-statistics': `
    CREATE TABLE moment (what TEXT NOT NULL, at BIGINT NOT NULL, conversation TEXT NOT NULL, n INTEGER NOT NULL,
      account TEXT NOT NULL, team TEXT, person TEXT, bot TEXT, code TEXT, ms BIGINT, sent INTEGER NOT NULL,
      received INTEGER NOT NULL, PRIMARY KEY (what, at, conversation, n)) WITHOUT ROWID;
    CREATE TABLE attendance (person TEXT NOT NULL, began_at BIGINT NOT NULL, ended_at BIGINT NOT NULL,
      status TEXT NOT NULL, PRIMARY KEY (person, began_at)) WITHOUT ROWID;
    CREATE INDEX attendance_ended ON attendance (ended_at);
  `,
}
