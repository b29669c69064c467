import { useEffect, useRef, useState } from 'preact/hooks'
import { Dialog, DialogButtons } from '../dialog.tsx'
import { Icon } from '../icon.tsx'
import { language, words } from '../words/words.ts'
import { type Day, plusDays, plusMonths, rangeText, weeksOf } from './days.ts'

/** The days from one to another, both with them. */
export interface Range {
  readonly from: Day
  readonly to: Day
}

const STEPS: { readonly [key: string]: number } = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 }

/** Asks for a stretch of days by a calendar that speaks the language of the screen, which those of browsers do not. */
export function RangeDialog(of: {
  readonly range: Range | undefined
  readonly today: Day
  readonly onChoose: (range: Range) => void
  readonly onClose: () => void
}) {
  const { today, onChoose, onClose } = of
  const said = words.value.range
  const [range, setRange] = useState(of.range ?? { from: today, to: today })
  /** Only the first day is chosen yet. */
  const [isHalf, setHalf] = useState(false)
  const [at, setAt] = useState(range.to)
  const table = useRef<HTMLTableElement>(null)
  const weeks = weeksOf(at)
  const focusDay = () => table.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus()
  useEffect(focusDay, [])

  function choose(day: Day): void {
    setRange(isHalf && day >= range.from ? { from: range.from, to: day } : { from: day, to: day })
    setHalf(!(isHalf && day >= range.from))
    setAt(day)
  }

  function onKeyDown(event: KeyboardEvent): void {
    const step = STEPS[event.key]
    const next = event.key === 'PageUp' ? plusMonths(at, -1) : event.key === 'PageDown' ? plusMonths(at, 1) : undefined
    const day = step === undefined ? next : plusDays(at, step)
    if (day === undefined) return
    event.preventDefault()
    setAt(day)
    requestAnimationFrame(focusDay)
  }

  return (
    <Dialog title={said.title} onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault()
          onChoose(range)
          onClose()
        }}
      >
        <div class="month">
          <button type="button" class="tool" aria-label={said.previous} onClick={() => setAt(plusMonths(at, -1))}>
            <Icon name="back" />
          </button>
          <strong aria-live="polite">{textOf(at, { month: 'long', year: 'numeric' })}</strong>
          <button type="button" class="tool next" aria-label={said.next} onClick={() => setAt(plusMonths(at, 1))}>
            <Icon name="back" />
          </button>
        </div>
        <table class="days" ref={table} onKeyDown={onKeyDown}>
          <thead>
            <tr>
              {weeks[0]?.map((day) => (
                <th key={day} scope="col" abbr={textOf(day, { weekday: 'long' })}>
                  {textOf(day, { weekday: 'narrow' })}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {weeks.map((week) => (
              <tr key={week[0]}>
                {week.map((day) => (
                  <td key={day}>
                    <button
                      type="button"
                      tabIndex={day === at ? 0 : -1}
                      class={day.slice(0, 7) === at.slice(0, 7) ? '' : 'beside'}
                      aria-pressed={day >= range.from && day <= range.to}
                      aria-current={day === today ? 'date' : undefined}
                      aria-label={textOf(day, { dateStyle: 'full' })}
                      onClick={() => choose(day)}
                    >
                      {Number(day.slice(8))}
                    </button>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
        <p role="status">
          {rangeText(range.from, range.to, language.value)} {isHalf && <small class="hint">{said.last}</small>}
        </p>
        <DialogButtons submit={said.show} onCancel={onClose} />
      </form>
    </Dialog>
  )
}

const textOf = (day: Day, options: Intl.DateTimeFormatOptions) =>
  new Intl.DateTimeFormat(language.value, { timeZone: 'UTC', ...options }).format(new Date(day))
