import { randomUUID } from 'node:crypto'
import { pager } from '../pager.ts'

/** Makes an id of its own instead of taking the platform's. */
export default pager(() => ({
  take: (event, { receive }) => receive({ ...event, id: randomUUID() }),
}))
