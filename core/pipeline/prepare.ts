/** What is said inside a response, made ready in time: the platform may have to be given a file first. */
import type { Capabilities } from '../capabilities.ts'
import { messageOf } from '../errors.ts'
import type { DueDelivery } from '../journal/engine.ts'
import type { Part } from '../message.ts'
import type { Plan, PlannedChannel } from '../runtime/plan.ts'
import { during } from '../runtime/watchdog.ts'
import { abortable, limitOf } from '../services/limit.ts'
import { adapt, isWords } from './adapt.ts'
import type { Tools } from './tools.ts'

export type Prepared =
  | { readonly part: Part }
  /** `late`: not in time for this response; another time it may be. `refused`: the channel has said that it cannot be. */
  | { readonly part: undefined; readonly did: 'late' | 'refused'; readonly because: string }

/** Makes a part ready for a response that is open until `untilMs`. Words need nothing. */
export async function prepare(
  tools: Tools,
  { instance }: PlannedChannel,
  part: Part,
  of: { readonly entry: string; readonly untilMs: number },
): Promise<Prepared> {
  const makeReady = instance.channel?.prepare
  if (!makeReady || isWords(part)) return { part }
  if (tools.recorded) {
    const then = tools.recorded.step('prepare', instance.name)
    return then ? { part: undefined, did: 'refused', because: then.because ?? '' } : { part }
  }
  const { signal } = instance
  const late = new Error('It was not ready within the time that the platform waits for a response.')
  const limit = limitOf({
    signals: [signal],
    clock: tools.clock,
    ms: Math.max(0, of.untilMs - tools.clock.now()),
    late: () => late,
  })
  try {
    // What takes longer goes on: the next response, or who sends it, has it ready then.
    const ready = during(instance, of.entry, async () => makeReady(part, { signal }))
    return { part: await abortable(ready, limit.signal) }
  } catch (error) {
    const because = tools.redact(messageOf(error))
    const did = limit.signal.aborted ? 'late' : 'refused'
    instance.log.info({ entry: of.entry, error }, `${instance.name} (${instance.plugin.name}), prepare: ${because}`)
    return { part: undefined, did, because }
  } finally {
    limit.release()
  }
}

/** Of all that can be said there, only words. */
export function wordsOnly(capabilities: Capabilities): Capabilities {
  const { text, choices } = capabilities.sends
  return { ...capabilities, sends: { text, choices } }
}

/** The words that stand for a part; `undefined`: there are none. */
export function inWords(
  part: Part,
  of: { readonly channel: PlannedChannel; readonly plan: Plan; readonly language: string | undefined },
): Part | undefined {
  const { channel, plan, language } = of
  const { languages, texts } = plan
  const platform = channel.instance.plugin.name
  const capabilities = wordsOnly(channel.capabilities)
  return adapt(part, { capabilities, platform, language, languages, texts, identity: undefined, left: 1 }).parts[0]
}

/** The delivery, as it is said inside the response. */
export function asSaid(delivery: DueDelivery, part: Part): DueDelivery {
  return delivery.payload.kind === 'part' ? { ...delivery, payload: { ...delivery.payload, part } } : delivery
}
