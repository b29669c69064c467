/** The statistics, wired together: what keeps them, and what counts them. */
import type { Kysely } from 'kysely'
import { type Context, messageOf } from '#core'
import type { Roster } from '../people/roster.ts'
import { makeAttendance } from './attendance.ts'
import { type Figures, makeFigures } from './figures.ts'
import { makeKeeping } from './keep.ts'
import type { StatisticsTables } from './tables.ts'

export interface Counting extends Figures {
  /** The desk is in force: from now on it is kept who is there, and what the journal has that is not kept yet. */
  begin(): void
  /** Another has taken its place: what goes on is kept up to now, and no further. Twice is safe. */
  end(): Promise<void>
  /** Resolves when all that has happened until now is kept. */
  catchUp(): Promise<void>
}

/** A year and the one before it can be told. */
const KEEP_MS = 800 * 86_400_000

export function openStatistics(
  context: Pick<
    Context<unknown, unknown>,
    'name' | 'journal' | 'clock' | 'log' | 'signal' | 'schedule' | 'timeZone' | 'onDispose'
  >,
  { sql, roster }: { readonly sql: Kysely<StatisticsTables>; readonly roster: Roster },
): Counting {
  const { name: desk, journal, clock, log, signal, timeZone, onDispose } = context
  const attendance = makeAttendance({ roster, sql, clock, log, onDispose })
  const keeping = makeKeeping({ desk, journal, sql, signal })

  async function catchUp(): Promise<void> {
    await Promise.all([attendance.save(), keeping.catchUp()])
  }

  async function forgetOld(): Promise<void> {
    const beforeMs = clock.now() - KEEP_MS
    await sql.deleteFrom('moment').where('at', '<', beforeMs).execute()
    await sql.deleteFrom('attendance').where('ended_at', '<', beforeMs).execute()
  }

  // Long before anything of the journal is trimmed.
  context.schedule('1h', catchUp)
  context.schedule('24h', forgetOld)

  return {
    ...makeFigures({ desk, journal, sql, timeZone }),
    begin() {
      attendance.begin()
      catchUp().catch((error: unknown) => {
        if (!signal.aborted) log.error({ error }, `Statistics are not kept: ${messageOf(error)}`)
      })
    },
    end: attendance.end,
    catchUp,
  }
}
