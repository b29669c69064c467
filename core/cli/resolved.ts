/** The configuration as it runs: for each channel who has a say, in which order, and which line of the YAML says so. */
import type { Capabilities } from '../capabilities.ts'
import type { CheckedConfig } from '../config/checked.ts'
import { showPath } from '../config/read.ts'
import { displayWidth } from '../config/report.ts'
import { showDuration } from '../config/units.ts'
import type { Instance } from '../runtime/instance.ts'
import type { Chain, Plan, PlannedChannel, PlannedRoute } from '../runtime/plan.ts'

export interface Resolved {
  readonly file: string
  /** The first digits of the YAML's hash, as traces have them. */
  readonly revision: string
  readonly channels: readonly ResolvedChannel[]
}

export interface ResolvedChannel extends ResolvedInstance {
  readonly account: string
  readonly sends: readonly string[]
  readonly allowances: readonly string[]
  /** In the order in which an event comes by. */
  readonly stages: readonly { readonly stage: string; readonly has: readonly ResolvedInstance[] }[]
  /** The first one takes a new conversation. */
  readonly routes: readonly ResolvedRoute[]
}

export interface ResolvedInstance {
  readonly name: string
  readonly use: string
  readonly summary: string
  readonly line: number
}

export interface ResolvedRoute {
  readonly name: string
  readonly mode: PlannedRoute['mode']
  readonly line: number
  readonly bots: readonly ResolvedInstance[]
  readonly desk: ResolvedInstance | undefined
  readonly team: string | undefined
  readonly collectMs: number
  /** What hands over to people, beside plugins that do. */
  readonly handOff: readonly string[]
}

export function resolvedPipeline(config: CheckedConfig, plan: Plan): Resolved {
  return {
    file: showPath(config.file),
    revision: config.revision.hash.slice(0, 12),
    channels: [...plan.channels.values()].map((channel) => resolvedChannel(channel, plan)),
  }
}

function resolvedChannel(channel: PlannedChannel, plan: Plan): ResolvedChannel {
  const { instance, account, capabilities, chain, routes } = channel
  return {
    ...resolved(instance),
    account,
    sends: Object.keys(capabilities.sends),
    allowances: allowancesOf(capabilities, channel.reserve),
    stages: stagesOf(chain, plan),
    routes: routes.map(resolvedRoute),
  }
}

function resolved({ name, checked, plugin }: Instance): ResolvedInstance {
  return { name, use: checked.use, summary: plugin.summary, line: checked.line }
}

function allowancesOf({ later, inline }: Capabilities, reserve: number): readonly string[] {
  const inside = inline ? [`inside the platform’s own request, within ${showDuration(inline.withinMs)}`] : []
  const after = later.map(({ on, withinMs, max }) => {
    const forEver = withinMs === Number.MAX_SAFE_INTEGER
    const within = forEver ? 'at any time' : `within ${showDuration(withinMs)}`
    if (forEver && max === undefined) return 'any number of messages, at any time'
    return `${max ?? 'any number of'} messages ${within} after a ${on}`
  })
  const kept = reserve > 0 ? [`the last ${reserve} are kept for people`] : []
  return [...inside, ...(after.length === 0 ? ['never afterwards'] : after), ...kept]
}

function stagesOf(chain: Chain, plan: Plan): ResolvedChannel['stages'] {
  const has = (steps: readonly { readonly instance: Instance }[]) => steps.map(({ instance }) => resolved(instance))
  const instances = [...plan.instances.values()]
  const listening = Object.entries(chain.listeners).map(([event, steps]) => ({ stage: event, has: has(steps) }))
  return [
    { stage: 'guard', has: has(chain.guard) },
    { stage: 'enrich', has: has(chain.enrich) },
    { stage: 'answered', has: instances.filter(({ hooks }) => hooks.answered).map(resolved) },
    { stage: 'intercept', has: has(chain.intercept) },
    { stage: 'respond', has: has(chain.respond) },
    { stage: 'rewrite', has: has(chain.rewrite) },
    { stage: 'woken', has: instances.filter(({ hooks }) => hooks.woken).map(resolved) },
    ...listening,
  ].filter((stage) => stage.has.length > 0)
}

function resolvedRoute({ name, mode, line, bots, desk, team, collectMs, handOff }: PlannedRoute): ResolvedRoute {
  const { unknown, failures, guided, intents, menu } = handOff
  return {
    name,
    mode,
    line: Number(line.split(':')[1]),
    bots: bots.map(resolved),
    desk: desk && resolved(desk),
    team,
    collectMs,
    handOff: [
      ...(unknown === undefined ? [] : [`after ${unknown} unknown answers in a row`]),
      ...(failures === undefined ? [] : [`after ${failures} failures in a row`]),
      ...(guided ? ['on a guided answer'] : []),
      ...intents.map((intent) => `on the intent ${intent}`),
      ...menu.map((key) => `on the menu ${key}`),
    ],
  }
}

// ── as text ─────────────────────────────────────────────────────────────────────────────────

/** Where the line of the YAML stands. */
const LINE_COLUMN = 76

export function resolvedAsText({ file, revision, channels }: Resolved): string {
  const lines = [`${file}, revision ${revision}`]
  const add = (text: string, line?: number) => {
    const gap = ' '.repeat(Math.max(2, LINE_COLUMN - displayWidth(text)))
    lines.push(line === undefined ? text : `${text}${gap}${file}:${line}`)
  }
  for (const channel of channels) {
    const { name, use, line, account, sends, allowances, stages, routes } = channel
    lines.push('')
    add(`${name} (${use}), account ${account}`, line)
    add(`  takes ${sends.join(', ')}; ${allowances.join('; ')}`)
    const before = stages.findIndex(({ stage }) => stage === 'rewrite' || stage === 'woken' || stage.includes('.'))
    const first = before < 0 ? stages : stages.slice(0, before)
    for (const stage of first) addStage(add, stage)
    for (const route of routes) addRoute(add, route)
    for (const stage of stages.slice(first.length)) addStage(add, stage)
  }
  return `${lines.join('\n')}\n`
}

type Add = (text: string, line?: number) => void

function addStage(add: Add, { stage, has }: ResolvedChannel['stages'][number]): void {
  add(`  ${stage}`)
  for (const { name, summary, line } of has) add(`    ${name}: ${summary}`, line)
}

function addRoute(add: Add, { name, mode, line, bots, desk, team, collectMs, handOff }: ResolvedRoute): void {
  add(`  ${name}, ${mode}${collectMs > 0 ? `, gathers what comes within ${showDuration(collectMs)}` : ''}`, line)
  for (const bot of bots) add(`    bot ${bot.name} (${bot.use}): ${bot.summary}`, bot.line)
  if (desk) add(`    people at ${desk.name} (${desk.use})${team ? `, team ${team}` : ''}: ${desk.summary}`, desk.line)
  for (const trigger of handOff) add(`    hands over ${trigger}`, line)
}
