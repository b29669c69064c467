import { ALWAYS } from '../../../../core/index.ts'
import { pager } from '../pager.ts'

/** Answers 200 before the event is accepted: when it cannot be, the platform does not know. */
export default pager(() => ({
  async take(event, { receive }) {
    receive(event).catch(() => {})
    return undefined
  },
  capabilities: () => ({ sends: { text: {} }, later: [ALWAYS], showsIdentity: 'none' }),
}))
