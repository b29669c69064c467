import { ALWAYS } from '../../../../core/index.ts'
import { pager } from '../pager.ts'

/** Can do more each time it is asked. */
export default pager(() => {
  let asked = 0
  return {
    capabilities: () => ({
      sends: { text: { maxChars: 500 + ++asked }, image: {} },
      inline: { withinMs: 5_000 },
      later: [ALWAYS],
      showsIdentity: 'none',
    }),
  }
})
