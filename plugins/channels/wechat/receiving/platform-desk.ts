/**
 * The platform has a desk of its own. What its people write is told to nobody; that they have a customer is, and as long
 * as they do the bot is silent.
 * Source: https://developers.weixin.qq.com/doc/service/en/guide/product/message/Receiving_event_pushes.html, read
 * 2026-11-20.
 */
import { type CallbackEvent, type InboundEvent, type Next, type Outcome, type Turn, z } from '#core'

/**
 * So long after the last that was heard of it, a session counts as over: the platform then passes messages on to us again.
 * Source: the platform's page 将消息转发到客服 as of 2017-11, kept at https://github.com/deerchao/weixin.next, read
 * 2026-11-20.
 */
const SESSION_MS = 30 * 60 * 1_000

/** Who of the platform's desk has the customer, and since when; `null`: nobody. */
export const platformDeskState = {
  platformDesk: z.object({ account: z.string(), sinceMs: z.number() }).nullable().default(null),
}
type State = z.ZodObject<typeof platformDeskState>

/** For `guard`: notes who has the customer, and ends what only a bot would answer. */
export function yieldToPlatformDesk(turn: Turn<State, CallbackEvent | InboundEvent>, next: Next): Outcome {
  const { event, state } = turn
  const session = sessionOf(event)
  if (session === 'over') {
    state.platformDesk = null
    return turn.done('the platform’s own desk has let the customer go')
  }
  if (session) {
    state.platformDesk = { account: session.account, sinceMs: event.atMs }
    return turn.done(`${session.account} has the customer in the platform’s own desk`)
  }
  const { platformDesk } = state
  if (!platformDesk || turn.answeredBy === 'people' || !ASKS.has(event.type)) return next()
  if (event.atMs < platformDesk.sinceMs + SESSION_MS)
    return turn.done(`${platformDesk.account} has the customer in the platform’s own desk`)
  state.platformDesk = null
  return next()
}

/** What a bot would be asked about. */
const ASKS: ReadonlySet<string> = new Set(['message', 'menu-click', 'scan'])

const Begun = z.object({ KfAccount: z.string().min(1).max(256) }).transform(({ KfAccount: account }) => ({ account }))
const Passed = z
  .object({ ToKfAccount: z.string().min(1).max(256) })
  .transform(({ ToKfAccount: account }) => ({ account }))

function sessionOf(event: CallbackEvent | InboundEvent): { readonly account: string } | 'over' | undefined {
  if (event.type !== 'other') return undefined
  switch (event.kind) {
    case 'kf_create_session':
      return Begun.safeParse(event.raw).data
    case 'kf_switch_session':
      return Passed.safeParse(event.raw).data
    case 'kf_close_session':
      return 'over'
    default:
      return undefined
  }
}
