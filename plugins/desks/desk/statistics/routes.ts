/**
 * The statistics over the API. Supervisors and administrators see all of the desk; an agent sees what they have done
 * themselves; a machine whose token is for some teams sees those.
 */
import type { Calling } from '../access/door.ts'
import { type Cell, sendCsv } from '../api/csv.ts'
import { Refusal } from '../api/refusal.ts'
import type { Api, Asked } from '../api/serve.ts'
import type { By, Measured, Statistics, Values } from '../api/statistics-shapes.ts'
import { before, type Days, daysOf, lastDays } from './days.ts'
import { measuresFor, type Only } from './figures.ts'
import { type MeasureCode, measureOf } from './measures.ts'
import type { Counting } from './statistics.ts'

type Query = Asked<'GET /statistics'>['query']
type Language = 'zh-CN' | 'en'

const COUNT_OF_DAYS = { today: 1, '7-days': 7, '30-days': 30 }

/** Of the table, besides the numbers. */
const HEADINGS: {
  readonly [heading in By | 'all' | 'period' | 'timeZone' | 'measure' | 'definition' | 'formula' | 'exclusions']: {
    readonly [language in Language]: string
  }
} = {
  day: { 'zh-CN': '日期', en: 'Day' },
  hour: { 'zh-CN': '小时', en: 'Hour' },
  channel: { 'zh-CN': '渠道', en: 'Channel' },
  team: { 'zh-CN': '组', en: 'Team' },
  person: { 'zh-CN': '客服', en: 'Person' },
  bot: { 'zh-CN': '机器人', en: 'Bot' },
  reason: { 'zh-CN': '原因', en: 'Reason' },
  status: { 'zh-CN': '状态', en: 'Status' },
  all: { 'zh-CN': '合计', en: 'All' },
  period: { 'zh-CN': '时段', en: 'Period' },
  timeZone: { 'zh-CN': '时区', en: 'Time zone' },
  measure: { 'zh-CN': '指标', en: 'Measure' },
  definition: { 'zh-CN': '定义', en: 'Definition' },
  formula: { 'zh-CN': '算法', en: 'How it is counted' },
  exclusions: { 'zh-CN': '不计', en: 'What does not count' },
}
const UNITS: { readonly [unit in Measured['unit']]: string } = { count: '', ms: ' (s)', share: ' (%)' }

export function addStatistics(
  api: Api,
  of: {
    readonly counting: Counting
    readonly timeZone: string
    readonly clock: { now(): number }
    channelOf(account: string): string
    accountOf(channel: string): string | undefined
    titleOf(person: string): string | undefined
  },
): void {
  const { counting, timeZone, clock } = of

  api.on('GET /statistics', async ({ calling, query }): Promise<Statistics> => {
    const { period, only, isOwn } = await begin(calling, query)
    const { by } = query
    const previous = before(period, timeZone)
    const told = { period, previous, timeZone, isOwn, measures: measuresFor(by, only).map(measured) }
    if (by !== undefined) return { ...told, rows: await rowsOf(by, period, only) }
    const [total, earlier] = await Promise.all([counting.total(period, only), counting.total(previous, only)])
    return { ...told, total, before: earlier }
  })

  api.on('GET /statistics/csv', async ({ calling, query, reply }) => {
    const { by, language } = query
    const { period, only } = await begin(calling, query)
    const [rows, total] = await Promise.all([rowsOf(by, period, only), counting.total(period, only)])
    const codes = measuresFor(by, only)
    const heading = (of: keyof typeof HEADINGS) => HEADINGS[of][language]
    const numbers = (values: Values) => codes.map((code) => written(code, values[code] ?? null))
    sendCsv(reply, `statistics-${by}-${period.from}-${period.until}`, [
      [heading(by), ...codes.map((code) => titleOf(code, language))],
      ...rows.map(({ key, values }) => [keyText(by, key), ...numbers(values)]),
      [heading('all'), ...numbers(total)],
      [],
      [heading('period'), `${period.from} – ${period.until}`],
      [heading('timeZone'), timeZone],
      [],
      [heading('measure'), heading('definition'), heading('formula'), heading('exclusions')],
      ...codes.map((code) => {
        const { definition, formula, exclusions } = measureOf(code)
        return [titleOf(code, language), definition[language], formula[language], exclusions[language]]
      }),
    ])
    return undefined
  })

  /** What is asked for, as far as the caller may. What has happened until now is counted. */
  async function begin(
    calling: Calling,
    query: Omit<Query, 'by'>,
  ): Promise<{ readonly period: Days; readonly only: Only; readonly isOwn: boolean }> {
    const isOwn = calling.role === 'agent'
    if (isOwn && (calling.kind !== 'person' || (query.person ?? calling.name) !== calling.name))
      throw new Refusal('FORBIDDEN', { params: { needs: 'supervisor' } })
    const mayTeams = isOwn ? undefined : calling.teams
    const { from, until, channel, team } = query
    const nowMs = clock.now()
    const period =
      from === undefined || until === undefined
        ? lastDays(COUNT_OF_DAYS[query.period], nowMs, timeZone)
        : daysOf(from, until, nowMs, timeZone)
    if (!period) throw new Refusal('PERIOD_NOT_GOOD')
    await counting.catchUp()
    const teams = team === undefined ? mayTeams : mayTeams?.includes(team) === false ? [] : [team]
    const account = channel === undefined ? undefined : (of.accountOf(channel) ?? channel)
    return { period, only: { account, teams, person: isOwn ? calling.name : query.person }, isOwn }
  }

  async function rowsOf(by: By, period: Days, only: Only): Promise<NonNullable<Statistics['rows']>> {
    const found = await counting.apart(by, period, only)
    return [...found].map(([key, values]) => ({
      key: by === 'channel' && key !== null ? of.channelOf(key) : key,
      values,
    }))
  }

  const keyText = (by: By, key: string | null): string =>
    key === null ? '–' : by === 'person' ? (of.titleOf(key) ?? key) : key
}

function measured(code: MeasureCode): Measured {
  const { unit, name, definition, formula, exclusions } = measureOf(code)
  return { code, unit, name, definition, formula, exclusions }
}

function titleOf(code: MeasureCode, language: Language): string {
  const { name, unit } = measureOf(code)
  return `${name[language]}${UNITS[unit]}`
}

/** Seconds and hundredths: what spreadsheets reckon with. */
function written(code: MeasureCode, value: number | null): Cell {
  if (value === null) return undefined
  const { unit } = measureOf(code)
  return unit === 'count' ? value : Math.round(unit === 'ms' ? value / 100 : value * 1000) / 10
}
