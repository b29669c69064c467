/** What is kept of people: the status that they are in, and whether a screen of theirs was there. */
import type { Kysely } from 'kysely'
import { type Actor, tables, z } from '#core'

export interface PersonRow {
  name: string
  status: string
  /** Since when they are in it, and who has put them there. */
  since: number
  by_json: string
  /** 1: a screen of theirs is there, or has been until less than the grace ago. */
  there: 0 | 1
}

export const TABLES = tables<{ person: PersonRow }>({
  '1-person': `CREATE TABLE person (name TEXT PRIMARY KEY, status TEXT NOT NULL, since BIGINT NOT NULL,
    by_json TEXT NOT NULL, there SMALLINT NOT NULL)`,
})

export type PeopleTables = Kysely<{ person: PersonRow }>

export interface KeptPerson {
  readonly status: string
  readonly sinceMs: number
  readonly by: Actor
  readonly wasThere: boolean
}

const By = z.custom<Actor>((by) => typeof by === 'object' && by !== null && 'kind' in by)

/** Of everybody who has ever come. */
export async function readPeople(sql: PeopleTables): Promise<ReadonlyMap<string, KeptPerson>> {
  const rows = await sql.selectFrom('person').selectAll().execute()
  return new Map(
    rows.map(({ name, status, since, by_json, there }) => [
      name,
      { status, sinceMs: since, by: By.parse(JSON.parse(by_json)), wasThere: there === 1 },
    ]),
  )
}

export async function keepPerson(sql: PeopleTables, name: string, now: KeptPerson): Promise<void> {
  const row = {
    status: now.status,
    since: now.sinceMs,
    by_json: JSON.stringify(now.by),
    there: now.wasThere ? 1 : 0,
  } as const
  await sql
    .insertInto('person')
    .values({ name, ...row })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
    .execute()
}
