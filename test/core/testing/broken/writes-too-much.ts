import { pager } from '../pager.ts'

/** Adds something of its own to long texts. */
export default pager(() => ({
  toMessage({ chat, part }) {
    const isLong = part.type === 'text' && part.text.length > 200
    return { to: chat, part: isLong ? { ...part, text: `${part.text} (sent by the best of all pagers)` } : part }
  },
}))
