/**
 * What a caller may see. Agents: the conversations of their teams and their own, and what a bot has on the channels
 * that their teams take; so whoever is in no team sees nothing. Supervisors and administrators: all of the desk.
 * Everything that reads conversations asks here.
 */
import { type Expression, type ExpressionBuilder, type Kysely, type SqlBool, sql } from 'kysely'
import type { JournalTables } from '#core'
import type { Calling } from '../access/door.ts'
import type { Seen } from './serve.ts'

/** Of `conversation`, joined with its `chat`. */
type Joined = ExpressionBuilder<JournalTables, 'conversation' | 'chat'>

export interface Sight extends Seen {
  /** The condition that a conversation is theirs to see. */
  condition(calling: Calling): (where: Joined) => Expression<SqlBool>
  /** The same in parts, each of which is looked up by itself: for what is closed, which is more than can be gone through. */
  parts(calling: Calling): readonly ((where: Joined) => Expression<SqlBool>)[]
  /** The same of one that is known already. */
  sees(calling: Calling, placed: Placed): boolean
}

/** What is needed of a conversation to know who may see it. */
export interface Placed {
  readonly desk: string | null
  readonly team: string | null
  readonly person: string | null
  readonly account: string
}

export function makeSight(of: {
  readonly desk: string
  readonly journal: Kysely<JournalTables>
  /** The accounts of the channels that these teams take. */
  accountsOf(teams: readonly string[]): readonly string[]
}): Sight {
  const { desk, journal, accountsOf } = of

  const condition =
    (calling: Calling) =>
    (where: Joined): Expression<SqlBool> => {
      const { teams } = calling
      if (!teams) return where.or([where('conversation.desk', '=', desk), where('conversation.desk', 'is', null)])
      const isOurs = where('conversation.desk', '=', desk)
      // The + keeps SQLite from looking up all that a team or person has ever had, to find what is asked for in that.
      return where.or([
        where.and([isOurs, sql<boolean>`+conversation.team in (${sql.join(teams)})`]),
        where.and([isOurs, sql<boolean>`+conversation.person = ${personOf(calling)}`]),
        where.and([
          where('conversation.desk', 'is', null),
          sql<boolean>`+chat.account in (${sql.join(accountsOf(teams))})`,
        ]),
      ])
    }

  const parts = (calling: Calling): readonly ((where: Joined) => Expression<SqlBool>)[] => {
    const { teams } = calling
    if (!teams) return [condition(calling)]
    return [
      ...teams.map((team) => (where: Joined) => where.and({ 'conversation.desk': desk, 'conversation.team': team })),
      (where) => where.and({ 'conversation.desk': desk, 'conversation.person': personOf(calling) }),
      (where) =>
        where.and([
          where('conversation.desk', 'is', null),
          sql<boolean>`+chat.account in (${sql.join(accountsOf(teams))})`,
        ]),
    ]
  }

  async function isThere(
    calling: Calling,
    column: 'conversation.id' | 'conversation.chat' | 'conversation.customer',
    id: string,
  ): Promise<boolean> {
    const found = await journal
      .selectFrom('conversation')
      .innerJoin('chat', 'chat.id', 'conversation.chat')
      .select('conversation.id')
      .where(column, '=', id)
      .where(condition(calling))
      .limit(1)
      .executeTakeFirst()
    return found !== undefined
  }

  return {
    condition,
    parts,
    sees(calling, placed) {
      const { teams } = calling
      if (placed.desk !== null && placed.desk !== desk) return false
      if (!teams) return true
      if (placed.desk === null) return accountsOf(teams).includes(placed.account)
      return placed.person === personOf(calling) || (placed.team !== null && teams.includes(placed.team))
    },
    conversation: (calling, id) => isThere(calling, 'conversation.id', id),
    chat: (calling, id) => isThere(calling, 'conversation.chat', id),
    async customer(calling, id) {
      if (calling.teams) return isThere(calling, 'conversation.customer', id)
      // Also whoever has only followed, or was turned away: the list has them.
      return (await journal.selectFrom('customer').select('id').where('id', '=', id).executeTakeFirst()) !== undefined
    },
  }
}

/** A machine has no conversations of its own: no person has an empty name. */
export function personOf(calling: Calling): string {
  return calling.kind === 'person' ? calling.name : ''
}
