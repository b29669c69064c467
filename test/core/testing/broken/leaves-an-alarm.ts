import { pager } from '../pager.ts'

/** Wants to be called in an hour, by the context's clock, and forgets that it may have been stopped by then. */
export default pager(() => ({
  also: ({ clock }) => {
    clock.after(60 * 60_000, () => {})
  },
}))
