/** Making and finding elements. */

type Child = Node | string | undefined

/** An element with what it is and holds. */
export function el<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: { readonly [attribute: string]: string | undefined },
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name)
  for (const [attribute, value] of Object.entries(attributes))
    if (value !== undefined) element.setAttribute(attribute, value)
  element.append(...children.filter((child) => child !== undefined))
  return element
}

export function button(
  text: string,
  act: () => void,
  attributes: { readonly [attribute: string]: string | undefined } = {},
) {
  const made = el('button', { type: 'button', ...attributes }, text)
  made.addEventListener('click', act)
  return made
}

/** The element of the page that has this id, which is one of this kind. */
export function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id)
  if (!(found instanceof kind)) throw new Error(`The page has no ${id}.`)
  return found
}

/** Gives a list these items, and touches none that is as it was: what is read out, or has the focus, stays. */
export function keep<T>(
  list: HTMLElement,
  items: readonly T[],
  of: { key(item: T): string; make(item: T): HTMLElement },
): boolean {
  const before = new Map([...list.children].map((child) => [child.getAttribute('data-key') ?? '', child]))
  const next = items.map((item) => {
    const key = of.key(item)
    const known = before.get(key)
    if (known) return known
    const made = of.make(item)
    made.setAttribute('data-key', key)
    return made
  })
  const isSame = next.length === list.children.length && next.every((child, i) => child === list.children[i])
  if (isSame) return false
  const stay = new Set<Element>(next)
  for (const child of [...list.children]) if (!stay.has(child)) child.remove()
  for (const [i, child] of next.entries())
    if (list.children[i] !== child) list.insertBefore(child, list.children[i] ?? null)
  return true
}
