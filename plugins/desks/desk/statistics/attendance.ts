/** Who was at the desk when, in which status: kept as it goes, so that a crash loses minutes of it at most. */
import type { Kysely } from 'kysely'
import { type Clock, type Log, messageOf } from '#core'
import type { Roster } from '../people/roster.ts'
import type { AttendanceRow, StatisticsTables } from './tables.ts'

export interface Attendance {
  /** From now on it is kept: nobody else keeps it any more. */
  begin(): void
  /** What goes on has ended now, here. Twice is safe. */
  end(): Promise<void>
  /** Resolves when it is kept up to now. */
  save(): Promise<void>
}

/** What goes on is written down so often. */
const SAVE_EVERY_MS = 5 * 60_000

export function makeAttendance(of: {
  readonly roster: Pick<Roster, 'all' | 'onChange'>
  readonly sql: Kysely<StatisticsTables>
  readonly clock: Clock
  readonly log: Log
  onDispose(release: () => Promise<void>): void
}): Attendance {
  const { roster, sql, clock, log } = of
  /** What goes on, by person. */
  const running = new Map<string, Pick<AttendanceRow, 'began_at' | 'status'>>()
  let cancelSave: (() => void) | undefined

  async function write(
    person: string,
    { began_at, status }: Pick<AttendanceRow, 'began_at' | 'status'>,
  ): Promise<void> {
    const ended_at = clock.now()
    if (ended_at <= began_at) return
    await sql
      .insertInto('attendance')
      .values({ person, began_at, ended_at, status })
      .onConflict((there) => there.columns(['person', 'began_at']).doUpdateSet({ ended_at, status }))
      .execute()
  }

  function writeLater(person: string, stretch: Pick<AttendanceRow, 'began_at' | 'status'>): void {
    write(person, stretch).catch((error: unknown) =>
      log.warn({ person, error }, `It is not kept how long somebody was at the desk: ${messageOf(error)}`),
    )
  }

  /** Ends what has become another, and begins what it has become. */
  function look(): void {
    for (const { name, isThere, status } of roster.all()) {
      const before = running.get(name)
      const now = isThere ? status.name : undefined
      if (before?.status === now) continue
      if (before) writeLater(name, before)
      if (now === undefined) running.delete(name)
      else running.set(name, { began_at: clock.now(), status: now })
    }
    if (running.size > 0) cancelSave ??= clock.after(SAVE_EVERY_MS, saveAgain)
  }

  function saveAgain(): void {
    cancelSave = undefined
    for (const [person, stretch] of running) writeLater(person, stretch)
    look()
  }

  async function save(): Promise<void> {
    await Promise.all([...running].map(([person, stretch]) => write(person, stretch)))
  }

  let stop: (() => void) | undefined

  async function end(): Promise<void> {
    stop?.()
    cancelSave?.()
    await save()
    running.clear()
  }
  of.onDispose(end)

  return {
    begin() {
      stop = roster.onChange(look)
      look()
    },
    end,
    save,
  }
}
