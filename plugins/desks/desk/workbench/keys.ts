/** The keyboard: which key does what, for whoever is on the screen. */
import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { recall, remember } from './storage.ts'

/** What a key does. A key of its own (`t`) does nothing while somebody writes; with `Alt` or `Mod` (Ctrl, ⌘) it always does. */
export type Keys = { readonly [key: string]: () => void }

const layers: Keys[] = []

/** Keys of their own can be turned off: whoever speaks to the computer would press them by speaking. */
export const hasSingleKeys = signal(recall('singleKeys') !== 'off')
export function setSingleKeys(are: boolean): void {
  hasSingleKeys.value = are
  remember('singleKeys', are ? undefined : 'off')
}

/** While this is on the screen the keys are its; where two want the same, whoever came last. */
export function useKeys(keys: Keys): void {
  useEffect(() => {
    layers.push(keys)
    return () => void layers.splice(layers.indexOf(keys), 1)
  })
}

/** Whether this key does something now. */
export const doesSomething = (key: string): boolean => layers.some((layer) => Object.hasOwn(layer, key))

/** Does what a key does, if it does something now. */
export function press(key: string): boolean {
  const run = layers.findLast((layer) => Object.hasOwn(layer, key))?.[key]
  run?.()
  return run !== undefined
}

addEventListener('keydown', (event) => {
  if (event.defaultPrevented || isComposed(event)) return
  // A dialog has its own keys: those of the browser.
  if (document.querySelector('dialog[open]')) return
  const target = event.target
  const isWriting =
    target instanceof HTMLElement && target.matches('input:not([type=radio], [type=checkbox]), textarea, select')
  const plain = event.key.length === 1 ? event.key.toLowerCase() : event.key
  const isMod = event.ctrlKey || event.metaKey
  const key = isMod ? `Mod+${plain}` : event.altKey ? `Alt+${event.key}` : plain
  const isSingle = !isMod && !event.altKey && event.key.length === 1
  if (isSingle && (isWriting || !hasSingleKeys.value)) return
  if (press(key)) event.preventDefault()
})

/** Whether this key is one of an input method, by which a word is composed: it is for nobody else. */
export const isComposed = (event: KeyboardEvent): boolean => event.isComposing || event.keyCode === 229

/** Whether this Enter sends: not the one that ends a composed word, and not the one of a new line. */
export function isSubmitEnter(event: KeyboardEvent): boolean {
  return event.key === 'Enter' && !event.shiftKey && !isComposed(event)
}
