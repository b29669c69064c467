import { useState } from 'preact/hooks'
import { language } from '../words/words.ts'
import { type Day, rangeText } from './days.ts'
import { type Range, RangeDialog } from './range.tsx'

/** Chooses one of the periods that have a name, or the days from one to another. */
export function PeriodSelect<P extends string>(of: {
  readonly label: string
  readonly periods: readonly (readonly [period: P, title: string])[]
  /** What is chosen: a period, or days. */
  readonly chosen: P | Range
  /** The title of what asks for days. */
  readonly otherDays: string
  readonly today: Day
  readonly onPeriod: (period: P) => void
  readonly onDays: (range: Range) => void
}) {
  const { chosen } = of
  const [isChoosing, setChoosing] = useState(false)
  const days = typeof chosen === 'object' ? chosen : undefined
  const shown = typeof chosen === 'object' ? 'days' : chosen
  return (
    <>
      <label>
        {of.label}
        <select
          value={shown}
          onChange={({ currentTarget }) => {
            const period = of.periods.find(([one]) => one === currentTarget.value)
            // Until something else is listed, it says what is.
            currentTarget.value = shown
            if (period) of.onPeriod(period[0])
            else setChoosing(true)
          }}
        >
          {of.periods.map(([period, title]) => (
            <option key={period} value={period}>
              {title}
            </option>
          ))}
          {days && <option value="days">{rangeText(days.from, days.to, language.value)}</option>}
          <option value="other">{of.otherDays}</option>
        </select>
      </label>
      {isChoosing && (
        <RangeDialog range={days} today={of.today} onChoose={of.onDays} onClose={() => setChoosing(false)} />
      )}
    </>
  )
}
