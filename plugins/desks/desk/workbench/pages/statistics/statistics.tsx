import { useEffect, useRef, useState } from 'preact/hooks'
import type { By, Measured, Statistics, Values } from '../../../api/statistics-shapes.ts'
import { now, statusTitle, titleOf } from '../../desk.ts'
import { Dialog } from '../../dialog.tsx'
import { Icon } from '../../icon.tsx'
import { show } from '../../lists.ts'
import { type Asked, askOfPage, showConversations } from '../../location.ts'
import { call, Refusal } from '../../server.ts'
import { me } from '../../session.ts'
import { clockTime } from '../../times.ts'
import { inLanguage, language, refusalText, textIn, wordOf } from '../../words/words.ts'
import { dayAt, rangeText } from '../days.ts'
import { Frame } from '../frame.tsx'
import type { PageProperties } from '../pages.ts'
import { RangeDialog } from '../range.tsx'
import { Chart } from './chart.tsx'
import './statistics.css'
import { changeOf, dayText, NONE, valueText } from './values.ts'
import { words } from './words.ts'

const PERIODS = ['today', '7-days', '30-days'] as const
const DETAILS = ['person', 'team', 'channel', 'bot', 'status'] as const
const KINDS = ['firstResponse', 'wait', 'handling'] as const

/** What stands on a card: a number, and others below it. */
const CARDS: readonly (readonly [code: string, percentile?: string, longest?: string])[] = [
  ['opened'],
  ['closed'],
  ['openNow'],
  ['containment'],
  ['handedOver'],
  ['firstResponseMedian', 'firstResponseP90'],
  ['waitMedian', 'waitP90', 'waitLongest'],
  ['left'],
  ['handlingMedian', 'handlingP90'],
  ['noAnswer'],
  ['transfers'],
  ['sent'],
  ['received'],
  ['online'],
]

type Rows = NonNullable<Statistics['rows']>

/** A period with today in it is counted anew so often, while somebody looks at it. */
const AGAIN_MS = 60_000

/** All that the page shows of one period. */
interface Shown {
  /** When it was counted, in ms since 1970. */
  readonly atMs: number
  readonly whole: Statistics
  readonly days: Rows
  readonly hours: Rows
  readonly reasons: Rows
}

type Detail = (typeof DETAILS)[number]
const known = <T extends string>(all: readonly T[], one: string | undefined): T | undefined =>
  all.find((each) => each === one)

/** What is asked of the desk, as the address has it. */
function queryOf({ period, from, until, channel, team, person }: Asked) {
  return { period: known(PERIODS, period), from, until, channel, team, person }
}

export default function StatisticsPage({ asked }: PageProperties) {
  const said = inLanguage(words)
  const [shown, setShown] = useState<Shown>()
  const [state, setState] = useState<'loading' | 'ready' | 'failed'>('loading')
  const [problem, setProblem] = useState('')
  const latest = useRef(0)
  const query = queryOf(asked)
  const which = JSON.stringify(query)

  /** `isAgain`: it is shown already, and stays if it cannot be counted now. */
  async function load(isAgain: boolean): Promise<void> {
    latest.current++
    const mine = latest.current
    const atMs = Date.now()
    try {
      const ask = (by?: By) => call('GET /statistics', { query: { ...query, by } })
      const [whole, days, hours, reasons] = await Promise.all([ask(), ask('day'), ask('hour'), ask('reason')])
      // What was asked for later is shown, whatever comes first.
      if (mine !== latest.current) return
      setShown({ atMs, whole, days: days.rows ?? [], hours: hours.rows ?? [], reasons: reasons.rows ?? [] })
      setState('ready')
    } catch (error) {
      if (mine !== latest.current || isAgain) return
      // Of days that there are not, the desk says so.
      setProblem(error instanceof Refusal && error.status === 400 ? refusalText(error) : said.failed)
      setState('failed')
    }
  }
  function loadAnew(): void {
    setState('loading')
    void load(false)
  }
  useEffect(loadAnew, [which])
  const hasToday = shown !== undefined && shown.whole.period.until >= dayAt(shown.atMs, shown.whole.timeZone)
  useEffect(() => {
    if (!hasToday || state !== 'ready') return
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') void load(true)
    }, AGAIN_MS)
    return () => clearInterval(timer)
  }, [which, hasToday, state])

  return (
    <Frame title={said.title}>
      <Filters asked={asked} whole={shown?.whole} />
      {state === 'failed' ? (
        <div class="page-empty" role="alert">
          <p>{problem}</p>
          <button type="button" class="button" onClick={loadAnew}>
            {said.again}
          </button>
        </div>
      ) : shown ? (
        <div class={`statistics ${state}`} aria-busy={state === 'loading'}>
          <About shown={shown} />
          <Cards whole={shown.whole} asked={asked} />
          <div class="charts">
            <ByDay shown={shown} asked={asked} />
            <Times shown={shown} asked={asked} />
            <ByHour shown={shown} asked={asked} />
            <Reasons shown={shown} asked={asked} />
          </div>
          <Details asked={asked} which={which} countedAtMs={shown.atMs} />
        </div>
      ) : (
        <p class="page-empty" role="status">
          {said.loading}
        </p>
      )}
    </Frame>
  )
}

