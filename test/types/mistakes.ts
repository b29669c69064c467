/**
 * Mistakes that must not compile: the compiler complains here as soon as one of them does. Each stands on one line, so
 * that its error is expected exactly there; that is why this file is not formatted.
 */
import { defineBot, defineChannel, defineDesk, definePlugin, duration, optional, type Say, service, z } from '#core'

const base = { name: 'mistake', summary: 'Is wrong.', config: z.strictObject({ a: z.string() }) }
const counter = service<{ count(): number }>('counter')

// ── outcomes ────────────────────────────────────────────────────────────────────────────────
// @ts-expect-error a path without next
definePlugin({ ...base, setup: () => ({ inbound: { respond(turn, _next) { if (turn.text) return turn.done('x') } } }) })
// @ts-expect-error next is called and not returned
definePlugin({ ...base, setup: () => ({ inbound: { guard(_turn, next) { next() } } }) })
// @ts-expect-error an async hook with a path that returns nothing
definePlugin({ ...base, setup: () => ({ inbound: { async intercept(turn, _next) { if (turn.text) return turn.done('x') } } }) })
// @ts-expect-error an outcome made by hand
definePlugin({ ...base, setup: () => ({ inbound: { respond: () => ({ kind: 'answered' }) } }) })
// @ts-expect-error an outcome of a wake made by hand
definePlugin({ ...base, setup: () => ({ woken: () => true }) })
// @ts-expect-error handing over without saying why
definePlugin({ ...base, setup: () => ({ inbound: { respond: (turn) => turn.handOff({}) } }) })
// @ts-expect-error dropping without saying why
definePlugin({ ...base, setup: () => ({ inbound: { guard: (turn) => turn.drop() } }) })
// @ts-expect-error a listener cannot end anything
definePlugin({ ...base, setup: () => ({ events: { 'agent.replied': (turn) => turn.done('x') } }) })

// @ts-expect-error only a channel says who a customer is
definePlugin({ ...base, setup: () => ({ inbound: { enrich: (turn) => turn.learn({ customer: { userId: 'ann' } }) } }) })

// ── names ───────────────────────────────────────────────────────────────────────────────────
// @ts-expect-error a stage that does not exist
definePlugin({ ...base, setup: () => ({ inbound: { respnd: () => 1 } }) })
// @ts-expect-error a stage that does not exist beside one that does
definePlugin({ ...base, setup: () => ({ inbound: { respond: (_turn, next) => next(), gaurd: () => 1 } }) })
// @ts-expect-error a hook that does not exist beside one that does
definePlugin({ ...base, setup: () => ({ inbound: {}, evnts: { x() {} } }) })
// @ts-expect-error an event that does not exist beside one that does
definePlugin({ ...base, setup: () => ({ events: { 'agent.replied'() {}, 'conversation.close'() {} } }) })
// @ts-expect-error a channel's method that does not exist
defineChannel({ ...base, account: () => '', capabilities: () => ({ sends: { text: {} }, later: [], showsIdentity: 'none' }), setup: () => ({ send: async () => ({}), lisen: async () => {} }) })
// @ts-expect-error a bot's hook that does not exist
defineBot({ ...base, setup: () => ({ answer: (_turn, next) => next(), wokn() {} }) })
// @ts-expect-error a desk without its where
defineDesk({ ...base, setup: () => ({ deliver: async () => {} }) })

// ── bots ────────────────────────────────────────────────────────────────────────────────────
// @ts-expect-error a bot with a path that answers nothing
defineBot({ ...base, setup: () => ({ answer(turn) { if (turn.text) return turn.reply('x') } }) })
// @ts-expect-error an answer made by hand
defineBot({ ...base, setup: () => ({ answer: () => ({ kind: 'reply', content: 'x' }) }) })
// @ts-expect-error a stream without an end
defineBot({ ...base, setup: () => ({ async *answer(_turn) { yield 'x' } }) })

// ── what a turn holds ───────────────────────────────────────────────────────────────────────
// @ts-expect-error state that is not declared
definePlugin({ ...base, setup: () => ({ inbound: { respond(turn, next) { turn.state.count; return next() } } }) })
// @ts-expect-error a fact that does not exist
definePlugin({ ...base, setup: () => ({ inbound: { enrich: (turn) => turn.learn({ langauge: 'x' }) } }) })
// @ts-expect-error a fact that does not exist beside one that does
definePlugin({ ...base, setup: () => ({ inbound: { enrich: (turn) => turn.learn({ language: 'x', transcript: 'y' }) } }) })

// ── services ────────────────────────────────────────────────────────────────────────────────
// @ts-expect-error a service that is promised and not lent
definePlugin({ ...base, provides: { counter }, setup: () => ({ inbound: {} }) })
// @ts-expect-error an optional service used as if it were there
definePlugin({ ...base, needs: { counter: optional(counter) }, setup: ({ counter }) => { counter.count(); return {} } })

// ── routes ──────────────────────────────────────────────────────────────────────────────────
// @ts-expect-error a route that is neither public nor not
definePlugin({ ...base, setup({ web }) { web.get('/', { config: { public: 'yes' } }, () => 'x'); return {} } })

// ── parts and settings ──────────────────────────────────────────────────────────────────────
// @ts-expect-error a part of no known type
export const unknownPart: Say = { type: 'txt', text: 'x' }
// @ts-expect-error a part without what it needs
export const unfinishedPart: Say = { type: 'image', ulr: 'x' }
// @ts-expect-error the default of a duration is its argument
duration().default('10m')
