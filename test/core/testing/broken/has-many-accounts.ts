import { randomUUID } from 'node:crypto'
import { pager } from '../pager.ts'

/** Names its account after nothing that stays. */
export default pager(() => ({ account: () => randomUUID() }))
