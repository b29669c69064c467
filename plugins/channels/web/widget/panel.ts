/** On a phone the panel is all there is of the page. */
import { make, say, set } from './dom.ts'
import { moreWords } from './more-words.ts'
import { languageOf } from './words.ts'

/** Where the panel fills the page, so that nothing beside it can be used: as in `styles.css`. */
const FULL = '(max-width: 480px), (max-height: 420px)'

/** Keeps the panel above the keyboard, and the focus and the keys in it; says where a text is full. Until `signal`. */
export function fitPanel(panel: HTMLElement, signal: AbortSignal): void {
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
