/**
 * Rasa's REST channel, as an assistant has it without a line of code.
 * Source: Rasa, "Your Own Website", https://rasa.com/docs/reference/channels/your-own-website, and its HTTP API,
 * "Post user message from a REST channel", read 2026-11-22.
 */
import { type Part, textOf, z } from '#core'
import { Answer, type Asked, checked, Keys, parsed, UnusableAnswer } from './answer.ts'

const title = z.string().min(1).max(1_024)
/** A button sends its payload, or opens a page. */
const Button = z.union([
  z.looseObject({ title, payload: z.string().min(1).max(512) }),
  z.looseObject({ title, url: z.string().min(1) }),
])
const address = z.url({ protocol: /^https?$/ })
/** Its address, or what its own web widgets show. */
const Attachment = z.union([
  address.transform((url) => ({ type: 'file' as const, url })),
  z
    .looseObject({ type: z.enum(['image', 'audio', 'video', 'file']), payload: z.looseObject({ src: address }) })
    .transform(({ type, payload: { src } }) => ({ type, url: src })),
])
const Message = z.looseObject({
  text: z.string().nullish(),
  image: z.string().min(1).nullish(),
  buttons: z.array(Button).max(100).nullish(),
  attachment: z.unknown().optional(),
  custom: z.looseObject({}).nullish(),
})
const Messages = z.array(Message).max(50)

/** The body of a request; `undefined`: there are no words. */
export function rasaBody(turn: Asked): string | undefined {
  const message = messageOf(turn)
  return message === '' ? undefined : JSON.stringify({ sender: turn.chat.id, message })
}

/** A button that was picked sends its payload, as Rasa expects, unless more was written before it that waits too. */
function messageOf({ choice, text, event }: Asked): string {
  if (event.type === 'menu-click') return event.key
  const isAll = event.type === 'message' && text === textOf(event.parts)
  return choice !== undefined && isAll ? choice : text
}

/**
 * Its messages as one answer; without any, it did not know. A `custom` one says by our own keys how the turn ends. One
 * with none of them is meant for another front end.
 */
export async function readRasaAnswer(response: Response): Promise<Answer> {
  const messages = checked(Messages, parsed(await response.text()))
  if (messages.length === 0) return { unknown: true }
  const content = messages.flatMap(partsOf)
  const ours = messages.flatMap(({ custom }) => (custom && Object.keys(custom).some(isOurs) ? [custom] : []))
  if (content.length === 0 && ours.length === 0) throw new UnusableAnswer('It answered with nothing that can be shown.')
  return checked(Answer, Object.assign(content.length === 0 ? {} : { content }, ...ours))
}

function isOurs(key: string): boolean {
  return Object.hasOwn(Keys.shape, key)
}

function partsOf({ text, image, buttons, attachment }: z.output<typeof Message>): readonly Part[] {
  const choices = (buttons ?? []).flatMap((one) =>
    'payload' in one ? [{ id: String(one.payload), label: one.title }] : [],
  )
  const { data: file } = Attachment.safeParse(attachment)
  return [
    ...(choices.length > 0
      ? [{ type: 'choices' as const, prompt: text ?? '', choices }]
      : text?.trim()
        ? [{ type: 'text' as const, text }]
        : []),
    ...(buttons ?? []).flatMap((one) =>
      'payload' in one ? [] : [{ type: 'link' as const, url: one.url, title: one.title }],
    ),
    ...(image ? [{ type: 'image' as const, url: image }] : []),
    ...(file ? [file] : []),
  ]
}
