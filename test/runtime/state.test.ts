/** What a plugin remembers of a chat. */
import { expect, test } from 'vitest'
import { definePlugin, z } from '#core'
import { testRuntime } from '#core/testing'

/** Counts what is to be counted, and looks at its count each time. */
const counter = definePlugin({
  name: 'counter',
  summary: 'Counts.',
  config: z.strictObject({}),
  state: z.object({ count: z.number().default(0), words: z.array(z.string()).default([]) }),
  setup: (_context) => ({
    inbound: {
      respond(turn) {
        const { state } = turn
        if (turn.text.startsWith('count ')) {
          state.count += 1
          state.words.push(turn.text.slice('count '.length))
        }
        return turn.reply(`${state.count}: ${state.words.join(' ')}`)
      },
    },
  }),
})

test('what a hook only looks at is not kept, what it changes is, inside a list too', async () => {
  await using runtime = await testRuntime({ bots: { parrot: { use: 'echo' } }, features: [{ use: counter }] })
  const kept = async () =>
    (await runtime.runtime.engine.read.selectFrom('state').select('body_json').execute()).map(({ body_json }) =>
      JSON.parse(body_json),
    )
  const user = runtime.user('u1')
  await user.says('well?').hears('0: ')
  expect(await kept()).toEqual([])
  await user.says('count one').hears('1: one').says('count two').hears('2: one two')
  expect(await kept()).toEqual([{ count: 2, words: ['one', 'two'] }])
  await user.says('well?').hears('2: one two')
  expect(await kept()).toEqual([{ count: 2, words: ['one', 'two'] }])
})
