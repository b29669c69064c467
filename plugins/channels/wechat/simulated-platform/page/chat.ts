/** One line of a chat, as the customer’s phone shows it, with what an operator wants to know beside it. */
import { button, el } from './dom.ts'
import type { Line, What } from './state.ts'
import type { Words } from './words.ts'

/** What is tapped in a chat is said by the customer. */
export type Say = (text: string, choice: string) => void

export function lineElement(
  line: Line,
  { words, name: customer, say }: { readonly words: Words; readonly name: string; readonly say: Say },
): HTMLElement {
  const time = el(
    'time',
    {},
    new Date(line.atMs).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' }),
  )
  const { what } = line
  if (what.type === 'event') {
    const detail = what.detail === '' ? '' : ` · ${what.detail}`
    return el('div', { class: 'line note' }, `${words.events[what.event]}${detail} `, time, stateOf(line, words))
  }
  if (what.type === 'failure') {
    const because = el('small', {}, words.because(what.because))
    return el('div', { class: 'line note failure' }, words.failure, ' ', time, because)
  }
  if (what.type === 'refused') {
    const said = what.words === '' ? undefined : el('small', {}, `“${what.words}”`)
    return el(
      'div',
      { class: 'line note refused' },
      `✗ ${words.refusedMessage(what.errcode, what.errmsg)} `,
      time,
      said,
    )
  }
  const isOwn = line.from === 'customer'
  const name = line.as ? el('span', { class: 'name' }, line.as.name) : undefined
  const face = faceOf(line, customer)
  const meta = el('span', { class: 'meta' }, ...metaOf(line, words), time, stateOf(line, words))
  const body = el(
    'div',
    { class: 'body' },
    name,
    el('div', { class: `bubble ${what.type}` }, ...contentOf(what, words, say)),
    meta,
  )
  return el('div', { class: `line ${isOwn ? 'own' : 'theirs'}` }, face, body)
}

function faceOf({ from, as }: Line, customer: string): HTMLElement {
  if (as?.picture) return el('img', { class: 'face', src: as.picture, alt: '' })
  const [sign = ''] = from === 'customer' ? customer : (as?.name ?? '公')
  return el('span', { class: 'face', 'aria-hidden': 'true' }, sign)
}

function metaOf(line: Line, words: Words): readonly HTMLElement[] {
  const tell = (text: string) => el('span', {}, text)
  return [
    ...(line.via === 'passive' ? [tell(words.passive)] : []),
    ...(line.via === 'customer-service' ? [tell(words.service)] : []),
    ...(line.isAi ? [tell(words.ai)] : []),
    ...(line.isPending ? [tell(words.pending)] : []),
  ]
}

/** Of what the customer did: whether the account’s server has taken it. */
function stateOf({ told, tries = 1 }: Line, words: Words): HTMLElement | undefined {
  if (told === undefined) return undefined
  const text = told === 'taken' && tries > 1 ? words.tries(tries) : words.took[told]
  return text === '' ? undefined : el('span', { class: `told ${told}` }, text)
}

type Node = HTMLElement | Text | string

function contentOf(what: What, words: Words, say: Say): readonly Node[] {
  switch (what.type) {
    case 'text':
      return textOf(what.text, say)
    case 'image':
      return [el('img', { src: what.url, alt: words.image })]
    case 'voice': {
      const said = what.words === undefined ? words.noWords : what.words
      const sound = what.url === '' ? [] : [el('audio', { src: what.url, controls: '' })]
      return [`🔊 ${words.voiceMessage} `, ...sound, el('small', {}, what.url === '' ? said : '')]
    }
    case 'video':
      return [el('video', { src: what.url, controls: '' }), el('small', {}, what.title ?? words.video)]
    case 'location':
      return [`📍 ${what.label} `, el('small', {}, `${what.latitude}, ${what.longitude}`)]
    case 'link':
      return [linkTo(what.url, el('strong', {}, what.title)), el('small', {}, what.description ?? what.url)]
    case 'menu':
      return [
        ...textOf(what.head, say),
        el('div', { class: 'choices' }, ...what.choices.map(({ id, label }) => button(label, () => say(label, id)))),
        ...textOf(what.tail, say),
      ]
    case 'card':
      if (what.kind === 'transfer_customer_service') return [`⇢ ${words.transfer}`]
      return [`▣ ${what.title} `, el('small', {}, `${words.card}: ${what.kind}`)]
    default:
      return []
  }
}

/** Of a text WeChat shows links as links, and everything else as it is written. */
const LINK = /<a\s[^>]*?href\s*=\s*["']([^"']*)["'][^>]*>([^<]*)<\/a>/gi

function textOf(text: string, say: Say): readonly Node[] {
  const nodes: Node[] = []
  let at = 0
  for (const match of text.matchAll(LINK)) {
    const [whole, href = '', label = ''] = match
    nodes.push(text.slice(at, match.index), linkOrChoice(href, label, say))
    at = match.index + whole.length
  }
  nodes.push(text.slice(at))
  return nodes.filter((node) => node !== '')
}

function linkOrChoice(href: string, label: string, say: Say): Node {
  if (!href.startsWith('weixin://bizmsgmenu?')) return linkTo(href, document.createTextNode(label))
  const query = new URLSearchParams(href.slice(href.indexOf('?')))
  const [content, id] = [query.get('msgmenucontent'), query.get('msgmenuid')]
  // With one of them missing nothing happens on a phone, either.
  return content && id ? button(label, () => say(content, id), { class: 'inline' }) : label
}

function linkTo(href: string, content: HTMLElement | Text): Node {
  const isPage = /^https?:\/\//i.test(href)
  return isPage ? el('a', { href, target: '_blank', rel: 'noopener noreferrer' }, content) : content
}
