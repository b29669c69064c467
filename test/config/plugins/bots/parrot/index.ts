import { defineBot, file, z } from '#core'

export default defineBot({
  name: 'parrot',
  summary: 'Says what it is told.',
  config: z.strictObject({
    prefix: z.string().optional(),
    knowledge: file().optional(),
    mood: z.enum(['calm', 'cheerful', 'short']).default('calm'),
  }),
  check: ({ knowledge }) => {
    if (!knowledge) return []
    const lines = knowledge.text.split('\n')
    return lines.flatMap((line, index) => {
      if (line === '' || lines.indexOf(line) === index) return []
      const offset = lines.slice(0, index).join('\n').length + 1
      const message = `line ${index + 1} of the file stands there twice.`
      return [{ path: ['knowledge'], message, instead: 'Keep one.', at: { file: knowledge, offset } }]
    })
  },
  setup: () => ({ answer: (turn) => turn.reply(turn.text) }),
})
