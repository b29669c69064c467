/** Where the visitor writes, and adds files. */
import type { Context } from './context.ts'
import { button, make, name, set } from './dom.ts'
import { ATTACH, icon, SEND } from './icons.ts'
import { MAX_CHARS } from './words.ts'

const TALLEST_PX = 132

export interface Composer {
  readonly element: HTMLElement
  readonly text: HTMLTextAreaElement
  sendFiles(files: FileList | null | undefined): void
  /** Says everything in the language of now. */
  speak(): void
}

/** Whether a key press sends. While characters are being composed (Chinese, Japanese …), Enter only picks them. */
export const isSubmitEnter = (event: Pick<KeyboardEvent, 'key' | 'shiftKey' | 'isComposing' | 'keyCode'>): boolean =>
  event.key === 'Enter' && !event.shiftKey && !event.isComposing && event.keyCode !== 229

export function makeComposer(context: Context): Composer {
  const { chat, settings } = context
  const text = make('textarea')
  text.rows = 1
  text.maxLength = MAX_CHARS
  const picker = make('input')
  picker.type = 'file'
  picker.multiple = true
  picker.hidden = true
  picker.accept = settings.uploads?.types.join() ?? ''
  const attach = button('tool', () => picker.click(), icon(ATTACH))
  attach.hidden = !settings.uploads
  const send = make('button', 'tool send', icon(SEND))
  const field = make('div', 'field', attach, text, send)
  const privacy = make('p', 'privacy')
  const element = make('form', 'composer', field, picker, privacy)
  element.noValidate = true

  element.onsubmit = (event) => {
    event.preventDefault()
    const written = text.value.trim()
    if (written) chat.send(written)
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
    element.requestSubmit()
  }
  text.onpaste = ({ clipboardData }) => {
    // Text copied from office programs comes with a picture of itself.
    if (!clipboardData?.types.includes('text/plain')) sendFiles(clipboardData?.files)
  }
  picker.onchange = () => {
    sendFiles(picker.files)
    picker.value = ''
  }

  function grow(): void {
    text.style.height = 'auto'
    text.style.height = `${Math.min(text.scrollHeight, TALLEST_PX)}px`
    element.classList.toggle('written', text.value.trim() !== '')
  }
  function sendFiles(files: FileList | null | undefined): void {
    if (settings.uploads) for (const file of files ?? []) chat.sendFile(file)
  }

  return {
    element,
    text,
    sendFiles,
    speak() {
      const { words, limit } = context
      set(text, 'aria-label', words.message)
      text.placeholder = words.placeholder
      name(attach, words.attach(limit))
      name(send, words.send)
      privacy.textContent = settings.privacy ? context.text(settings.privacy) : ''
    },
  }
}
