/**
 * What the pipeline runs by: the running instances, laid out for each channel. A reload makes a new plan and switches
 * by one assignment; a turn keeps the plan that it began with.
 */
import type { Capabilities } from '../capabilities.ts'
import type { CheckedConfig, CheckedRoute } from '../config/checked.ts'
import type { ChatEvents } from '../turn.ts'
import type { AnyHooks, Instance } from './instance.ts'

type Inbound = NonNullable<AnyHooks['inbound']>

/** One plugin's hook in a stage: whose it is, and what to call. */
export interface Step<H> {
  readonly instance: Instance
  readonly run: H
}

/** The stages of one channel, each in the YAML's order. */
export interface Chain {
  readonly guard: readonly Step<NonNullable<Inbound['guard']>>[]
  readonly enrich: readonly Step<NonNullable<Inbound['enrich']>>[]
  readonly intercept: readonly Step<NonNullable<Inbound['intercept']>>[]
  readonly respond: readonly Step<NonNullable<Inbound['respond']>>[]
  readonly rewrite: readonly Step<NonNullable<NonNullable<AnyHooks['outbound']>['rewrite']>>[]
  /** Who listens to an event of the chat's own life. */
  readonly listeners: {
    readonly [K in keyof ChatEvents]: readonly Step<NonNullable<NonNullable<AnyHooks['events']>[K]>>[]
  }
}

export interface PlannedRoute {
  /** The same wherever it stands in the YAML: what conversations remember. */
  readonly id: string
  /** `routes[0]`: what traces call it. */
  readonly name: string
  /** `<revision>:<line>` of it. */
  readonly line: string
  readonly mode: 'bot-only' | 'bot-first' | 'agent-only' | 'cooperation'
  readonly bots: readonly Instance[]
  readonly desk: Instance | undefined
  readonly team: string | undefined
  /** How long short messages are gathered into one question to the bot; 0: not at all. */
  readonly collectMs: number
  readonly handOff: {
    readonly unknown: number | undefined
    readonly failures: number | undefined
    readonly guided: boolean
    readonly intents: readonly string[]
    readonly menu: readonly string[]
  }
}

export interface PlannedChannel {
  readonly instance: Instance
  readonly name: string
  /** `wechat:wx1234567890`. */
  readonly account: string
  readonly capabilities: Capabilities
  /** Whether answers go inside the response when they can. */
  readonly answersInline: boolean
  readonly onUnknown: 'leave' | 'resend'
  /** Sends of an allowance that are kept for people. */
  readonly reserve: number
  readonly chain: Chain
  readonly routes: readonly PlannedRoute[]
}

export interface Plan {
  /** The hash of the YAML that it was made from. */
  readonly revision: string
  readonly languages: readonly string[]
  /** What the core says by itself. An empty text says nothing. */
  readonly texts: CheckedConfig['texts']
  readonly instances: ReadonlyMap<string, Instance>
  /** By account. */
  readonly channels: ReadonlyMap<string, PlannedChannel>
  /** By account, those of channels that are down: what they have accepted and what is to be sent there waits. */
  readonly down: ReadonlyMap<string, DownAccount>
}

export interface DownAccount {
  /** Of the channel, when it ran. */
  readonly name: string
  /** Why it does not run, as a sentence. */
  readonly because: string
}

/** Lays the running instances out for each channel. `before` is the plan that it takes the place of. */
export function makePlan(config: CheckedConfig, instances: ReadonlyMap<string, Instance>, before?: Plan): Plan {
  const line = (at: number) => `${config.revision.hash.slice(0, 12)}:${at}`
  const get = (name: string): Instance => {
    const instance = instances.get(name)
    if (!instance) throw new Error(`The instance ${name} was checked and is not running.`)
    return instance
  }
  const routes = config.routes.map((route) => ({ from: route.from, planned: planRoute(route, line(route.line), get) }))
  const channels = config.channels.map((channel): PlannedChannel => {
    const instance = get(channel.name)
    const withHooks = [
      ...config.features.filter((feature) => !feature.for || feature.for.includes(channel.name)),
      channel,
      ...config.bots,
      ...config.desks,
    ]
    return {
      instance,
      name: channel.name,
      account: channel.account,
      capabilities: channel.capabilities,
      answersInline: channel.answer === 'inline' || channel.capabilities.later.length === 0,
      onUnknown: channel.onUnknown,
      reserve: channel.reserve,
      chain: makeChain(withHooks.map(({ name }) => get(name))),
      routes: routes.filter(({ from }) => from.includes(channel.name)).map(({ planned }) => planned),
    }
  })
  return {
    revision: config.revision.hash,
    languages: config.languages,
    texts: config.texts,
    instances,
    channels: new Map(channels.map((channel) => [channel.account, channel])),
    down: downAccounts(config, before),
  }
}

