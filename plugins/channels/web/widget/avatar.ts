import type { Face } from '../protocol.ts'
import { safeFileUrl } from './addresses.ts'
import type { Context } from './context.ts'
import { make, set } from './dom.ts'
import { initialsOf } from './words.ts'

/** Who speaks: the identity, else the account. */
export const nameOf = (face: Face | undefined, context: Context): string =>
  context.text(face?.name ?? context.settings.title ?? context.words.title)

/** The face of who speaks: the identity's picture, else the account's logo, else the first letters of the name. */
export function avatarOf(face: Face | undefined, context: Context): HTMLElement {
  const element = make('span', 'avatar')
  set(element, 'aria-hidden', 'true')
  const urls = [face?.avatarUrl, context.settings.logoUrl].flatMap(
    (url) => (url && safeFileUrl(url, context.base)) || [],
  )
  function show(): void {
    const url = urls.shift()
    if (url === undefined) {
      element.replaceChildren(initialsOf(nameOf(face, context)))
      return
    }
    const image = make('img')
    image.alt = ''
    image.referrerPolicy = 'no-referrer'
    image.onerror = show
    image.src = url
    element.replaceChildren(image)
  }
  show()
  return element
}

/** One line of the list: the face of who speaks, and beside it what is said. */
export const lineOf = (face: Face | undefined, context: Context, ...children: readonly Node[]): HTMLElement =>
  make('div', 'line', avatarOf(face, context), make('div', 'content', ...children))
