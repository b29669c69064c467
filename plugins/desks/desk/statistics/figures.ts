/** The numbers, counted from the moments that are kept. What each means stands in `measures.ts`. */
import { type Kysely, type RawBuilder, sql as raw } from 'kysely'
import type { JournalTables } from '#core'
import type { By, Values } from '../api/statistics-shapes.ts'
import { type Days, eachDay, offsetsOf } from './days.ts'
import { CODES, type MeasureCode, measureOf, type Split } from './measures.ts'
import type { StatisticsTables, What } from './tables.ts'

/** Only of these. Teams: those that may be seen at all, or the one that is asked for. */
export interface Only {
  readonly account?: string | undefined
  readonly teams?: readonly string[] | undefined
  readonly person?: string | undefined
}

export interface Figures {
  total(days: Days, only: Only): Promise<Values>
  /** By key; days and hours all of them, others only where there is something. */
  apart(by: By, days: Days, only: Only): Promise<ReadonlyMap<string | null, Values>>
}

type Numbers = { readonly [name: string]: number | null }
interface Found {
  readonly key: string | number | null
  readonly numbers: Numbers
}

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

const count = raw<number>`count(*)`
const countOf = (code: string) => raw<number>`count(*) FILTER (WHERE code = ${code})`
// Not IN: it would be looked up in a table of its own, for each row, at twice the cost.
const isHandling = raw`(code = 'closed' OR code = 'transferred' OR code = 'returned')`

/** What is counted of the moments of each kind. */
const COUNTED: { readonly [what in What]: { readonly [name: string]: RawBuilder<number | null> } } = {
  opened: { n: count },
  closed: {
    n: count,
    alone: countOf('bot'),
    withBot: raw`count(*) FILTER (WHERE code = 'bot' OR (code = 'people' AND bot IS NOT NULL))`,
  },
  'handed-over': { n: count },
  answered: { median: raw`median(ms)`, p90: raw`percentile(ms, 90)` },
  handled: {
    median: raw`median(ms) FILTER (WHERE ${isHandling})`,
    p90: raw`percentile(ms, 90) FILTER (WHERE ${isHandling})`,
    noAnswer: countOf('no-answer'),
    transfers: countOf('transferred'),
    sent: raw`sum(sent)`,
    received: raw`sum(received)`,
  },
  waited: { median: raw`median(ms)`, p90: raw`percentile(ms, 90)`, longest: raw`max(ms)` },
  left: { n: countOf('left') },
}

const share = (part: number | null | undefined, whole: number | null | undefined) =>
  whole ? (part ?? 0) / whole : null

/** A number, of what was counted; nothing was, where there is no such moment. */
const VALUES: { readonly [code in MeasureCode]: (counted: Numbers) => number | null } = {
  opened: ({ n = 0 }) => n,
  closed: ({ n = 0 }) => n,
  openNow: ({ n = 0 }) => n,
  botAlone: ({ alone = 0 }) => alone,
  containment: ({ alone, withBot }) => share(alone, withBot),
  handedOver: ({ n = 0 }) => n,
  firstResponseMedian: ({ median = null }) => median,
  firstResponseP90: ({ p90 = null }) => p90,
  handlingMedian: ({ median = null }) => median,
  handlingP90: ({ p90 = null }) => p90,
  waitMedian: ({ median = null }) => median,
  waitP90: ({ p90 = null }) => p90,
  waitLongest: ({ longest = null }) => longest,
  left: ({ n = 0 }) => n,
  noAnswer: ({ noAnswer = 0 }) => noAnswer,
  transfers: ({ transfers = 0 }) => transfers,
  sent: ({ sent }) => sent ?? 0,
  received: ({ received }) => received ?? 0,
  online: ({ ms }) => ms ?? 0,
}

/** The measures that can be told apart, and asked for alone, by this. */
export function measuresFor(by: By | undefined, { account, teams, person }: Only): readonly MeasureCode[] {
  const wanted: Split[] = []
  if (by !== undefined && by !== 'day' && by !== 'hour') wanted.push(by)
  if (account !== undefined) wanted.push('channel')
  if (teams) wanted.push('team')
  if (person !== undefined) wanted.push('person')
  const isByTime = by === 'day' || by === 'hour'
  return CODES.filter((code) => {
    const { of, splits } = measureOf(code)
    if (isByTime && (of === 'now' || of === 'attendance')) return false
    return wanted.every((split) => splits.includes(split))
  })
}