/**
 * A channel that is down cannot be asked for its account: it is known from the time when it ran. One that never ran
 * under its name may be another under a new one: as long as there is such a channel, no account is given up.
 */
function downAccounts({ channels, down }: CheckedConfig, before: Plan | undefined): ReadonlyMap<string, DownAccount> {
  const running = new Set(channels.map(({ account }) => account))
  const names = new Map(
    [...(before?.down ?? []), ...(before?.channels ?? [])].map(([account, { name }]) => [account, name]),
  )
  const waiting = [...names].filter(([account]) => !running.has(account))
  const unknown = down.filter(({ name }) => !waiting.some(([, ran]) => ran === name))
  const renamed = unknown.map(({ name, because }) => `It may be ${name} now. ${because}`).join(' ')
  return new Map(
    waiting.flatMap(([account, name]) => {
      const because = down.find((one) => one.name === name)?.because ?? renamed
      return because ? [[account, { name, because }]] : []
    }),
  )
}

/** The plan, with the channel of this account as one that can only say something inside the response. */
export function onlyAnswering(plan: Plan, account: string): Plan {
  const channel = plan.channels.get(account)
  if (!channel) return plan
  const { sends, inline, showsIdentity } = channel.capabilities
  const { text, ...others } = sends
  const isSaid = ([type]: readonly [string, unknown]) => inline?.parts?.some((one) => one === type) ?? true
  const capabilities: Capabilities = {
    ...channel.capabilities,
    sends: { text, ...Object.fromEntries(Object.entries(others).filter(isSaid)) },
    later: [],
    showsIdentity: inline?.showsIdentity === false ? 'none' : showsIdentity,
  }
  return { ...plan, channels: new Map(plan.channels).set(account, { ...channel, capabilities, answersInline: true }) }
}

function planRoute(route: CheckedRoute, line: string, get: (name: string) => Instance): PlannedRoute {
  const handOff = route.mode === 'bot-first' ? route.handOff : undefined
  return {
    id: route.id,
    name: route.name,
    line,
    mode: route.mode,
    bots: 'bots' in route ? route.bots.map(get) : [],
    desk: 'desk' in route ? get(route.desk) : undefined,
    team: 'team' in route ? route.team : undefined,
    collectMs: route.collectMs,
    handOff: {
      unknown: handOff?.unknown,
      failures: handOff?.failures,
      guided: handOff?.guided ?? false,
      intents: handOff?.intents ?? [],
      menu: handOff?.menu ?? [],
    },
  }
}

function makeChain(instances: readonly Instance[]): Chain {
  const steps = <H>(hook: (hooks: AnyHooks) => H | undefined): readonly Step<H>[] =>
    instances.flatMap((instance) => {
      const run = hook(instance.hooks)
      return run === undefined ? [] : [{ instance, run }]
    })
  return {
    guard: steps(({ inbound }) => inbound?.guard),
    enrich: steps(({ inbound }) => inbound?.enrich),
    intercept: steps(({ inbound }) => inbound?.intercept),
    respond: steps(({ inbound }) => inbound?.respond),
    rewrite: steps(({ outbound }) => outbound?.rewrite),
    listeners: {
      'conversation.opened': steps(({ events }) => events?.['conversation.opened']),
      'conversation.queued': steps(({ events }) => events?.['conversation.queued']),
      'conversation.assigned': steps(({ events }) => events?.['conversation.assigned']),
      'conversation.returned': steps(({ events }) => events?.['conversation.returned']),
      'conversation.closed': steps(({ events }) => events?.['conversation.closed']),
      'agent.replied': steps(({ events }) => events?.['agent.replied']),
      'delivery.failed': steps(({ events }) => events?.['delivery.failed']),
    },
  }
}
