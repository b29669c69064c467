import { pager } from '../pager.ts'

/** Looks at the status and leaves the rest of the answer where it is: its connection stays taken. */
export default pager(() => ({ read: async () => 'whatever it was' }))
