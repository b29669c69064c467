import { type InboundEvent, z } from '#core'

const Part = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text: z.string().max(20_000) }),
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
])

const base = {
  id: z.string().min(1).max(256),
  chat: z.string().min(1).max(256),
  atMs: z.number().int().nonnegative().optional(),
  entry: z.string().max(256).optional(),
  name: z.string().max(256).optional(),
  language: z.string().max(35).optional(),
}

/** What may be posted: `text` is short for one text part. */
const Posted = z.union([
  z.strictObject({ ...base, text: z.string().min(1).max(20_000) }),
  z.strictObject({
    ...base,
    type: z.literal('message'),
    parts: z.array(Part).min(1).max(20),
    choice: z.string().max(256).optional(),
  }),
  z.strictObject({ ...base, type: z.literal('menu-click'), key: z.string().min(1).max(256) }),
  z.strictObject({ ...base, type: z.enum(['scan', 'follow', 'unfollow', 'chat-end']) }),
  z.strictObject({ ...base, type: z.literal('recall'), of: z.string().min(1).max(256) }),
  z.strictObject({
    ...base,
    type: z.literal('edit'),
    of: z.string().min(1).max(256),
    parts: z.array(Part).min(1).max(20),
  }),
])

/** One posted body as an event; throws a ZodError (answered with 400) when it is none. */
export function toEvent(body: unknown, nowMs: number): InboundEvent {
  const { name, language, ...posted } = Posted.parse(body)
  const sender = name === undefined && language === undefined ? undefined : { name, language }
  const common = { sender, atMs: posted.atMs ?? nowMs, grants: 'message' }
  if (!('text' in posted)) return { ...posted, ...common }
  const { text, ...rest } = posted
  return { ...rest, ...common, type: 'message', parts: [{ type: 'text', text }] }
}
