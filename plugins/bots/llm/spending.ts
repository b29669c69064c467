/** What the model has used up, and whether it may be asked for more. Kept in sums, so that a busy day costs no more to look at. */
import { type Context, tables } from '#core'

export interface Usage {
  readonly input: number
  readonly output: number
}

interface SpentTables {
  readonly conversation_spent: { readonly conversation: string; readonly tokens: number; readonly at: number }
  readonly minute_spent: { readonly minute: number; readonly tokens: number; readonly cost: number }
}

export const spentTables = tables<SpentTables>({
  '1-conversation':
    'CREATE TABLE conversation_spent (conversation TEXT PRIMARY KEY, tokens INTEGER NOT NULL, at BIGINT NOT NULL)',
  '2-minute': 'CREATE TABLE minute_spent (minute BIGINT PRIMARY KEY, tokens INTEGER NOT NULL, cost REAL NOT NULL)',
})

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** A conversation that has been silent for longer than this begins anew with its tokens. */
const KEPT_MS = 30 * DAY_MS

export interface Limits {
  readonly conversation?: number | undefined
  readonly day?: number | undefined
  readonly dayCost?: number | undefined
}

export interface Spending {
  /** Why the model may not be asked now; `undefined`: it may. */
  refusal(conversation: string): Promise<string | undefined>
  /** Adds what was used, whatever becomes of the turn: it has to be paid. Only what a limit asks for is written. */
  add(conversation: string, usage: Usage): Promise<void>
  /** `undefined`: there is no price. */
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

  async function tokensOf(conversation: string): Promise<number> {
    const query = sql.selectFrom('conversation_spent').select('tokens').where('conversation', '=', conversation)
    return (await query.executeTakeFirst())?.tokens ?? 0
  }

  async function ofToday(): Promise<{ readonly tokens: number; readonly cost: number }> {
    const query = sql
      .selectFrom('minute_spent')
      .select(({ fn }) => [fn.sum<number | null>('tokens').as('tokens'), fn.sum<number | null>('cost').as('cost')])
      .where('minute', '>', clock.now() - DAY_MS)
    const sums = await query.executeTakeFirst()
    return { tokens: sums?.tokens ?? 0, cost: sums?.cost ?? 0 }
  }

  async function addToConversation(conversation: string, tokens: number): Promise<void> {
    const at = clock.now()
    await sql
      .insertInto('conversation_spent')
      .values({ conversation, tokens, at })
      .onConflict((same) =>
        same.column('conversation').doUpdateSet((now) => ({ tokens: now('tokens', '+', tokens), at })),
      )
      .execute()
  }

  async function addToMinute(tokens: number, cost: number): Promise<void> {
    const minute = clock.now() - (clock.now() % MINUTE_MS)
    await sql
      .insertInto('minute_spent')
      .values({ minute, tokens, cost })
      .onConflict((same) =>
        same
          .column('minute')
          .doUpdateSet((now) => ({ tokens: now('tokens', '+', tokens), cost: now('cost', '+', cost) })),
      )
      .execute()
  }

  const { conversation: perConversation, day, dayCost } = limits
  const countsDays = day !== undefined || dayCost !== undefined

  return {
    costOf,
    async refusal(conversation) {
      if (perConversation !== undefined && (await tokensOf(conversation)) >= perConversation)
        return `This conversation has used its ${perConversation} tokens.`
      if (!countsDays) return undefined
      const spent = await ofToday()
      if (day !== undefined && spent.tokens >= day) return `The ${day} tokens of a day are used up.`
      if (dayCost !== undefined && spent.cost >= dayCost) return `The ${dayCost} that a day may cost are spent.`
      return undefined
    },
    async add(conversation, usage) {
      const tokens = usage.input + usage.output
      await Promise.all([
        perConversation !== undefined && addToConversation(conversation, tokens),
        countsDays && addToMinute(tokens, costOf(usage) ?? 0),
      ])
    },
    async trim() {
      await sql
        .deleteFrom('conversation_spent')
        .where('at', '<', clock.now() - KEPT_MS)
        .execute()
      await sql
        .deleteFrom('minute_spent')
        .where('minute', '<=', clock.now() - DAY_MS)
        .execute()
    },
  }
}
