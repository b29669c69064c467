/** What goes over the API of the statistics. As in `shapes.ts`. */
import { z } from 'zod'

const Name = z.string().min(1).max(256)
const Ms = z.int().nonnegative()
const Day = z.string().regex(/^\d{4}-\d\d-\d\d$/)
const Both = z.object({ 'zh-CN': z.string(), en: z.string() })

/** What the numbers can be told apart by. */
export const By = z.enum(['day', 'hour', 'channel', 'team', 'person', 'bot', 'reason', 'status'])
export type By = z.output<typeof By>

const Period = z.object({
  /** The first and the last day, both of which belong to it. */
  from: Day,
  until: Day,
  fromMs: Ms,
  /** Its end, or now. */
  untilMs: Ms,
})

export const Measured = z.object({
  code: z.string(),
  unit: z.enum(['count', 'ms', 'share']),
  name: Both,
  definition: Both,
  formula: Both,
  exclusions: Both,
})
export type Measured = z.output<typeof Measured>

/** By the codes of the measures. null: there is nothing to measure, or not of what was asked for alone. */
export const Values = z.record(z.string(), z.number().nullable())
export type Values = z.output<typeof Values>

export const Statistics = z.object({
  period: Period,
  /** As many days before, up to the same time of the day. */
  previous: Period,
  /** By whose clocks days begin. */
  timeZone: z.string(),
  /** Only of the person who asks: agents see no others. */
  isOwn: z.boolean(),
  /** What each number means. */
  measures: z.array(Measured),
  /** Of all together, now and in the period before. Left out when it is told apart. */
  total: Values.optional(),
  before: Values.optional(),
  /** Told apart by what `by` says. The key is a name of the YAML, a day, an hour (0 to 23) or a code; null: none. */
  rows: z.array(z.object({ key: z.string().nullable(), values: Values })).optional(),
})
export type Statistics = z.output<typeof Statistics>

const which = {
  period: z.enum(['today', '7-days', '30-days']).default('7-days'),
  /** Given both, they stand for the period. */
  from: Day.optional(),
  until: Day.optional(),
  channel: Name.optional(),
  team: Name.optional(),
  person: Name.optional(),
}

export const askedOfStatistics = {
  figures: z.strictObject({ ...which, by: By.optional() }),
  csv: z.strictObject({ ...which, by: By.default('day'), language: z.enum(['zh-CN', 'en']).default('en') }),
}
