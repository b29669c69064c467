import { pager } from '../pager.ts'

/** Does not look at the signature at all. */
export default pager(() => ({ isSigned: () => true }))
