/** What authors need not write, because it is inferred; this file must compile. */
import { defineBot, definePlugin, optional, type Say, service, z } from '#core'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function same<A, B>(yes: Equal<A, B>): void

const clockwork = service<{ ticks(): number }>('clockwork')

definePlugin({
  name: 'inferred',
  summary: 'Has everything inferred.',
  config: z.strictObject({ word: z.string(), times: z.number().optional() }),
  needs: { clockwork, maybe: optional(clockwork) },
  state: z.object({ seen: z.number().default(0) }),
  setup({ config, clockwork, maybe }) {
    same<typeof config, { word: string; times?: number | undefined }>(true)
    same<typeof clockwork, { ticks(): number }>(true)
    same<typeof maybe, { ticks(): number } | undefined>(true)
    return {
      inbound: {
        respond(turn, next) {
          same<typeof turn.state, { seen: number }>(true)
          turn.state.seen += 1
          return next()
        },
        async guard(turn, next) {
          return (await Promise.resolve(turn.text)) ? next() : turn.drop('no words')
        },
      },
      events: {
        async 'agent.replied'(turn) {
          same<typeof turn.event.person, string>(true)
          turn.say(turn.conversation.id)
        },
      },
      woken: (turn, next) => (turn.key === 'end' ? turn.close({ because: 'over' }) : next()),
      outbound: {
        rewrite: (reply, next) => (reply.content === '' ? reply.drop('empty') : next({ content: 'x' })),
      },
    }
  },
})

defineBot({
  name: 'localized',
  summary: 'Answers in two languages, as a promise.',
  config: z.strictObject({}),
  setup: async () => ({
    answer: async (turn) =>
      turn.reply({ en: 'hello', 'zh-CN': [{ type: 'text', text: turn.conversation.id }] }, { guided: true }),
  }),
})

export const says: readonly Say[] = [
  'a text',
  { type: 'text', text: 'a part' },
  [{ type: 'image', url: 'https://example.org/a.png' }],
  { en: 'one language', de: { type: 'text', text: 'another' } },
]
