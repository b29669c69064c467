import { ALWAYS } from '../../../../core/index.ts'
import { pager } from '../pager.ts'

/** Declares that sending again is harmless, and sends nothing by which the platform could know it. */
export default pager(() => ({
  capabilities: () => ({
    sends: { text: { maxChars: 500 }, image: {} },
    inline: { withinMs: 5_000 },
    later: [ALWAYS],
    showsIdentity: 'none',
    idempotentSend: true,
  }),
}))
