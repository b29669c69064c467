/** What the model has used up, and whether it may be asked for more. */
import { type Context, tables } from '#core'

export interface Usage {
  readonly input: number
  readonly output: number
}

interface Spent {
  readonly at: number
  readonly conversation: string
  readonly tokens: number
  readonly cost: number
}
interface SpentTables {
  readonly spent: Spent
}

export const spentTables = tables<SpentTables>({
  '1-spent':
    'CREATE TABLE spent (at BIGINT NOT NULL, conversation TEXT NOT NULL, tokens INTEGER NOT NULL, cost REAL NOT NULL)',
  '2-spent-at': 'CREATE INDEX spent_at ON spent (at)',
  '3-spent-conversation': 'CREATE INDEX spent_conversation ON spent (conversation)',
})

const DAY_MS = 86_400_000
/** A conversation that lasts longer than this begins anew with its tokens. */
const KEPT_MS = 30 * DAY_MS

export interface Limits {
  readonly conversation?: number | undefined
  readonly day?: number | undefined
  readonly dayCost?: number | undefined
}

export interface Spending {
  /** Why the model may not be asked now; `undefined`: it may. */
  refusal(conversation: string): Promise<string | undefined>
  /** Adds what was used, whatever becomes of the turn: it has to be paid. Gives the cost, if there is a price. */
  add(conversation: string, usage: Usage): Promise<void>
  costOf(usage: Usage): number | undefined
  /** Forgets what no limit can ask for any more. */
  trim(): Promise<void>
}

/** `price`: of a million tokens. */
export function makeSpending(
  { sql, clock }: Pick<Context<unknown, SpentTables>, 'sql' | 'clock'>,
  limits: Limits,
  price: Usage | undefined,
): Spending {
  const costOf = (usage: Usage) => price && (usage.input * price.input + usage.output * price.output) / 1_000_000

  async function sum(conversation?: string): Promise<{ readonly tokens: number; readonly cost: number }> {
    const all = sql
      .selectFrom('spent')
      .select(({ fn }) => [fn.sum<number>('tokens').as('tokens'), fn.sum<number>('cost').as('cost')])
    const some =
      conversation === undefined
        ? all.where('at', '>', clock.now() - DAY_MS)
        : all.where('conversation', '=', conversation)
    const row = await some.executeTakeFirst()
    return { tokens: row?.tokens ?? 0, cost: row?.cost ?? 0 }
  }

  return {
    costOf,
    async refusal(conversation) {
      const { day, dayCost } = limits
      if (limits.conversation !== undefined && (await sum(conversation)).tokens >= limits.conversation)
        return `This conversation has used its ${limits.conversation} tokens.`
      if (day === undefined && dayCost === undefined) return undefined
      const spent = await sum()
      if (day !== undefined && spent.tokens >= day) return `The ${day} tokens of a day are used up.`
      if (dayCost !== undefined && spent.cost >= dayCost) return `The ${dayCost} that a day may cost are spent.`
      return undefined
    },
    async add(conversation, usage) {
      const tokens = usage.input + usage.output
      await sql
        .insertInto('spent')
        .values({ at: clock.now(), conversation, tokens, cost: costOf(usage) ?? 0 })
        .execute()
    },
    async trim() {
      await sql
        .deleteFrom('spent')
        .where('at', '<', clock.now() - KEPT_MS)
        .execute()
    },
  }
}
