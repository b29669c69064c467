/** Those in the same process who look on at what is sent: plugins that use the service `loopback`. */
import type { Delivery, Log } from '#core'
import type { Loopback } from '../../services/loopback.ts'

export interface Onlookers {
  readonly add: Loopback['onSent']
  /** Tells each of them. One that fails is in the log, and no concern of the customer's. */
  tell(delivery: Delivery): void
}

export function makeOnlookers(log: Log): Onlookers {
  const all = new Set<Parameters<Loopback['onSent']>[0]>()
  return {
    add(take) {
      all.add(take)
      return () => all.delete(take)
    },
    tell({ id, chat, part }) {
      for (const take of all) {
        try {
          take({ id, chat, part })
        } catch (error) {
          log.error({ error, delivery: id }, 'An onlooker failed.')
        }
      }
    },
  }
}
