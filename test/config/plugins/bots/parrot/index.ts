import { defineBot, file, z } from '#core'

export default defineBot({
  name: 'parrot',
  summary: 'Says what it is told.',
  config: z.strictObject({
    prefix: z.string().optional(),
    knowledge: file().optional(),
    mood: z.enum(['calm', 'cheerful', 'short']).default('calm'),
  }),
  check: ({ knowledge }) =>
    (knowledge?.text ?? '').split('\n').flatMap((line, index, all) =>
      line !== '' && all.indexOf(line) < index
        ? [
            {
              path: ['knowledge'],
              message: `line ${index + 1} of the file stands there twice.`,
              instead: 'Keep one.',
            },
          ]
        : [],
    ),
  setup: () => ({ answer: (turn) => turn.reply(turn.text) }),
})
