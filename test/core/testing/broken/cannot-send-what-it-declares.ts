import { ALWAYS } from '../../../../core/index.ts'
import { pager } from '../pager.ts'

/** Declares choices, and knows nothing of them when they come. */
export default pager(() => ({
  capabilities: () => ({
    sends: { text: { maxChars: 500 }, image: {}, choices: {} },
    inline: { withinMs: 5_000 },
    later: [ALWAYS],
    showsIdentity: 'none',
  }),
  toMessage({ chat, part }) {
    if (part.type !== 'text' && part.type !== 'image') throw new TypeError(`no ${part.type} here`)
    return { to: chat, part }
  },
}))