// ── what is asked for ──

function Filters({ asked, whole }: { readonly asked: Asked; readonly whole: Statistics | undefined }) {
  const said = inLanguage(words)
  const [isChoosing, setChoosing] = useState(false)
  const { people, teams, channels } = now.value
  const hasDays = asked.from !== undefined && asked.until !== undefined
  const chosen = hasDays ? undefined : (known(PERIODS, asked.period) ?? '7-days')
  const without = { from: undefined, until: undefined, period: undefined }
  return (
    <div class="bar statistics-bar">
      <fieldset class="periods">
        <legend class="unseen">{said.period}</legend>
        {PERIODS.map((one) => (
          <label key={one} class="chip">
            <input
              type="radio"
              name="period"
              checked={chosen === one}
              onChange={() => askOfPage({ ...asked, ...without, period: one })}
            />
            <span>{said.periods[one]}</span>
          </label>
        ))}
        <button
          type="button"
          class={`button ${hasDays ? 'chosen' : ''}`}
          aria-pressed={hasDays}
          onClick={() => setChoosing(true)}
        >
          {hasDays && whole ? textOf(whole.period) : said.otherDays}
        </button>
      </fieldset>
      <Select name="channel" asked={asked} options={channels} />
      <Select name="team" asked={asked} options={teams.map(({ name }) => name)} />
      {me.value?.role !== 'agent' && (
        <Select name="person" asked={asked} options={people.map(({ name }) => name)} titleOf={titleOf} />
      )}
      {isChoosing && (
        <RangeDialog
          range={whole && { from: whole.period.from, to: whole.period.until }}
          today={dayAt(Date.now(), whole?.timeZone ?? ownTimeZone)}
          onChoose={({ from, to }) => askOfPage({ ...asked, ...without, from, until: to })}
          onClose={() => setChoosing(false)}
        />
      )}
    </div>
  )
}

const textOf = ({ from, until }: Statistics['period']): string => rangeText(from, until, language.value)
/** As long as the desk has not said by which clocks it counts. */
const ownTimeZone = new Intl.DateTimeFormat().resolvedOptions().timeZone

function Select(of: {
  readonly name: 'channel' | 'team' | 'person'
  readonly asked: Asked
  readonly options: readonly string[]
  readonly titleOf?: (name: string) => string
}) {
  const { name, asked, options, titleOf = (one) => one } = of
  const said = inLanguage(words)
  return (
    <label>
      {said[name]}
      <select
        value={asked[name] ?? ''}
        onChange={({ currentTarget: { value } }) => askOfPage({ ...asked, [name]: value === '' ? undefined : value })}
      >
        <option value="">{said.all}</option>
        {options.map((one) => (
          <option key={one} value={one}>
            {titleOf(one)}
          </option>
        ))}
      </select>
    </label>
  )
}

