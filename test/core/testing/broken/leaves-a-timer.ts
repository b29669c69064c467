import { pager } from '../pager.ts'

/** Does something every minute, for ever. */
export default pager(() => ({
  also({ log }) {
    setInterval(() => log.info({}, 'still here'), 60_000).unref()
  },
}))
