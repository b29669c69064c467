/** What the main thread of a page does, task by task, in processor time: a busy machine takes no more of it. */
import type { Browser, Page } from 'playwright-core'
import { z } from 'zod'

export interface Tasks {
  /** How long each took, the longest first. */
  readonly eachMs: readonly number[]
  readonly totalMs: number
  /** Of all that was done until something of the page was seen. */
  readonly untilSeenMs: number
}

const Trace = z.object({
  traceEvents: z.array(
    z.object({
      name: z.string(),
      tid: z.number(),
      ts: z.number(),
      /** Processor time, in µs. */
      tdur: z.number().optional(),
      args: z.looseObject({ name: z.unknown().optional() }).optional(),
    }),
  ),
})

export async function tasksOf(browser: Browser, page: Page, work: () => Promise<unknown>): Promise<Tasks> {
  const categories = ['-*', 'toplevel', 'loading']
  await browser.startTracing(page, { categories })
  let trace: z.output<typeof Trace>
  try {
    await work()
  } finally {
    trace = Trace.parse(JSON.parse((await browser.stopTracing()).toString()))
  }
  const { traceEvents: events } = trace
  const isMain = new Set(
    events.flatMap(({ name, tid, args }) => (args?.name === 'CrRendererMain' && name === 'thread_name' ? tid : [])),
  )
  const tasks = events.filter(({ name, tid }) => name.endsWith('::RunTask') && isMain.has(tid))
  const seenAt = events.find(({ name }) => name === 'firstContentfulPaint')?.ts ?? Number.POSITIVE_INFINITY
  // Of several pages the one that was worked on has done the most.
  const [busiest = []] = Map.groupBy(tasks, ({ tid }) => tid)
    .values()
    .toArray()
    .toSorted((a, b) => sum(b) - sum(a))
  return {
    eachMs: busiest.map(({ tdur = 0 }) => tdur / 1000).toSorted((a, b) => b - a),
    totalMs: sum(busiest) / 1000,
    untilSeenMs: sum(busiest.filter(({ ts }) => ts < seenAt)) / 1000,
  }
}

const sum = (tasks: readonly { readonly tdur?: number | undefined }[]) =>
  tasks.reduce((total, { tdur = 0 }) => total + tdur, 0)
