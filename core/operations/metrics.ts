/**
 * What Prometheus reads at `/metrics`. Whatever is counted on the main path is a counter made beforehand; what can be
 * looked up is looked up only when somebody reads. No label ever holds a customer's id or free text.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import manifest from '../../package.json' with { type: 'json' }
import type { ChatChange, DeliveryResult } from '../journal/engine.ts'
import type { OutcomeKind } from '../turn.ts'
import type { Backlog } from './backlog.ts'

export interface Metrics {
  /** An event came in, durably; `repeated`: it was here before. */
  accepted(channel: string, repeated: boolean): void
  /** A change of a chat is on disk: a turn may have ended with it, and deliveries that the platform would refuse. */
  committed(channel: string, change: Pick<ChatChange, 'turn' | 'deliveries'>): void
  /** An event was being handled for so long, whatever came of it. */
  turnTook(ms: number): void
  /** A plugin's hook threw, timed out or answered badly. */
  hookFailed(instance: string, stage: string): void
  /** A delivery was tried, or has ended without. `pending`: it is tried again. */
  delivered(channel: string, result: Pick<DeliveryResult, 'state' | 'code'>): void
  /** Another configuration was to be applied: passes its end on, good or bad. */
  reloaded(applying: Promise<void>): Promise<void>
  /** A changed configuration file has problems, and was not even to be applied. */
  reloadRefused(): void
  /** Everything, in Prometheus' text format. */
  text(now: Readings): Promise<string>
  readonly contentType: string
}

/** What is looked up when somebody reads. */
export interface Readings {
  /** By channel's name: 1 when it takes messages and sends, 0 when it does not. */
  readonly channels: ReadonlyMap<string, 0 | 1>
  readonly journal: { readonly writable: boolean; readonly batches: number; readonly operations: number }
  readonly web: { readonly refused: number; readonly keptOut: number; readonly overloaded: number }
  /** `undefined` when the journal could not be read. */
  readonly backlog: Backlog | undefined
  /** The hash of the YAML in force. */
  readonly revision: string
}

/** Of a channel, further codes count as `OTHER`: plugins make them, and each would be a series of its own. */
const MAX_CODES = 50
const CODE = /^[A-Z][A-Z0-9_]{1,39}$/
const TURN_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120]

let started: Registry | undefined

/** Memory, processor and event loop belong to the process, which may hold more than one runtime. */
function processRegistry(): Registry {
  if (started) return started
  started = new Registry()
  collectDefaultMetrics({ register: started })
  return started
}