function About({ shown: { atMs, whole } }: { readonly shown: Shown }) {
  const said = inLanguage(words)
  const { period, previous, timeZone, isOwn } = whole
  return (
    <p class="hint">
      <span role="status">
        {said.compared(textOf(period), textOf(previous), timeZone)}
        {isOwn && (
          <>
            <br />
            {said.own}
          </>
        )}
      </span>{' '}
      · {said.asOf(clockTime(atMs))}
    </p>
  )
}

// ── the numbers ──

function Cards({ whole, asked }: { readonly whole: Statistics; readonly asked: Asked }) {
  const said = inLanguage(words)
  const [meaning, setMeaning] = useState<Measured>()
  const { measures, total = {}, before = {} } = whole
  return (
    <>
      <dl class="cards">
        {CARDS.map(([code, percentile, longest]) => {
          const measure = measures.find((one) => one.code === code)
          if (!measure) return null
          const name = textIn(measure.name)
          return (
            <div key={code} class="card">
              <dt>
                {name}
                <button
                  type="button"
                  class="tool small"
                  aria-label={said.means(name)}
                  title={said.means(name)}
                  onClick={() => setMeaning(measure)}
                >
                  <Icon name="info" />
                </button>
              </dt>
              <dd>
                <strong>{valueText(total[code], measure.unit)}</strong>
                {code === 'openNow' ? (
                  <OpenNow asked={asked} count={total[code] ?? 0} />
                ) : (
                  <Change value={total[code]} before={before[code]} unit={measure.unit} />
                )}
                {percentile !== undefined && (
                  <small>
                    {said.percentile(valueText(total[percentile], 'ms'))}
                    {longest !== undefined && ` · ${said.longest(valueText(total[longest], 'ms'))}`}
                  </small>
                )}
              </dd>
            </div>
          )
        })}
      </dl>
      {meaning && <Meaning measure={meaning} onClose={() => setMeaning(undefined)} />}
    </>
  )
}

function Change(of: {
  readonly value: number | null | undefined
  readonly before: number | null | undefined
  readonly unit: Measured['unit']
}) {
  const { value, before, unit } = of
  const said = inLanguage(words)
  const change = changeOf(value, before, unit)
  return (
    <span class="change">
      {change && <b>{change.isPoints ? said.points(change.text) : change.text}</b>}{' '}
      {said.before(valueText(before, unit))}
    </span>
  )
}

/** The list shows the same: what is open now, of this channel and team. */
function OpenNow({ asked, count }: { readonly asked: Asked; readonly count: number }) {
  const said = inLanguage(words)
  if (count === 0 || asked.person !== undefined || me.value?.role === 'agent') return null
  return (
    <button
      type="button"
      class="inline-link"
      onClick={() => {
        show({ list: 'all', channel: asked.channel, team: asked.team })
        showConversations()
      }}
    >
      {said.showOpen}
    </button>
  )
}

function Meaning({ measure, onClose }: { readonly measure: Measured; readonly onClose: () => void }) {
  const said = inLanguage(words)
  return (
    <Dialog title={textIn(measure.name)} onClose={onClose}>
      <div class="meaning">
        <p>{textIn(measure.definition)}</p>
        <h3>{said.formula}</h3>
        <p>{textIn(measure.formula)}</p>
        <h3>{said.exclusions}</h3>
        <p>{textIn(measure.exclusions)}</p>
      </div>
    </Dialog>
  )
}

// ── the charts ──

interface OfShown {
  readonly shown: Shown
  readonly asked: Asked
}

const nameIn = ({ measures }: Statistics, code: string): string =>
  textIn(measures.find((measure) => measure.code === code)?.name ?? code)
const valuesOf = (rows: Rows, code: string) => rows.map(({ values }) => values[code] ?? null)
/** Whether a number can be told of what is asked for alone. */
const isTold = ({ measures }: Statistics, code: string) => measures.some((measure) => measure.code === code)