export function makeFigures(of: {
  readonly desk: string
  readonly journal: Kysely<JournalTables>
  readonly sql: Kysely<StatisticsTables>
  readonly timeZone: string
}): Figures {
  const { desk, journal, sql, timeZone } = of

  /** Of a moment, by the clocks of the time zone, which may have been changed meanwhile. */
  function localAt(days: Days): RawBuilder<number> {
    const offsets = offsetsOf(days, timeZone)
    const last = offsets.at(-1)?.offsetMs ?? 0
    // Written out: a parameter may be no whole number to SQLite, and then the division would not be one.
    if (offsets.length === 1) return raw`(at + ${raw.lit(last)})`
    const cases = offsets
      .slice(0, -1)
      .map(({ untilMs, offsetMs }) => raw`WHEN at < ${raw.lit(untilMs)} THEN ${raw.lit(offsetMs)}`)
    return raw`(at + CASE ${raw.join(cases, raw` `)} ELSE ${raw.lit(last)} END)`
  }

  function keyOf(by: By | undefined, days: Days): RawBuilder<string | number | null> {
    switch (by) {
      case 'day':
        return raw`${localAt(days)} / ${raw.lit(DAY_MS)}`
      case 'hour':
        return raw`${localAt(days)} / ${raw.lit(HOUR_MS)} % 24`
      case 'channel':
        return raw`account`
      case 'team':
      case 'person':
      case 'bot':
        return raw.ref(by)
      case 'reason':
        return raw`code`
      default:
        return raw`NULL`
    }
  }

  async function moments(what: What, by: By | undefined, days: Days, only: Only): Promise<readonly Found[]> {
    const { account, teams, person } = only
    const key = keyOf(by, days)
    const counted = Object.entries(COUNTED[what]).map(([name, value]) => value.as(name))
    let query = sql
      .selectFrom('moment')
      .select([key.as('key'), ...counted])
      .where('what', '=', what)
      .where('at', '>=', days.fromMs)
      .where('at', '<', days.untilMs)
    if (account !== undefined) query = query.where('account', '=', account)
    if (teams) query = query.where('team', 'in', teams)
    if (person !== undefined) query = query.where('person', '=', person)
    const rows = await (by === undefined ? query : query.groupBy(raw`1`)).execute()
    return rows.map(({ key, ...numbers }) => ({ key, numbers }))
  }

  async function openNow(by: By | undefined, { account, teams, person }: Only): Promise<readonly Found[]> {
    const key = by === 'channel' ? raw`chat.account` : by === 'team' || by === 'person' ? raw.ref(by) : raw`NULL`
    let query = journal
      .selectFrom('conversation')
      .innerJoin('chat', 'chat.id', 'conversation.chat')
      .select([key.$castTo<string | null>().as('key'), count.as('n')])
      .where('state', '<>', 'closed')
      .where((where) => where.or([where('desk', '=', desk), where('desk', 'is', null)]))
    if (account !== undefined) query = query.where('chat.account', '=', account)
    if (teams) query = query.where('team', 'in', teams)
    if (person !== undefined) query = query.where('person', '=', person)
    const rows = await (by === undefined ? query : query.groupBy(raw`1`)).execute()
    return rows.map(({ key, ...numbers }) => ({ key, numbers }))
  }

  async function attendance(
    by: By | undefined,
    { fromMs, untilMs }: Days,
    { person }: Only,
  ): Promise<readonly Found[]> {
    const key = by === 'person' || by === 'status' ? raw.ref(by) : raw`NULL`
    let query = sql
      .selectFrom('attendance')
      .select([key.$castTo<string | null>().as('key')])
      .select(raw<number | null>`sum(min(ended_at, ${untilMs}) - max(began_at, ${fromMs}))`.as('ms'))
      .where('ended_at', '>', fromMs)
      .where('began_at', '<', untilMs)
    if (person !== undefined) query = query.where('person', '=', person)
    const rows = await (by === undefined ? query : query.groupBy(raw`1`)).execute()
    return rows.map(({ key, ...numbers }) => ({ key, numbers }))
  }

  function found(
    of: What | 'now' | 'attendance',
    by: By | undefined,
    days: Days,
    only: Only,
  ): Promise<readonly Found[]> {
    if (of === 'now') return openNow(by, only)
    return of === 'attendance' ? attendance(by, days, only) : moments(of, by, days, only)
  }

  async function figures(by: By | undefined, days: Days, only: Only): Promise<Map<string | null, Values>> {
    const codes = measuresFor(by, only)
    const kinds = [...new Set(codes.map((code) => measureOf(code).of))]
    const counted = new Map(
      await Promise.all(
        kinds.map(async (kind) => {
          const rows = await found(kind, by, days, only)
          return [kind, new Map(rows.map(({ key, numbers }) => [nameOf(by, key), numbers]))] as const
        }),
      ),
    )
    const keys =
      keysOf(by, days) ?? [...new Set([...counted.values()].flatMap((rows) => [...rows.keys()]))].toSorted(order)
    const valuesOf = (key: string | null): Values =>
      Object.fromEntries(codes.map((code) => [code, VALUES[code](counted.get(measureOf(code).of)?.get(key) ?? {})]))
    return new Map(keys.map((key) => [key, valuesOf(key)]))
  }

  return {
    total: async (days, only) => (await figures(undefined, days, only)).get(null) ?? {},
    apart: figures,
  }
}

/** All that there are, where they are known without asking. */
function keysOf(by: By | undefined, days: Days): readonly (string | null)[] | undefined {
  if (by === undefined) return [null]
  if (by === 'day') return eachDay(days)
  return by === 'hour' ? Array.from({ length: 24 }, (_, hour) => String(hour)) : undefined
}

function nameOf(by: By | undefined, key: string | number | null): string | null {
  if (by !== 'day') return key === null ? null : String(key)
  return new Date(Number(key) * DAY_MS).toISOString().slice(0, 10)
}

/** By name; what belongs to none is last. */
function order(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null)
  return a < b ? -1 : Number(a > b)
}