export function makeMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const ofProcess = processRegistry()
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter({ name: `switchboard_${name}`, help, labelNames, registers })
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name: `switchboard_${name}`, help, labelNames, registers })

  const events = counter('events_total', 'Events that came in, by channel. Repeated ones had come before.', [
    'channel',
    'repeated',
  ])
  const outcomes = counter('turns_total', 'Turns that have ended, by outcome.', ['outcome'])
  const turnSeconds = new Histogram({
    name: 'switchboard_turn_duration_seconds',
    help: 'How long an event was being handled, each time that it was.',
    buckets: TURN_SECONDS,
    registers,
  })
  const hookFailures = counter('hook_failures_total', 'Hooks of plugins that threw, timed out or answered badly.', [
    'instance',
    'stage',
  ])
  const deliveries = counter('deliveries_total', 'Deliveries that have ended, by channel (or desk:name) and how.', [
    'channel',
    'state',
    'code',
  ])
  const retries = counter('delivery_retries_total', 'Tries after which a delivery is tried again.', ['channel'])
  const reloads = counter('reloads_total', 'Configurations that were to be applied while running.', ['result'])
  const refused = counter('http_refused_total', 'Requests answered 4xx, or cut off before they were whole.')
  const keptOut = counter('http_kept_out_total', 'Requests answered 429: the address was refused too often.')
  const overloaded = counter('http_overloaded_total', 'Requests answered 503: too many at a time.')
  const batches = counter('journal_batches_total', 'Transactions of the journal, each one flush of the disk.')
  const operations = counter('journal_operations_total', 'What was written in them.')

  const channelUp = gauge('channel_up', '1: the channel takes messages and sends; see /readyz for why not.', [
    'channel',
  ])
  const writable = gauge('journal_writable', '0: nothing is accepted, because the journal cannot be written.')
  const waiting = gauge('events_waiting', 'Events that wait to be handled.')
  const oldest = gauge('events_waiting_oldest_seconds', 'How long the oldest of them has waited.')
  const openDeliveries = gauge('deliveries_open', 'Deliveries on their way, by channel or desk.', ['to'])
  const unknownDeliveries = gauge('deliveries_unknown', 'Deliveries of which nobody knows whether they were sent.')
  const conversations = gauge('conversations', 'Open conversations, by state.', ['state'])
  const build = gauge('build_info', 'Always 1.', ['version', 'node'])
  const config = gauge('config_info', 'Always 1: the beginning of the hash of the YAML in force.', ['revision'])
  build.set({ version: manifest.version, node: process.version }, 1)

  const tallies: { readonly counter: Counter; readonly labels: readonly string[]; readonly tally: Tally }[] = []
  /** Begins at 0: whoever reads has to see a series before it rises. */
  function series(counter: Counter, ...labels: string[]): Tally {
    const tally = new Tally()
    tallies.push({ counter, labels, tally })
    return tally
  }

  const byResult = onceFor((result: string) => series(reloads, result))
  const byOutcome = onceFor((outcome: OutcomeKind) => series(outcomes, outcome))
  const byInstance = onceFor((instance: string) => onceFor((stage: string) => series(hookFailures, instance, stage)))
  const byChannel = onceFor((channel: string) => ({
    fresh: series(events, channel, 'no'),
    repeated: series(events, channel, 'yes'),
  }))
  /** A channel, or `desk:<name>`. */
  const byDestination = onceFor((to: string) => ({
    retried: series(retries, to),
    sent: series(deliveries, to, 'sent', ''),
    ended: onceFor((state: string) => onceFor((code: string) => series(deliveries, to, state, code))),
    codeOf: boundedCodes(),
  }))

  function delivered(to: string, { state, code }: Pick<DeliveryResult, 'state' | 'code'>): void {
    const counters = byDestination(to)
    if (state === 'pending') counters.retried.inc()
    else if (state === 'sent') counters.sent.inc()
    else counters.ended(state)(counters.codeOf(code)).inc()
  }

  return {
    accepted: (channel, repeated) => byChannel(channel)[repeated ? 'repeated' : 'fresh'].inc(),
    committed(channel, { turn, deliveries = [] }) {
      if (turn) byOutcome(turn.outcome).inc()
      for (const { start, code } of deliveries) if (start === 'dead') delivered(channel, { state: 'dead', code })
    },
    turnTook: (ms) => turnSeconds.observe(ms / 1000),
    hookFailed: (instance, stage) => byInstance(instance)(stage).inc(),
    delivered,
    async reloaded(applying) {
      try {
        await applying
        byResult('applied').inc()
      } catch (error) {
        byResult('failed').inc()
        throw error
      }
    },
    reloadRefused: () => byResult('refused').inc(),
    async text({ channels, journal, web, backlog, revision }) {
      for (const channel of channels.keys()) {
        byChannel(channel)
        byDestination(channel)
      }
      for (const { counter } of tallies) counter.reset()
      for (const { counter, labels, tally } of tallies) counter.labels(...labels).inc(tally.count)
      setAll(channelUp, channels)
      writable.set(journal.writable ? 1 : 0)
      setTotal(batches, journal.batches)
      setTotal(operations, journal.operations)
      setTotal(refused, web.refused)
      setTotal(keptOut, web.keptOut)
      setTotal(overloaded, web.overloaded)
      config.reset()
      config.set({ revision: revision.slice(0, 12) }, 1)
      for (const one of [waiting, oldest, unknownDeliveries]) one.reset()
      if (backlog) {
        waiting.set(backlog.waiting)
        oldest.set(backlog.oldestMs / 1000)
        unknownDeliveries.set(backlog.unknownDeliveries)
      }
      setAll(openDeliveries, backlog?.openDeliveries ?? new Map())
      setAll(conversations, backlog?.conversations ?? new Map())
      return `${await registry.metrics()}\n${await ofProcess.metrics()}`
    },
    contentType: registry.contentType,
  }
}

/** One series of a counter. To count is one addition; the library, which makes a text of the labels, is told when read. */
class Tally {
  count = 0
  inc(): void {
    this.count += 1
  }
}

/** What is made for a key once, and then kept. */
function onceFor<K, V>(make: (key: K) => V): (key: K) => V {
  const made = new Map<K, V>()
  return (key) => {
    const known = made.get(key)
    if (known !== undefined) return known
    const value = make(key)
    made.set(key, value)
    return value
  }
}

/** What counts as a code, so that no plugin makes series without end, nor of free text. */
function boundedCodes(): (code: string | undefined) => string {
  const known = new Set<string>()
  return (code = '') => {
    if (known.has(code)) return code
    if (known.size >= MAX_CODES || !CODE.test(code)) return 'OTHER'
    known.add(code)
    return code
  }
}

/** Every value under its label; those of before are gone. */
function setAll(gauge: Gauge, values: ReadonlyMap<string, number>): void {
  gauge.reset()
  for (const [label, value] of values) gauge.labels(label).set(value)
}

/** What is counted elsewhere, from nothing on, as this has it. */
function setTotal(total: Counter, count: number): void {
  total.reset()
  total.inc(count)
}