function ByDay({ shown: { whole, days }, asked }: OfShown) {
  const said = inLanguage(words)
  const codes = ['opened', 'closed'].filter((code) => isTold(whole, code))
  const series = codes.map((code) => ({ name: nameIn(whole, code), values: valuesOf(days, code) }))
  const keys = days.map(({ key }) => dayText(key ?? ''))
  return (
    <ChartBox
      {...{ title: said.byDay, first: said.day, keys, series, by: 'day', asked, kind: 'lines', unit: 'count' }}
    />
  )
}

function ByHour({ shown: { whole, hours }, asked }: OfShown) {
  const said = inLanguage(words)
  const code = isTold(whole, 'opened') ? 'opened' : 'closed'
  const series = [{ name: nameIn(whole, code), values: valuesOf(hours, code) }]
  const keys = hours.map(({ key }) => `${key}`.padStart(2, '0'))
  return (
    <ChartBox
      {...{ title: said.byHour, first: said.hour, keys, series, by: 'hour', asked, kind: 'bars', unit: 'count' }}
    />
  )
}

function Times({ shown: { whole, days }, asked }: OfShown) {
  const said = inLanguage(words)
  const [kind, setKind] = useState<(typeof KINDS)[number]>('firstResponse')
  const kinds = KINDS.filter((one) => isTold(whole, `${one}Median`))
  const [first] = kinds
  const chosen = kinds.includes(kind) ? kind : first
  if (chosen === undefined) return null
  const series = [
    { name: said.median, values: valuesOf(days, `${chosen}Median`) },
    { name: said.nineOfTen, values: valuesOf(days, `${chosen}P90`) },
  ]
  const keys = days.map(({ key }) => dayText(key ?? ''))
  return (
    <ChartBox {...{ title: said.times, first: said.day, keys, series, by: 'day', asked, kind: 'lines', unit: 'ms' }}>
      <fieldset class="kinds">
        <legend class="unseen">{said.times}</legend>
        {kinds.map((one) => (
          <label key={one} class="chip">
            <input type="radio" name="times" checked={one === chosen} onChange={() => setKind(one)} />
            <span>{said.kinds[one]}</span>
          </label>
        ))}
      </fieldset>
    </ChartBox>
  )
}

