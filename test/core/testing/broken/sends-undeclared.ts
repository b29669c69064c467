import { pager } from '../pager.ts'

/** Makes a link card of every text with a link, although it declares none. */
export default pager(() => ({
  toMessage({ chat, part }) {
    const url = part.type === 'text' ? /https:\S+/.exec(part.text)?.[0] : undefined
    return { to: chat, part: url === undefined ? part : { type: 'link', url, title: 'Open' } }
  },
}))
