/** Making elements. Texts become text nodes: nothing is ever read as HTML. */

type Child = Node | string

/** An element with a class and children. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className = '',
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag)
  element.className = className
  element.append(...children)
  return element
}

/** A button that does something. */
export function button(className: string, run: () => void, ...children: readonly Child[]): HTMLButtonElement {
  const element = make('button', className, ...children)
  element.type = 'button'
  element.onclick = run
  return element
}

/** Names what shows only an icon, for screen readers and pointers. */
export function name(element: HTMLElement, text: string): void {
  set(element, 'aria-label', text)
  element.title = text
}

export const set = (element: Element, attribute: string, value: unknown): void =>
  element.setAttribute(attribute, `${value}`)

/** Changes a text only where it is another, since screen readers read what is set. */
export function say(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

/** What takes the place of this one, or of what is in it, is not read aloud once more. */
export const hush = (element: Element): void => element.parentElement?.setAttribute('aria-live', 'off')

/** A link that tells the other side nothing about this page. */
export function link(href: string, className: string, ...children: readonly Child[]): HTMLAnchorElement {
  const element = make('a', className, ...children)
  element.href = href
  element.target = '_blank'
  // And gives it no hold on this page's window.
  element.rel = 'noreferrer'
  return element
}

/** Styles of a shadow root. Constructed ones pass any content security policy. */
export function addStyles(root: ShadowRoot, text: string): void {
  try {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(text)
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet]
  } catch {
    // Safari before 16.4 and Firefox before 101 have none.
    root.append(make('style', '', text))
  }
}
