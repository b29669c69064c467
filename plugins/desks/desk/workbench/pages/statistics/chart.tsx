/** Lines and bars, drawn. What they show stands in a table, too: a chart is a picture with a name. */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Measured } from '../../../api/statistics-shapes.ts'
import { ticksFor, valueText } from './values.ts'

export interface Series {
  readonly name: string
  readonly values: readonly (number | null)[]
}

const HEIGHT = 200
const TOP = 12
const BOTTOM = 24
/** A figure is so wide, about: for the room of the scale, and for how many names there is room below. */
const FIGURE = 7
const NAME = 46

/** Of each series a line with its own dashes and points, or of one series bars. */
export function Chart(of: {
  readonly label: string
  readonly kind: 'lines' | 'bars'
  readonly keys: readonly string[]
  readonly series: readonly Series[]
  readonly unit: Measured['unit']
}) {
  const { label, kind, keys, series, unit } = of
  const box = useRef<HTMLDivElement>(null)
  const width = useWidth(box)
  const ticks = ticksFor(Math.max(0, ...series.flatMap(({ values }) => values.map((value) => value ?? 0))), unit)
  const greatest = ticks.at(-1) ?? 1
  const left = 12 + FIGURE * Math.max(...ticks.map((tick) => valueText(tick, unit).length))
  const step = Math.max(1, (width - left - 8) / keys.length)
  const every = Math.ceil(NAME / step)
  const x = (index: number) => left + step * (index + 0.5)
  const y = (value: number) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / greatest)
  const told = (index: number) =>
    `${keys[index]}: ${series.map(({ name, values }) => `${name} ${valueText(values[index], unit)}`).join(', ')}`

  return (
    <div class="chart" ref={box}>
      {series.length > 1 && (
        <p class="legend" aria-hidden="true">
          {series.map(({ name }, index) => (
            <span key={name} class="legend-name">
              <svg width="28" height="10" aria-hidden="true" class={`series s${index}`}>
                <path class="line" d="M1 5h26" />
                <Point at={index} x={14} y={5} />
              </svg>
              {name}
            </span>
          ))}
        </p>
      )}
      <svg width={width} height={HEIGHT} role="img" aria-label={label}>
        {ticks.map((tick) => (
          <g key={tick}>
            <path class="rule" d={`M${left} ${y(tick)}H${width}`} />
            <text x={left - 8} y={y(tick) + 4} text-anchor="end">
              {valueText(tick, unit)}
            </text>
          </g>
        ))}
        {keys.map(
          (key, index) =>
            index % every === 0 && (
              <text key={key} class="name" x={x(index)} y={HEIGHT - 6} text-anchor="middle">
                {key}
              </text>
            ),
        )}
        {series.map(({ name, values }, at) => (
          <g key={name} class={`series s${at}`}>
            {kind === 'lines' && <path class="line" d={lineOf(values, x, y)} />}
            {values.map((value, index) =>
              value === null ? null : kind === 'bars' ? (
                <rect
                  class="sign"
                  key={keys[index]}
                  x={x(index) - step * 0.36}
                  y={y(value)}
                  width={step * 0.72}
                  height={y(0) - y(value)}
                />
              ) : (
                <Point key={keys[index]} at={at} x={x(index)} y={y(value)} />
              ),
            )}
          </g>
        ))}
        {keys.map((key, index) => (
          <rect key={key} class="column" x={x(index) - step / 2} y={0} width={step} height={HEIGHT - BOTTOM}>
            <title>{told(index)}</title>
          </rect>
        ))}
      </svg>
    </div>
  )
}

/** Each series has its own sign, for whoever does not see its colour. */
function Point({ at, x, y }: { readonly at: number; readonly x: number; readonly y: number }) {
  return at === 0 ? (
    <circle class="sign" cx={x} cy={y} r="3" />
  ) : (
    <rect class="sign" x={x - 3} y={y - 3} width="6" height="6" />
  )
}

/** Where there is nothing, there is no line. */
function lineOf(
  values: readonly (number | null)[],
  x: (index: number) => number,
  y: (value: number) => number,
): string {
  let isOn = false
  return values
    .map((value, index) => {
      const sign = isOn ? 'L' : 'M'
      isOn = value !== null
      return value === null ? '' : `${sign}${x(index).toFixed(1)} ${y(value).toFixed(1)}`
    })
    .join('')
}

/** As wide as there is room, also when that changes. */
function useWidth(box: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(600)
  useEffect(() => {
    const { current } = box
    if (!current) return
    const observer = new ResizeObserver(() => setWidth(current.clientWidth))
    observer.observe(current)
    setWidth(current.clientWidth)
    return () => observer.disconnect()
  }, [])
  return width
}
