import type { Context } from '#core'
import type { Blacklist, Listed } from '../../services/blacklist.ts'
import { type Entries, nameOf } from './entries.ts'

/** What others may do with the list; every change of it is in the audit log. */
export function makeService(
  { audit, clock, customers }: Pick<Context<unknown, unknown>, 'audit' | 'clock' | 'customers'>,
  entries: Entries,
): Blacklist {
  return {
    find: (customer) => entries.entryFor({ customer }),
    async add(who, { reason, by, untilMs }) {
      if (reason.trim() === '') throw new TypeError('Nobody is put on the blacklist without a reason.')
      if ('customer' in who && !(await customers.get(who.customer))) throw new NoSuchCustomer(who.customer)
      const entry = { who, reason: reason.trim(), by: nameOf(by), atMs: clock.now(), untilMs }
      await entries.add([entry])
      audit({ by, action: 'blacklist.add', after: told(entry) })
    },
    async remove(who, { by }) {
      const removed = await entries.remove(who)
      for (const entry of removed) audit({ by, action: 'blacklist.remove', before: told(entry) })
      return removed.length > 0
    },
  }
}

/** Nobody would be turned away by such an entry: whoever made it must know. */
class NoSuchCustomer extends Error {
  override readonly name = 'NoSuchCustomer'
  readonly statusCode = 404
  readonly code = 'NOT_FOUND'

  constructor(customer: string) {
    super(`There is no customer "${customer}".`)
  }
}

/** An entry as it is shown, exported, and kept in the audit log. */
export function told({ who, reason, by, atMs, untilMs }: Parameters<Entries['add']>[0][number]): Told {
  const until = untilMs === undefined ? {} : { until: timeOf(untilMs) }
  return { ...who, reason, by, at: timeOf(atMs), ...until }
}

export type Told = Listed & {
  readonly reason: string
  readonly by: string
  readonly at: string
  readonly until?: string
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString()
}
