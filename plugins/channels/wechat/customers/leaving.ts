/**
 * Customers who have deleted their WeChat account: the platform tells so, and whoever keeps something of them must delete
 * it. What is to be done is on disk before the platform is told that we know.
 * Source: https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/authorization_change.html, read 2026-11-20.
 */
import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Context } from '#core'
import { type Background, runUntilDone } from '../background.ts'
import { chatOf } from './profiles.ts'

const COULD_NOT = 'Somebody who has deleted their WeChat account could not be erased here'

/** What the platform calls it. */
export const ACCOUNT_DELETED = 'user_authorization_cancellation'

export interface LeavingTables {
  readonly leaving: { readonly open_id: string }
}

export const leavingTables = {
  'leaving-1': 'CREATE TABLE leaving (open_id TEXT PRIMARY KEY) WITHOUT ROWID',
} as const

export interface Leaving {
  /** Resolves when it is on disk that this customer has to be erased. */
  note(openId: string): Promise<void>
  /** Begins to erase whoever is noted. */
  start(): void
}

export function makeLeaving(
  tools: Background &
    Pick<Context<unknown, LeavingTables>, 'journal' | 'customers' | 'command'> & {
      readonly sql: Kysely<LeavingTables>
      readonly name: string
      readonly account: string
    },
): Leaving {
  const { sql, journal, customers, command, name, account } = tools
  const underWay = new Set<string>()
  /** One after the other. Whoever cannot be erased yet is tried again by themselves, and holds up nobody. */
  let last = Promise.resolve()

  async function eraseAll(): Promise<void> {
    const noted = await sql.selectFrom('leaving').select('open_id').execute()
    for (const { open_id } of noted.filter((row) => !underWay.has(row.open_id))) {
      underWay.add(open_id)
      runUntilDone(tools, COULD_NOT, () => {
        const erased = last.then(() => eraseNoted(open_id))
        last = erased.catch(() => undefined)
        return erased
      })
    }
  }

  async function eraseNoted(openId: string): Promise<void> {
    await eraseOne(openId)
    await sql.deleteFrom('leaving').where('open_id', '=', openId).execute()
    underWay.delete(openId)
  }

  async function eraseOne(openId: string): Promise<void> {
    const found = await chatOf(journal, account, openId)
    if (!found) return
    const { chat, customer } = found
    const because = 'The customer has deleted their WeChat account.'
    // Refused when nothing is open; then there is nothing in the way.
    await command({ id: randomUUID(), type: 'close', chat, by: { kind: 'channel', name }, because })
    const erased = await customers.erase(customer)
    if (erased.state === 'busy') throw new Error('Something is still being handled in their chat.')
  }

  return {
    async note(openId) {
      await sql.insertInto('leaving').values({ open_id: openId }).orIgnore().execute()
    },
    start: () => runUntilDone(tools, COULD_NOT, eraseAll),
  }
}