function ChartBox(of: {
  readonly title: string
  readonly first: string
  readonly keys: readonly string[]
  readonly series: readonly { readonly name: string; readonly values: readonly (number | null)[] }[]
  readonly by: By
  readonly asked: Asked
  readonly kind: 'lines' | 'bars'
  readonly unit: Measured['unit']
  readonly children?: preact.ComponentChildren
}) {
  const { title, first, keys, series, by, asked, kind, unit, children } = of
  const said = inLanguage(words)
  const [isTable, setTable] = useState(false)
  const isEmpty = series.every(({ values }) => values.every((value) => !value))
  return (
    <section class="chart-box">
      <header>
        <h2>{title}</h2>
        <button
          type="button"
          class="quiet"
          aria-label={isTable ? said.chartOf(title) : said.tableOf(title)}
          onClick={() => setTable(!isTable)}
        >
          {isTable ? said.asChart : said.asTable}
        </button>
        <CsvLink title={title} by={by} asked={asked} />
      </header>
      {children}
      {isTable ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what is scrolled must be reached by keys.
        <section class="table-scroll short" tabIndex={0} aria-label={title}>
          <table class="table numbers">
            <thead>
              <tr>
                <th scope="col">{first}</th>
                {series.map(({ name }) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {keys.map((key, index) => (
                <tr key={key}>
                  <th scope="row">{key}</th>
                  {series.map(({ name, values }) => (
                    <td key={name}>{valueText(values[index], unit)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      ) : isEmpty ? (
        <p class="chart-empty">{said.nothing}</p>
      ) : (
        <Chart label={title} kind={kind} keys={keys} series={series} unit={unit} />
      )}
    </section>
  )
}

/** A download, of the numbers that are shown and the others of the same rows. */
function CsvLink({ title, by, asked }: { readonly title: string; readonly by: By; readonly asked: Asked }) {
  const said = inLanguage(words)
  const wanted = Object.entries({ ...queryOf(asked), by, language: language.value })
  const query = new URLSearchParams(wanted.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
  return (
    <a class="quiet" href={`api/statistics/csv?${query}`} download aria-label={said.csvOf(title)}>
      {said.csv}
    </a>
  )
}

/** A table already, with bars in it. */
function Reasons({ shown: { whole, reasons }, asked }: OfShown) {
  const said = inLanguage(words)
  if (!isTold(whole, 'handedOver')) return null
  const counts = reasons
    .map(({ key, values }) => ({ key: key ?? '', count: values.handedOver ?? 0 }))
    .toSorted((a, b) => b.count - a.count)
  const all = counts.reduce((sum, { count }) => sum + count, 0)
  return (
    <section class="chart-box">
      <header>
        <h2>{said.reasons}</h2>
        <CsvLink title={said.reasons} by="reason" asked={asked} />
      </header>
      {all === 0 ? (
        <p class="chart-empty">{said.nothing}</p>
      ) : (
        <table class="table shares">
          <thead>
            <tr>
              <th scope="col">{said.why}</th>
              <th scope="col">{nameIn(whole, 'handedOver')}</th>
              <th scope="col">{said.share}</th>
            </tr>
          </thead>
          <tbody>
            {counts.map(({ key, count }) => (
              <tr key={key}>
                <th scope="row">{wordOf(said.reason, key) ?? key}</th>
                <td>{valueText(count, 'count')}</td>
                <td>
                  <svg class="share" aria-hidden="true" viewBox="0 0 100 10" preserveAspectRatio="none">
                    <rect width={(100 * count) / (counts[0]?.count ?? 1)} height="10" />
                  </svg>
                  {valueText(count / all, 'share')}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}

// ── in detail ──

function Details(of: { readonly asked: Asked; readonly which: string; readonly countedAtMs: number }) {
  const { asked, which, countedAtMs } = of
  const said = inLanguage(words)
  const by: Detail = known(DETAILS, asked.by) ?? 'person'
  const [found, setFound] = useState<Statistics | 'failed'>()
  useEffect(() => {
    let isLatest = true
    call('GET /statistics', { query: { ...queryOf(asked), by } }).then(
      (answer) => isLatest && setFound(answer),
      () => isLatest && setFound('failed'),
    )
    return () => {
      isLatest = false
    }
  }, [which, by, countedAtMs])
  const title = `${said.details}: ${said.by[by]}`
  return (
    <section class="chart-box">
      <header>
        <h2>{said.details}</h2>
        <CsvLink title={title} by={by} asked={asked} />
      </header>
      <fieldset class="kinds">
        <legend class="unseen">{said.details}</legend>
        {DETAILS.map((one) => (
          <label key={one} class="chip">
            <input type="radio" name="by" checked={one === by} onChange={() => askOfPage({ ...asked, by: one })} />
            <span>{said.by[one]}</span>
          </label>
        ))}
      </fieldset>
      {found === undefined ? (
        <p role="status">{said.loading}</p>
      ) : found === 'failed' ? (
        <p role="alert">{said.failed}</p>
      ) : (
        <DetailTable found={found} by={by} title={title} />
      )}
    </section>
  )
}

function DetailTable(of: { readonly found: Statistics; readonly by: Detail; readonly title: string }) {
  const { found, by, title } = of
  const { measures, rows = [] } = found
  const said = inLanguage(words)
  if (rows.length === 0) return <p class="chart-empty">{said.nothing}</p>
  const cell = (values: Values, { code, unit }: Measured) => valueText(values[code], unit)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what is scrolled must be reached by keys.
    <section class="table-scroll" tabIndex={0} aria-label={title}>
      <table class="table numbers">
        <thead>
          <tr>
            <th scope="col">{said.by[by]}</th>
            {measures.map((measure) => (
              <th key={measure.code} scope="col">
                {textIn(measure.name)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key, values }) => (
            <tr key={key ?? ''}>
              <th scope="row">{key === null ? said.none : keyText(by, key)}</th>
              {measures.map((measure) => (
                <td key={measure.code}>{cell(values, measure)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function keyText(by: Detail, key: string): string {
  if (by === 'person') return titleOf(key)
  return by === 'status' ? statusTitle(key) : key || NONE
}
