/** What the visitor sees: launcher, panel, and all that is in it, kept like the view of the chat. */
import { avatarOf, nameOf } from './avatar.ts'
import type { View } from './chat.ts'
import { makeComposer } from './composer.ts'
import type { Context } from './context.ts'
import { button, make, name, say, set } from './dom.ts'
import type { Form } from './form.ts'
import { CLOSE, icon } from './icons.ts'
import { LANGUAGE, remember } from './known.ts'
import { makeMessages } from './messages.ts'
import { type Language, launcherWords } from './words.ts'

/** Where the panel fills the page, so that nothing beside it can be used. */
const FULL = '(max-width: 480px), (max-height: 420px)'
/** A connection that is back before nobody needs to hear of. */
const CUT_AFTER_MS = 2_000
/** About one frame of the screen. */
const SHOW_AFTER_MS = 16

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
  readonly root: ShadowRoot
  readonly frame: HTMLElement
  readonly launcher: HTMLElement
}

export function makeFace(context: Context, { host, root, frame, launcher }: Places): Face {
  const { chat, settings } = context
  const full = matchMedia(FULL)
  const badge = make('span', 'badge')
  const title = make('h2')
  const subtitle = make('p')
  const portrait = make('span', 'portrait')
  const switchLanguage = button('tool', pickLanguage)
  const dismiss = button('tool', close, icon(CLOSE))
  const header = make('header', '', portrait, make('div', 'titles', title, subtitle), switchLanguage, dismiss)
  const cut = make('p', 'cut')
  const typing = make('p', 'unseen')
  const messages = makeMessages(context, noteRead)
  const composer = makeComposer(context)
  let form: Form | undefined
  const dropHint = make('p', 'drop')
  const panel = make('div', 'panel', header, cut, messages.element, typing, composer.element, dropHint)
  title.id = 'title'
  set(panel, 'role', 'dialog')
  set(panel, 'aria-labelledby', title.id)
  panel.tabIndex = -1
  set(cut, 'role', 'status')
  set(typing, 'role', 'status')
  panel.hidden = dropHint.hidden = true
  frame.prepend(panel)
  launcher.append(badge)
  frame.classList.add(settings.layout, settings.theme)

  let isOpen = false
  let isCut = false
  let showTimer: ReturnType<typeof setTimeout> | undefined
  let cutTimer: ReturnType<typeof setTimeout> | undefined
  let firstUnread: number | undefined
  let shownFace = ''
  let connected: AbortController | undefined
  let unread = 0

  function show(view: View): void {
    const { words } = context
    if (view.unread !== unread) {
      unread = view.unread
      host.dispatchEvent(new CustomEvent('switchboard:unread', { bubbles: true, composed: true, detail: { unread } }))
    }
    say(badge, unread === 0 || isOpen ? '' : unread > 99 ? '99+' : String(unread))
    const label = isOpen ? words.close : unread ? words.openWithUnread(unread) : launcherWords[context.language][0]
    if (launcher.title !== label) name(launcher, label)
    if (!isOpen) return

    showHeader(view)
    showConnection(view)
    const { snapshot } = view
    const isWithPeople = snapshot?.conversation === 'assigned' || snapshot?.conversation === 'queued'
    const isAway = settings.offlineForm && snapshot?.available === false && !isWithPeople
    const hadFocus = root.activeElement === composer.text
    if (isAway && !form) {
      context.withMore(({ makeForm }) => {
        if (form) return
        form = makeForm(context, { name: snapshot.name, message: composer.text.value })
        composer.element.after(form.element)
        showSoon()
      })
    }
    const isForm = form !== undefined && (isAway || form.isDone)
    composer.element.hidden = isForm
    if (form) form.element.hidden = !isForm
    if (isForm && hadFocus) form?.focus()
    panel.classList.toggle('away', isForm)
    messages.show(view, firstUnread)
    say(typing, view.isTyping ? words.typing(nameOf(snapshot?.face, context)) : '')
    noteRead()
  }

  /** A hundred messages that come at once are shown at once. */
  function showSoon(): void {
    showTimer ??= setTimeout(() => {
      showTimer = undefined
      show(chat.view)
    }, SHOW_AFTER_MS)
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

  /** Says that the connection is gone, once it has been for a while. */
  function showConnection({ connection }: View): void {
    if (connection === 'online') {
      clearTimeout(cutTimer)
      cutTimer = undefined
      isCut = false
    } else {
      cutTimer ??= setTimeout(() => {
        isCut = true
        show(chat.view)
      }, CUT_AFTER_MS)
    }
    panel.classList.toggle('is-cut', isCut)
    say(cut, isCut ? (navigator.onLine ? context.words.reconnecting : context.words.offline) : '')
  }

  /** What stands before the visitor's eyes is read. */
  function noteRead(): void {
    const isSeen = isOpen && messages.isAtEnd && document.visibilityState === 'visible' && document.hasFocus()
    if (isSeen && chat.view.unread > 0) chat.markRead()
  }

  function open(byVisitor: boolean): void {
    chat.start()
    if (!isOpen) {
      isOpen = true
      panel.hidden = false
      set(launcher, 'aria-expanded', 'true')
      frame.classList.add('open')
      const { items, snapshot, unread: count } = chat.view
      const read = snapshot?.read ?? 0
      firstUnread = count > 0 ? items.find(({ seq, by }) => seq > read && by === 'us')?.seq : undefined
      fitToKeyboard()
      show(chat.view)
      messages.toUnread()
      // While the visitor reads, the rest is fetched that may be needed; what it shows takes more room.
      context.withMore(() => messages.toUnread())
      host.toggleAttribute('open', true)
      host.dispatchEvent(new Event('switchboard:open', { bubbles: true, composed: true }))
    }
    if (!byVisitor) return
    // On a phone the keyboard would hide what is to be read first.
    if (matchMedia('(pointer: coarse)').matches) panel.focus()
    else if (composer.element.hidden) form?.focus()
    else composer.text.focus()
  }

  function close(): void {
    if (!isOpen) return
    const hadFocus = panel.contains(root.activeElement)
    isOpen = false
    panel.hidden = true
    set(launcher, 'aria-expanded', 'false')
    frame.classList.remove('open')
    show(chat.view)
    if (hadFocus) launcher.focus()
    host.toggleAttribute('open', false)
    host.dispatchEvent(new Event('switchboard:close', { bubbles: true, composed: true }))
  }

  panel.onkeydown = (event) => {
    if (event.isComposing) return
    if (event.key === 'Escape') {
      event.stopPropagation()
      close()
    }
    if (event.key === 'Tab' && full.matches) keepFocus(event)
  }

  /** Where the panel is all there is, Tab goes round in it. */
  function keepFocus(event: KeyboardEvent): void {
    const all = panel.querySelectorAll<HTMLElement>('button, a[href], input, textarea, audio, video, [tabindex="0"]')
    const inside = [...all].filter((one) => one.tabIndex >= 0 && one.offsetParent !== null)
    const [from, to] = event.shiftKey ? [inside[0], inside.at(-1)] : [inside.at(-1), inside[0]]
    const { activeElement } = root
    if (activeElement !== from && !(event.shiftKey && activeElement === panel)) return
    event.preventDefault()
    to?.focus()
  }

  /** The keyboard of a phone covers the page; the panel is to end above it. */
  function fitToKeyboard(): void {
    const { visualViewport: seen } = window
    // Who looks closer wants to see a part of it, not all of it smaller.
    if (!seen || seen.scale > 1 || !isOpen) return
    set(panel, 'aria-modal', String(full.matches))
    panel.style.height = full.matches ? `${seen.height}px` : ''
    panel.style.top = full.matches ? `${seen.offsetTop}px` : ''
  }

  let depth = 0
  function showDropHint(change: number): void {
    depth = Math.max(0, depth + change)
    dropHint.hidden = depth === 0
  }
  const bringsFiles = (event: DragEvent) =>
    settings.uploads !== undefined && event.dataTransfer?.types.includes('Files') && !composer.element.hidden
  panel.ondragenter = (event) => bringsFiles(event) && showDropHint(1)
  panel.ondragleave = (event) => bringsFiles(event) && showDropHint(-1)
  panel.ondragover = (event) => bringsFiles(event) && event.preventDefault()
  panel.ondrop = (event) => {
    if (!bringsFiles(event)) return
    event.preventDefault()
    showDropHint(-depth)
    composer.sendFiles(event.dataTransfer?.files)
  }

  function speak(language: Language): void {
    const { words } = Object.assign(context, { language })
    frame.lang = language
    set(frame, 'aria-label', context.text(settings.title ?? words.title))
    switchLanguage.lang = language === 'en' ? 'zh-CN' : 'en'
    say(switchLanguage, words.otherLanguage)
    name(dismiss, words.close)
    say(dropHint, words.drop(context.limit))
    composer.speak()
    form?.speak()
    messages.reset()
    chat.setLanguage(language)
    show(chat.view)
  }
  /** The visitor's own choice: it holds on other pages too. */
  function pickLanguage(): void {
    const language = context.language === 'en' ? 'zh-CN' : 'en'
    remember(context.base, LANGUAGE, language)
    speak(language)
  }

  speak(context.language)

  return {
    open,
    close,
    get isOpen() {
      return isOpen
    },
    speak,
    connect() {
      if (connected) return
      connected = new AbortController()
      const { signal } = connected
      signal.addEventListener('abort', chat.onChange(showSoon))
      window.addEventListener('focus', noteRead, { signal })
      window.addEventListener('online', () => show(chat.view), { signal })
      window.addEventListener('offline', () => show(chat.view), { signal })
      document.addEventListener('visibilitychange', noteRead, { signal })
      window.visualViewport?.addEventListener('resize', fitToKeyboard, { signal })
      window.visualViewport?.addEventListener('scroll', fitToKeyboard, { signal })
      if (isOpen || chat.isKnown) chat.start()
      show(chat.view)
    },
    disconnect() {
      connected?.abort()
      connected = undefined
      clearTimeout(cutTimer)
      clearTimeout(showTimer)
      cutTimer = showTimer = undefined
      chat.stop()
    },
  }
}
