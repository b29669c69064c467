import { pager } from '../pager.ts'

/** Reads the body as if it could only be right. */
export default pager(() => ({
  toEvent(body) {
    const { id, chat, text, atMs } = JSON.parse(body)
    return { id, chat, atMs, grants: 'message', type: 'message', parts: [{ type: 'text', text }] }
  },
}))
