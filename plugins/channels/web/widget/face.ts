/** What the visitor sees: launcher, panel, and all that is in it, kept like the view of the chat. */
import { avatarOf, nameOf } from './avatar.ts'
import type { View } from './chat.ts'
import { makeComposer } from './composer.ts'
import type { Context } from './context.ts'
import { button, make, name, say, set } from './dom.ts'
import type { Form } from './form.ts'
import { CLOSE, icon } from './icons.ts'
import { makeMessages } from './messages.ts'
import type { Furniture } from './panel.ts'
import { type Language, openWords } from './words.ts'

export interface Face {
  /** `byVisitor`: then the focus goes along. Opened by the page, it stays where it is. */
  open(byVisitor: boolean): void
  close(): void
  readonly isOpen: boolean
  /** Begins, or ends, to show what changes; on a page that moves the element, again and again. */
  connect(): void
  disconnect(): void
  speak(language: Language): void
}

export interface Places {
  readonly host: HTMLElement
  readonly frame: HTMLElement
  readonly launcher: HTMLElement
}

export function makeFace(context: Context, { host, frame, launcher }: Places): Face {
  const { chat, settings } = context
  const prefersDark = matchMedia('(prefers-color-scheme: dark)')
  const badge = make('span', 'badge')
  const title = make('h2')
  const subtitle = make('p')
  const portrait = make('span', 'portrait')
  const dismiss = button('tool', close, icon(CLOSE))
  const header = make('header', '', portrait, make('div', 'titles', title, subtitle), dismiss)
  const typing = make('p', 'unseen')
  const messages = makeMessages(context, noteRead)
  const composer = makeComposer(context)
  let form: Form | undefined
  let furniture: Furniture | undefined
  const panel = make('div', 'panel', header, messages.element, typing, composer.element)
  title.id = 'title'
  set(panel, 'role', 'dialog')
  set(panel, 'aria-labelledby', title.id)
  panel.tabIndex = -1
  set(typing, 'role', 'status')
  panel.hidden = true
  frame.prepend(panel)
  launcher.append(badge)
  frame.classList.add(settings.layout)

  let isOpen = false
  let firstUnread: number | undefined
  let shownFace = ''
  let isConnected = false
  let fitting: AbortController | undefined
  let unread = 0

  /** By the settings, else as the visitor has it, also when that changes. */
  function showTheme(): void {
    frame.classList.toggle('dark', settings.theme === 'dark' || (settings.theme === 'auto' && prefersDark.matches))
  }

  function show(view: View): void {
    if (!isConnected) return
    const { words } = context
    if (view.unread !== unread) {
      unread = view.unread
      tellHost('unread', { unread })
    }
    say(badge, isOpen || !unread ? '' : unread > 99 ? '99+' : `${unread}`)
    const label = isOpen ? words.close : unread ? words.openWithUnread(unread) : openWords[context.language]
    if (launcher.title !== label) name(launcher, label)
    if (!isOpen) return

    showHeader(view)
    furniture?.show(view)
    const { snapshot } = view
    const isAway =
      settings.offlineForm && snapshot?.available === false && !/queued|assigned/.test(snapshot.conversation)
    if (isAway && !form) {
      context.use('form', ({ addForm }) => {
        form ??= addForm(context, panel, composer, snapshot.name, () => show(chat.view))
        show(chat.view)
      })
    }
    form?.show(isAway)
    messages.show(view, firstUnread)
    say(typing, view.isTyping ? words.typing(nameOf(snapshot?.face, context)) : '')
    noteRead()
  }

  function showHeader({ connection, snapshot }: View): void {
    const { words } = context
    const face = snapshot?.face
    say(title, nameOf(face, context))
    const key = JSON.stringify([face, context.language])
    if (key !== shownFace) portrait.replaceChildren(avatarOf(face, context))
    shownFace = key
    const isOnline = connection === 'online'
    const state =
      !isOnline || !snapshot
        ? words.connecting
        : snapshot.conversation === 'queued'
          ? words.queued
          : face?.line2
            ? context.text(face.line2)
            : snapshot.available
              ? words.online
              : words.away
    say(subtitle, state)
    subtitle.className = isOnline && snapshot?.available ? 'here' : ''
  }

  /** What stands before the visitor's eyes is read. */
  function noteRead(): void {
    const isSeen = isOpen && messages.isAtEnd && document.visibilityState === 'visible' && document.hasFocus()
    if (isSeen && chat.view.unread > 0) chat.markRead()
  }

  function open(byVisitor: boolean): void {
    chat.start()
    if (!isOpen) {
      turn(true)
      const { items, snapshot, unread: count } = chat.view
      const read = snapshot?.read ?? 0
      firstUnread = items.find(({ by, seq }) => count && by === 'us' && seq > read)?.seq
      show(chat.view)
      messages.toUnread()
      fitWhileOpen()
      tellHost('open')
    }
    if (!byVisitor) return
    // On a phone the keyboard would hide what is to be read first.
    if (matchMedia('(pointer: coarse)').matches) panel.focus()
    else if (composer.element.hidden) form?.focus()
    else composer.text.focus()
  }

  /** Brings what an open panel needs, and sees to it that all of it can be seen on a phone. */
  function fitWhileOpen(): void {
    fitting = new AbortController()
    const { signal } = fitting
    context.use('more', ({ furnish }) => {
      furniture ??= furnish(context, panel, header, composer, speak)
      furniture.fit(signal)
      show(chat.view)
      // What has come takes more room than what kept its place.
      messages.toUnread()
    })
    if (settings.uploads) context.use('files', ({ addFiles }) => addFiles(context, panel, composer))
  }

  function close(): void {
    if (!isOpen) return
    fitting?.abort()
    const hadFocus = panel.matches(':focus-within')
    turn(false)
    show(chat.view)
    if (hadFocus) launcher.focus()
    tellHost('close')
  }

  function turn(on: boolean): void {
    isOpen = on
    panel.hidden = !on
    set(launcher, 'aria-expanded', on)
    frame.classList.toggle('open', on)
    host.toggleAttribute('open', on)
  }

  function tellHost(what: string, detail?: object): void {
    host.dispatchEvent(new CustomEvent(`switchboard:${what}`, { bubbles: true, composed: true, detail }))
  }

  panel.onkeydown = (event) => {
    if (event.isComposing || event.key !== 'Escape') return
    event.stopPropagation()
    close()
  }

  function speak(language: Language): void {
    const { words } = Object.assign(context, { language })
    frame.lang = language
    set(frame, 'aria-label', context.text(settings.title ?? words.title))
    name(dismiss, words.close)
    for (const speakPart of context.speakers) speakPart()
    messages.reset()
    chat.setLanguage(language)
    show(chat.view)
  }

  chat.onStranger = () => {
    composer.text.value = ''
    composer.text.dispatchEvent(new Event('input'))
    form?.remove()
    form = undefined
  }

  chat.onChange(show)
  speak(context.language)

  return {
    open,
    close,
    get isOpen() {
      return isOpen
    },
    speak,
    connect() {
      if (isConnected) return
      isConnected = true
      prefersDark.onchange = showTheme
      showTheme()
      if (isOpen || chat.isKnown) chat.start()
      if (isOpen) fitWhileOpen()
      show(chat.view)
    },
    disconnect() {
      isConnected = false
      prefersDark.onchange = null
      fitting?.abort()
      chat.stop()
    },
  }
}
