/**
 * Rasa's REST channel, as an assistant has it without a line of code.
 * Source: Rasa, "Your Own Website", https://rasa.com/docs/reference/channels/your-own-website, and its HTTP API,
 * "Post user message from a REST channel", read 2026-11-22.
 */
import { type Part, z } from '#core'
import { Answer, type Asked, checked, parsed } from './answer.ts'

const Button = z.looseObject({ title: z.string().min(1).max(1_024), payload: z.string().min(1).max(512) })
const Message = z.looseObject({
  text: z.string().nullish(),
  image: z.string().min(1).nullish(),
  buttons: z.array(Button).max(100).nullish(),
  custom: z.looseObject({}).nullish(),
})
const Messages = z.array(Message).max(50)

/** The body of a request. A button that was picked sends its payload, as Rasa expects; `undefined`: there are no words. */
export function rasaBody({ chat, choice, text, event }: Asked): string | undefined {
  const message = choice ?? (event.type === 'menu-click' ? event.key : text)
  return message === '' ? undefined : JSON.stringify({ sender: chat.id, message })
}

/** Its messages as one answer. A `custom` one says by our own keys how the turn ends; without any, it did not know. */
export async function readRasaAnswer(response: Response): Promise<Answer> {
  const messages = checked(Messages, parsed(await response.text()))
  const content = messages.flatMap(partsOf)
  const custom = Object.assign({}, ...messages.map((message) => message.custom ?? {}))
  if (content.length === 0 && Object.keys(custom).length === 0) return { unknown: true }
  return checked(Answer, content.length === 0 ? custom : { content, ...custom })
}

function partsOf({ text, image, buttons }: z.output<typeof Message>): readonly Part[] {
  const choices = (buttons ?? []).map(({ title, payload }) => ({ id: payload, label: title }))
  const words: readonly Part[] =
    choices.length > 0 ? [{ type: 'choices', prompt: text ?? '', choices }] : text ? [{ type: 'text', text }] : []
  return image ? [...words, { type: 'image', url: image }] : words
}
