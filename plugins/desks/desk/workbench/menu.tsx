import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

/** A button that opens a choice. Arrows go through it, Escape closes it, and the focus goes back to the button. */
export function Menu(of: {
  readonly label: string
  readonly class?: string
  readonly button: ComponentChildren
  /** Raised, it opens: a key was pressed. */
  readonly openings?: number
  readonly children: ComponentChildren
}) {
  const { label, openings = 0, children } = of
  const [isOpen, setOpen] = useState(false)
  const root = useRef<HTMLDivElement>(null)
  const seen = useRef(openings)
  const opener = () => root.current?.querySelector<HTMLElement>('.opener')
  const items = () => Array.from(root.current?.querySelectorAll<HTMLElement>('[role^=menuitem]') ?? [])

  useEffect(() => {
    if (openings === seen.current) return
    seen.current = openings
    setOpen(true)
  }, [openings])

  useEffect(() => {
    if (!isOpen) return
    const all = items()
    const current = all.find((item) => item.getAttribute('aria-checked') === 'true') ?? all[0]
    current?.focus()
    const leave = (event: Event) => {
      if (event.target instanceof Node && !root.current?.contains(event.target)) setOpen(false)
    }
    addEventListener('pointerdown', leave)
    return () => removeEventListener('pointerdown', leave)
  }, [isOpen])

  function close(): void {
    setOpen(false)
    opener()?.focus()
  }

  function onKeyDown(event: KeyboardEvent): void {
    const all = items()
    const at = all.findIndex((item) => item.matches(':focus'))
    const go = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key]
    if (go !== undefined) all.at(go % all.length)?.focus()
    else if (event.key === 'Escape') close()
    else if (event.key === 'Tab') setOpen(false)
    if (go === undefined && event.key !== 'Escape') return
    event.preventDefault()
    event.stopPropagation()
  }

  return (
    <div class={`menu ${of.class ?? ''}`} ref={root}>
      <button
        type="button"
        class="opener"
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        title={label}
        onClick={() => setOpen(!isOpen)}
      >
        {of.button}
      </button>
      {isOpen && (
        <div class="menu-items" role="menu" aria-label={label} tabIndex={-1} onClick={close} onKeyDown={onKeyDown}>
          {children}
        </div>
      )}
    </div>
  )
}

/** One of several, of which one is chosen. */
export function Choice(of: {
  readonly isChosen: boolean
  readonly onChoose: () => void
  readonly children: ComponentChildren
}) {
  return (
    <button type="button" role="menuitemradio" aria-checked={of.isChosen} tabIndex={-1} onClick={of.onChoose}>
      {of.children}
    </button>
  )
}

export function Action(of: { readonly onChoose: () => void; readonly children: ComponentChildren }) {
  return (
    <button type="button" role="menuitem" tabIndex={-1} onClick={of.onChoose}>
      {of.children}
    </button>
  )
}
