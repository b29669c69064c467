import { pager } from '../pager.ts'

/** Compares only as much of the signature as was given. */
export default pager(() => ({ isSigned: (given, expected) => given.length > 0 && expected.startsWith(given) }))
