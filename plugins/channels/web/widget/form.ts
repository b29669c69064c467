/** The form for those who write while nobody is there. What was written stays until the server has it. */

import { type Browser, makeId } from './browser.ts'
import type { Chat } from './chat.ts'
import type { Composer } from './composer.ts'
import type { Context } from './context.ts'
import { button, make, say, set } from './dom.ts'
import { CHECK, icon } from './icons.ts'
import { formWords } from './more-words.ts'
import { isTemporary, refusal, refusalOf } from './requests.ts'
import { MAX_CHARS } from './words.ts'

export { default as styles } from './form.css?inline'

export interface Form {
  /**
   * Takes the place of the composer while nobody is there and until its thanks have been seen, or gives it back: what was
   * written and the focus go along.
   */
  show(isAway: boolean): void
  /** Gives the composer its place again. */
  remove(): void
  focus(): void
}

/** As the server checks it: something before and after an `@`, and a dot. */
export const isEmail = (text: string): boolean => /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(text)

let made = 0

/** What was filled in. */
interface Filled {
  readonly name: string
  readonly email: string
  readonly text: string
}

/** Sends what was filled in. The same words once more are the same message: the answer may have got lost. */
export function makeSender(chat: Pick<Chat, 'post'>, browser: Browser): (form: Filled) => Promise<void> {
  let former: { readonly content: string; readonly id: string } | undefined
  return async ({ name, email, text }) => {
    const content = JSON.stringify([name, email, text])
    if (former?.content !== content) former = { content, id: makeId(browser) }
    await chat.post({ id: former.id, text, contact: { name: name || undefined, email } })
    former = undefined
  }
}

/** `knownName`: what need not be asked for again. `onAgain`: somebody wants to write more, and there may be people by now. */
export function addForm(
  context: Context,
  panel: HTMLElement,
  composer: Composer,
  knownName: string | undefined,
  onAgain: () => void,
): Form {
  const sendForm = makeSender(context.chat, window)
  const number = ++made
  const title = make('h3')
  const intro = make('p')
  const name = labelled(make('input'))
  const email = labelled(make('input'))
  const message = labelled(make('textarea'))
  const trap = make('input', 'unseen')
  const failure = make('p', 'error')
  const submit = make('button', 'primary')
  const fields = make('form', '', title, intro, name.element, email.element, message.element, trap, failure, submit)
  const doneTitle = make('h3')
  const doneText = make('p')
  const again = button('primary', () => {
    done.hidden = true
    fields.hidden = false
    message.input.focus()
    onAgain()
  })
  const privacy = make('p', 'privacy')
  const done = make('div', 'done', icon(CHECK), doneTitle, doneText, again)
  const element = make('div', 'form', fields, done, privacy)
  fields.noValidate = true
  name.input.autocomplete = 'name'
  email.input.autocomplete = 'email'
  set(email.input, 'type', 'email')
  email.input.required = message.input.required = true
  set(message.input, 'rows', '4')
  // As long as the server takes them.
  name.input.maxLength = 128
  email.input.maxLength = 254
  message.input.maxLength = MAX_CHARS
  set(failure, 'role', 'alert')
  done.tabIndex = -1
  set(done, 'role', 'status')
  done.hidden = true
  // Only programs fill in what nobody sees.
  trap.name = 'leave-empty'
  trap.tabIndex = -1
  trap.autocomplete = 'off'
  set(trap, 'aria-hidden', 'true')

  function labelled<Input extends HTMLInputElement | HTMLTextAreaElement>(input: Input) {
    const id = `form-${number}-${++made}`
    const label = make('label')
    const error = make('p', 'error')
    input.id = label.htmlFor = id
    error.id = `${id}-error`
    set(error, 'role', 'alert')
    return {
      input,
      label,
      element: make('div', 'labelled', label, input, error),
      /** Says what is wrong with it, or nothing. */
      complain(text: string): void {
        say(error, text)
        set(input, 'aria-invalid', String(text !== ''))
        if (text) set(input, 'aria-describedby', error.id)
        else input.removeAttribute('aria-describedby')
      },
    }
  }

  fields.onsubmit = async (event) => {
    event.preventDefault()
    if (submit.getAttribute('aria-disabled') === 'true') return
    const words = formWords[context.language]
    const form = { name: name.input.value.trim(), email: email.input.value.trim(), text: message.input.value.trim() }
    const isReachable = isEmail(form.email)
    email.complain(isReachable ? '' : words.noEmail)
    message.complain(form.text ? '' : words.noMessage)
    say(failure, '')
    if (!isReachable) return email.input.focus()
    if (!form.text) return message.input.focus()
    set(submit, 'aria-disabled', 'true')
    try {
      const isTrapped = trap.value !== ''
      // A person whose browser has filled it in comes again.
      trap.value = ''
      if (isTrapped) throw refusal()
      await sendForm(form)
      message.input.value = ''
      say(doneText, words.doneText(form.email))
      fields.hidden = true
      done.hidden = false
      done.focus()
    } catch (error) {
      say(failure, isTemporary(refusalOf(error)) ? words.failed : words.refused)
    } finally {
      submit.removeAttribute('aria-disabled')
    }
  }

  function speak(): void {
    const form = formWords[context.language]
    say(title, form.title)
    say(intro, form.text)
    say(name.label, form.name)
    say(email.label, form.email)
    say(message.label, form.message)
    say(submit, form.send)
    say(doneTitle, form.done)
    say(again, form.again)
    say(privacy, context.text(context.settings.privacy ?? ''))
  }
  name.input.value = knownName ?? ''
  element.hidden = true
  context.speakers.push(speak)
  speak()
  composer.element.after(element)
  const focus = () => (done.hidden ? (name.input.value ? email : name).input : done).focus()

  return {
    show(isAway) {
      const isForm = isAway || !done.hidden
      if (isForm !== element.hidden) return
      const { element: writing, text } = composer
      const hadFocus = (isForm ? writing : element).matches(':focus-within')
      const [from, to] = isForm ? [text, message.input] : [message.input, text]
      to.value = [to.value, from.value].filter(Boolean).join('\n')
      from.value = ''
      writing.hidden = isForm
      element.hidden = !isForm
      panel.classList.toggle('away', isForm)
      if (hadFocus) isForm ? focus() : text.focus()
      // Its height and its button follow.
      text.dispatchEvent(new Event('input'))
    },
    remove() {
      element.remove()
      composer.element.hidden = false
      panel.classList.remove('away')
    },
    focus,
  }
}
