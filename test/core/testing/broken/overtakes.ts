import { setImmediate } from 'node:timers/promises'
import { pager } from '../pager.ts'

/** Looks a new customer up before the first message is given on: the second is faster. */
export default pager(() => {
  const known = new Set<string>()
  return {
    async take(event, { receive }) {
      if (!known.has(event.chat)) {
        known.add(event.chat)
        for (let i = 0; i < 20; i++) await setImmediate()
      }
      return receive(event)
    },
  }
})
