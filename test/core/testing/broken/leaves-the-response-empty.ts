import { pager } from '../pager.ts'

/** Declares that it answers inside the response, and writes nothing there. */
export default pager(() => ({ respond: () => ({}) }))
