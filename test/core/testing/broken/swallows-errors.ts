import { pager } from '../pager.ts'

/** Does not look at what the platform answers. */
export default pager(() => ({ judge() {} }))
