/** Where the visitor writes. */
import type { Context } from './context.ts'
import { make, name, set } from './dom.ts'
import { icon, SEND } from './icons.ts'
import { MAX_CHARS } from './words.ts'

export interface Composer {
  readonly element: HTMLElement
  /** What the text stands in, with the buttons beside it. */
  readonly field: HTMLElement
  readonly text: HTMLTextAreaElement
  /** Makes it as high as what stands in it. */
  grow(): void
}

/** Whether a key press sends. While characters are being composed (Chinese, Japanese …), Enter only picks them. */
export const isSubmitEnter = (event: Pick<KeyboardEvent, 'key' | 'shiftKey' | 'isComposing' | 'keyCode'>): boolean =>
  event.key === 'Enter' && !event.shiftKey && !event.isComposing && event.keyCode !== 229

export function makeComposer(context: Context): Composer {
  const { chat, settings } = context
  const text = make('textarea')
  text.rows = 1
  text.maxLength = MAX_CHARS
  const send = make('button', 'tool send', icon(SEND))
  const field = make('div', 'field', text, send)
  const privacy = make('p', 'privacy')
  const element = make('form', 'composer', field, privacy)

  element.onsubmit = (event) => {
    event.preventDefault()
    chat.send(text.value.trim())
    text.value = ''
    grow()
    text.focus()
  }
  text.oninput = () => {
    grow()
    if (text.value) chat.typing()
  }
  text.onkeydown = (event) => {
    if (!isSubmitEnter(event)) return
    event.preventDefault()
    send.click()
  }
  function grow(): void {
    text.style.height = 'auto'
    text.style.height = `${text.scrollHeight}px`
  }
  context.speakers.push(() => {
    const { words } = context
    set(text, 'aria-label', words.message)
    text.placeholder = words.placeholder
    name(send, words.send)
    privacy.textContent = context.text(settings.privacy ?? '')
  })

  return { element, field, text, grow }
}
