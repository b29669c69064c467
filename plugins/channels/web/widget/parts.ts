/** One part of a message as elements. Whatever customers and bots fill in ends as a text node, or as an address that `links` let through. */
import type { ShownPart } from '../protocol.ts'
import { safeFileUrl, safeUrl } from './addresses.ts'
import type { Context } from './context.ts'
import { button, link, make, name, set } from './dom.ts'
import { CLOSE, FILE, icon } from './icons.ts'
import { fileWords } from './more-words.ts'
import { sizeText } from './sizes.ts'

/** What stands in a bubble. */
export function partElement(part: Exclude<ShownPart, { type: 'text' | 'choices' }>, context: Context): HTMLElement {
  const { base, language } = context
  switch (part.type) {
    case 'link':
      return card(part, base)
    default: {
      const href = safeFileUrl(part.url, base)
      const title = part.name || fileWords[language][part.type]
      if (href === undefined) return make('div', 'bubble text', title)
      if (part.type === 'file') return fileElement(title, part.sizeBytes, href)
      if (part.type === 'image') return picture(href, title, part.sizeBytes, context)
      const player = make(part.type, 'player')
      player.controls = true
      player.preload = 'metadata'
      set(player, 'aria-label', title)
      // What cannot be played here can still be fetched.
      player.onerror = () => player.replaceWith(fileElement(title, part.sizeBytes, href))
      player.src = href
      return player
    }
  }
}

/** A file by its name; a link where it can be had already. */
function fileElement(title: string, sizeBytes: number | undefined, href?: string): HTMLElement {
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
  set(element, 'aria-label', fileWords[context.language].enlarge(title))
  // What cannot be shown here can still be fetched.
  image.onerror = () => element.replaceWith(fileElement(title, sizeBytes, href))
  image.src = href
  return element
}

/** The picture over the whole page. The dialog keeps the focus in, ends by Esc and gives the focus back by itself. */
function enlarge(from: HTMLElement, href: string, title: string, { language }: Context): void {
  const image = make('img')
  image.alt = title
  image.src = href
  const dialog = make('dialog', 'viewer')
  const close = make('button', 'viewed', image, icon(CLOSE))
  name(close, fileWords[language].closeImage)
  set(dialog, 'aria-label', title)
  dialog.append(close)
  // Also beside the picture.
  dialog.onclick = () => dialog.close()
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
