import { pager } from '../pager.ts'

/** Takes milliseconds for seconds. */
export default pager(() => ({
  take: (event, { receive }) => receive({ ...event, atMs: event.atMs * 1000 }),
}))
