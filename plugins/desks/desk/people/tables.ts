/** What is kept of people: the status that they are in, and whether a screen of theirs was there. */
import { type Actor, type Context, tables } from '#core'

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

export type DeskContext<C> = Context<C, { person: PersonRow }>

export interface KeptPerson {
  readonly status: string
  readonly sinceMs: number
  readonly by: Actor
  readonly wasThere: boolean
}
