/** What an open panel gets as soon as it is fetched. */
import type { View } from './chat.ts'
import type { Composer } from './composer.ts'
import type { Context } from './context.ts'
import { button, make, say, set } from './dom.ts'
import { keepDraft } from './draft.ts'
import { LANGUAGE, remember } from './known.ts'
import { moreWords } from './more-words.ts'
import { type Language, languageOf } from './words.ts'

/** A connection that is back before nobody needs to hear of. */
const CUT_AFTER_MS = 2_000

/** Where the panel fills the page, so that nothing beside it can be used: as in `styles.css`. */
const FULL = '(max-width: 480px), (max-height: 420px)'

export interface Furniture {
  /** Shows what there is now. */
  show(view: View): void
  /** Keeps the panel above the keyboard, and the focus and the keys in it; says where a text is full. Until `signal`. */
  fit(signal: AbortSignal): void
}

/** Gives the panel the line that says that the connection is gone, and its header the button for the other language. */
export function furnish(
  context: Context,
  panel: HTMLElement,
  header: HTMLElement,
  composer: Composer,
  speak: (language: Language) => void,
): Furniture {
  keepDraft(composer, context.base)
  const cut = make('p', 'cut')
  set(cut, 'role', 'status')
  header.after(cut)
  const switchLanguage = button('tool', pickLanguage)
  header.lastElementChild?.before(switchLanguage)
  let isCut = false
  let cutTimer: ReturnType<typeof setTimeout> | undefined

  const other = () => (context.language === 'en' ? 'zh-CN' : 'en')
  function name(): void {
    switchLanguage.lang = other()
    say(switchLanguage, moreWords[other()].language)
  }
  context.speakers.push(name)
  name()

  /** The visitor's own choice: it holds on other pages too. */
  function pickLanguage(): void {
    const language = other()
    remember(context.base, LANGUAGE, language)
    speak(language)
  }

  function noCut(): void {
    clearTimeout(cutTimer)
    cutTimer = undefined
  }

  /** Says that the connection is gone, once it has been for a while. */
  function show({ connection }: View): void {
    if (connection === 'online') {
      noCut()
      isCut = false
    } else {
      cutTimer ??= setTimeout(() => {
        isCut = true
        show(context.chat.view)
      }, CUT_AFTER_MS)
    }
    panel.classList.toggle('is-cut', isCut)
    say(cut, isCut ? moreWords[context.language].offline : '')
  }

  return {
    show,
    fit(signal) {
      signal.addEventListener('abort', noCut)
      fitPanel(panel, signal)
    },
  }
}

/** On a phone the panel is all there is of the page. */
function fitPanel(panel: HTMLElement, signal: AbortSignal): void {
  const full = matchMedia(FULL)
  const { visualViewport } = window

  /** The keyboard of a phone covers the page; the panel is to end above it. */
  function fitNow(): void {
    panel.setAttribute('aria-modal', String(full.matches))
    // Who looks closer wants to see a part of it, not all of it smaller.
    if (!visualViewport || visualViewport.scale > 1) return
    panel.style.height = full.matches ? `${visualViewport.height}px` : ''
    panel.style.top = full.matches ? `${visualViewport.offsetTop}px` : ''
  }

  /** Where the panel is all there is, Tab goes round in it. */
  function keepFocus(event: KeyboardEvent): void {
    if (event.key !== 'Tab' || event.isComposing || !full.matches) return
    const all = panel.querySelectorAll<HTMLElement>('button, a[href], input, textarea, audio, video, [tabindex="0"]')
    const inside = [...all].filter((one) => one.tabIndex >= 0 && one.offsetParent !== null)
    const ends = [inside[0], inside[inside.length - 1]]
    const [from, to] = event.shiftKey ? ends : ends.reverse()
    const { target } = event
    if (target !== from && !(event.shiftKey && target === panel)) return
    event.preventDefault()
    to?.focus()
  }

  /** A page takes keys that come from no field of its own for its shortcuts, and what is typed here would be lost. */
  const keepKey = (event: Event): void => event.stopPropagation()

  panel.addEventListener('keydown', keepFocus, { signal })
  for (const type of ['keydown', 'keypress', 'keyup']) panel.addEventListener(type, keepKey, { signal })
  panel.addEventListener('input', sayFull, { signal })
  visualViewport?.addEventListener('resize', fitNow, { signal })
  visualViewport?.addEventListener('scroll', fitNow, { signal })
  fitNow()
}

/** The browser cuts a text that is too long without a word. */
function sayFull({ target }: Event): void {
  if (!(target instanceof HTMLTextAreaElement)) return
  const field = target.closest('.field') ?? target
  const isFull = target.textLength >= target.maxLength
  let note = field.parentElement?.querySelector<HTMLElement>('.full')
  if (!note && isFull) {
    note = make('p', 'full')
    set(note, 'role', 'status')
    field.after(note)
  }
  if (note) say(note, isFull ? moreWords[languageOf(target.closest('section')?.lang ?? '')].full : '')
}
