import { defineBot, eventStream, type Said, say, secret, z } from '#core'

const Chunk = z.object({
  choices: z.array(
    z.object({ delta: z.object({ content: z.string().nullish(), tool_calls: z.array(z.unknown()).nullish() }) }),
  ),
})
const HAND_OFF = { name: 'hand_off', description: 'Asks a person to take over.', parameters: { type: 'object' } }
const asMessage = ({ by, text }: Said) => ({ role: by.kind === 'customer' ? 'user' : 'assistant', content: text })

export default defineBot({
  name: 'small-llm',
  summary: 'Answers with any model that speaks the OpenAI protocol; the model may hand over to people.',
  config: z.strictObject({
    url: z.url().describe('The address of the API, as https://api.openai.com/v1.'),
    key: secret().describe('The API key.'),
    model: z.string().min(1).describe('The name of the model.'),
    prompt: z.string().describe('What the model is told before every conversation.'),
    handingOver: say().optional().describe('What the customer is told when the model hands over.'),
  }),
  setup: ({ config, http }) => ({
    async *answer(turn) {
      const said = (await turn.history({ max: 20 })).map(asMessage)
      const messages = [{ role: 'system', content: config.prompt }, ...said, { role: 'user', content: turn.text }]
      const tools = [{ type: 'function', function: HAND_OFF }]
      const response = await http(`${config.url}/chat/completions`, {
        method: 'POST',
        signal: turn.signal,
        headers: { authorization: `Bearer ${config.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: config.model, stream: true, messages, tools }),
      })
      if (!response.ok) throw new Error(`The model answered with HTTP ${response.status}.`)
      let text = ''
      for await (const data of eventStream(response)) {
        if (data === '[DONE]') return text ? turn.reply(text) : turn.unknown()
        const { content, tool_calls } = Chunk.parse(JSON.parse(data)).choices[0]?.delta ?? {}
        if (tool_calls) return turn.handOff({ say: config.handingOver, because: 'the model asked for a person' })
        if (content) text += content
        if (content) yield text
      }
      throw new Error('The model broke off in the middle of its answer.')
    },
  }),
})
