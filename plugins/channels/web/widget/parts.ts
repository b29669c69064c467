/** One part of a message as elements. Whatever customers and bots fill in ends as a text node, or as an address that `links` let through. */
import type { ShownPart } from '../protocol.ts'
import type { Context } from './context.ts'
import { button, link, make, name, set } from './dom.ts'
import { FILE, icon } from './icons.ts'
import { safeFileUrl, safeUrl, tokensOf } from './links.ts'
import { sizeText } from './words.ts'

/** A text with its links. */
export const richText = (text: string): DocumentFragment => {
  const fragment = document.createDocumentFragment()
  for (const { text: piece, href } of tokensOf(text)) fragment.append(href ? link(href, '', piece) : piece)
  return fragment
}

/** What stands in a bubble. */
export function partElement(part: Exclude<ShownPart, { type: 'choices' }>, context: Context): HTMLElement {
  const { words, base } = context
  switch (part.type) {
    case 'text':
      return make('div', 'bubble text', richText(part.text))
    case 'link':
      return card(part, base)
    default: {
      const href = safeFileUrl(part.url, base)
      const title = part.name || words[part.type]
      if (href === undefined) return make('div', 'bubble text', title)
      if (part.type === 'file') return fileElement(title, part.sizeBytes, href)
      if (part.type === 'image') return picture(href, title, part.sizeBytes, context)
      const player = make(part.type, 'player')
      player.controls = true
      player.preload = 'metadata'
      set(player, 'aria-label', title)
      player.src = href
      return player
    }
  }
}

/** A file by its name; a link where it can be had already. */
export function fileElement(title: string, sizeBytes: number | undefined, href?: string): HTMLElement {
  const size = sizeBytes === undefined ? '' : sizeText(sizeBytes)
  const content = [icon(FILE), make('span', 'label', make('span', 'title', title), make('span', 'hint', size))]
  return href ? link(href, 'bubble file', ...content) : make('div', 'bubble file', ...content)
}

function picture(href: string, title: string, sizeBytes: number | undefined, context: Context): HTMLElement {
  const image = make('img')
  image.alt = title
  image.loading = 'lazy'
  image.referrerPolicy = 'no-referrer'
  const element = button('picture', () => enlarge(element, href, title, context), image)
  set(element, 'aria-label', context.words.enlarge(title))
  // What cannot be shown here can still be fetched.
  image.onerror = () => element.replaceWith(fileElement(title, sizeBytes, href))
  image.src = href
  return element
}

/** The picture over the whole page. The dialog keeps the focus in, ends by Esc and gives the focus back by itself. */
function enlarge(from: HTMLElement, href: string, title: string, { words }: Context): void {
  const image = make('img')
  image.alt = title
  image.src = href
  const dialog = make('dialog', 'viewer')
  const close = button('viewed', () => dialog.close(), image)
  name(close, words.closeImage)
  set(dialog, 'aria-label', title)
  dialog.append(close)
  dialog.onclose = () => dialog.remove()
  dialog.onkeydown = (event) => event.stopPropagation()
  from.closest('section')?.append(dialog)
  dialog.showModal()
}

function card(part: ShownPart & { type: 'link' }, base: string): HTMLElement {
  const href = safeUrl(part.url)
  const imageUrl = part.imageUrl && safeFileUrl(part.imageUrl, base)
  const label = make('span', 'label', make('span', 'title', part.title || part.url))
  if (part.description) label.append(make('span', 'hint', part.description))
  const content: HTMLElement[] = [label]
  if (imageUrl) {
    const image = make('img')
    image.alt = ''
    image.referrerPolicy = 'no-referrer'
    image.onerror = () => image.remove()
    image.src = imageUrl
    content.unshift(image)
  }
  return href ? link(href, 'bubble card', ...content) : make('div', 'bubble card', ...content)
}

/** The visitor's own picture before it is sent: drawn, because a strict page refuses `blob:` addresses. */
export async function preview(file: File, into: HTMLElement): Promise<void> {
  const bitmap = await createImageBitmap(file).catch(() => undefined)
  if (!bitmap) return
  const canvas = make('canvas')
  const scale = Math.min(1, 480 / Math.max(bitmap.width, bitmap.height))
  canvas.width = Math.max(1, bitmap.width * scale)
  canvas.height = Math.max(1, bitmap.height * scale)
  canvas.getContext('2d')?.drawImage(bitmap, 0, 0, canvas.width, canvas.height)
  bitmap.close()
  set(canvas, 'role', 'img')
  set(canvas, 'aria-label', file.name)
  into.className = 'picture'
  into.replaceChildren(canvas)
}
