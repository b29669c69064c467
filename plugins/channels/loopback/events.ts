/** What may be posted, and the event that it is. */
import { type InboundEvent, z } from '#core'

const Text = z.string().min(1).max(20_000)
const Id = z.string().min(1).max(256)

const Part = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text: Text }),
  z.strictObject({
    type: z.enum(['image', 'audio', 'video', 'file']),
    url: z.url().max(4_096),
    name: z.string().max(512).optional(),
    mimeType: z.string().max(128).optional(),
  }),
  z.strictObject({
    type: z.literal('location'),
    latitude: z.number().min(-90).max(90),
    longitude: z.number().min(-180).max(180),
    label: z.string().max(512).optional(),
  }),
  z.strictObject({ type: z.literal('link'), url: z.url().max(4_096), title: z.string().min(1).max(512) }),
])
const Parts = z.array(Part).min(1).max(20)

const base = {
  id: Id,
  chat: Id,
  atMs: z.int().nonnegative().optional(),
  entry: z.string().max(256).optional(),
  name: z.string().max(256).optional(),
  language: z.string().max(35).optional(),
}
const choice = z.string().max(256).optional()

const Posted = z.discriminatedUnion('type', [
  z.strictObject({ ...base, type: z.literal('text'), text: Text, choice }),
  z.strictObject({ ...base, type: z.literal('message'), parts: Parts, choice }),
  z.strictObject({ ...base, type: z.literal('edit'), of: Id, parts: Parts }),
  z.strictObject({ ...base, type: z.literal('recall'), of: Id }),
  z.strictObject({ ...base, type: z.literal('menu-click'), key: Id }),
  z.strictObject({ ...base, type: z.enum(['scan', 'follow', 'unfollow', 'chat-end']) }),
  z.strictObject({ ...base, type: z.literal('agent-message'), parts: Parts, agent: Id }),
])

const Json = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    context.addIssue('The body is not JSON.')
    return z.NEVER
  }
})

/** One posted body as an event; what says no `type` is a text. Throws a ZodError (answered with 400) when it is none. */
export function toEvent(body: string, nowMs: number): InboundEvent {
  const json = Json.parse(body)
  const isShort = typeof json === 'object' && json !== null && !('type' in json)
  const { name, language, atMs = nowMs, ...posted } = Posted.parse(isShort ? { ...json, type: 'text' } : json)
  const sender = name === undefined && language === undefined ? undefined : { name, language }
  const common = { sender, atMs, grants: 'message' }
  if (posted.type !== 'text') return { ...posted, ...common }
  const { text, ...rest } = posted
  return { ...rest, ...common, type: 'message', parts: [{ type: 'text', text }] }
}
