import { definePlugin, secret, z } from '#core'

const Recognised = z.object({ text: z.string(), language: z.string().optional() })

export default definePlugin({
  name: 'transcription',
  summary: 'Writes down what is said in voice messages.',
  config: z.strictObject({
    url: z.url().describe('The address of the recogniser.'),
    key: secret().describe('Its API key.'),
  }),
  setup({ config, http, media }) {
    async function recognise(url: string, signal: AbortSignal) {
      const { body, mimeType } = await media.open(url, { signal })
      const headers = { authorization: `Bearer ${config.key}`, 'content-type': mimeType }
      const response = await http(config.url, { method: 'POST', headers, body, signal })
      if (!response.ok) throw new Error(`The recogniser answered with HTTP ${response.status}.`)
      return Recognised.parse(await response.json())
    }
    return {
      inbound: {
        async enrich(turn) {
          if (turn.event.type !== 'message') return
          for (const part of turn.event.parts) {
            if (part.type !== 'audio' || part.transcript !== undefined) continue
            const { text, language } = await recognise(part.url, turn.signal)
            turn.learn({ language, transcripts: { [part.url]: text } })
          }
        },
      },
    }
  },
})
