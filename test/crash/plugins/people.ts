/** A desk whose people are elsewhere: every item is posted there with its id, and what they do comes back as commands. */
import { defineDesk, z } from '#core'

const target = {
  id: z.string(),
  person: z.string(),
  /** The chat as the platform calls it. */
  account: z.string(),
  customer: z.string(),
}

const Posted = z.discriminatedUnion('type', [
  z.strictObject({ ...target, type: z.literal('take') }),
  z.strictObject({ ...target, type: z.literal('return') }),
  z.strictObject({ ...target, type: z.literal('send'), content: z.string() }),
  z.strictObject({ ...target, type: z.literal('note'), text: z.string() }),
])

export default defineDesk({
  name: 'people',
  summary: 'Posts what it is told, and takes commands.',
  config: z.strictObject({ postTo: z.url() }),
  setup({ config, http, web, journal, command }) {
    web.post('/', async (request, answer) => {
      const { account, customer, person, ...rest } = Posted.parse(request.body)
      const chat = await journal
        .selectFrom('chat')
        .select('id')
        .where('account', '=', account)
        .where('external_id', '=', customer)
        .executeTakeFirst()
      if (!chat) return answer.code(404).send({ code: 'NOT_FOUND', message: 'This customer has not written yet.' })
      return command({ ...rest, chat: chat.id, by: { kind: 'agent', person } })
    })
    return {
      where: () => ({}),
      async deliver(item, { id, signal }) {
        const body = JSON.stringify({ id, conversation: item.conversation, type: item.type })
        const headers = { 'content-type': 'application/json' }
        const response = await http(config.postTo, { method: 'POST', headers, body, signal })
        if (!response.ok) throw new Error(`HTTP ${response.status}`)
      },
    }
  },
})
