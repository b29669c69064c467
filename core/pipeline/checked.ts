/** What plugins give is checked here, once, before the journal sees it: events that came in, and things to say. */
import { z } from 'zod'
import type { Command } from '../command.ts'
import type { Actor } from '../conversation.ts'
import { SwitchboardError } from '../errors.ts'
import type { Content, InboundEvent, Json, Part, Say } from '../message.ts'
import type { Facts } from '../turn.ts'
import type { Given, ReplyChange } from './draft.ts'

/** Longest text of one part, in UTF-16 units; far above what any platform takes. */
const MAX_TEXT = 100_000
const MAX_PARTS = 50

/** Half a character, as a text that was cut has it, is kept by no table as it is. */
const words = z.string().overwrite((text) => text.toWellFormed())
const Text = words.max(MAX_TEXT)
const Id = words.min(1).max(512)
const Url = z.string().min(1).max(8_192)
/** As z.json(), which cannot be compiled. */
const JsonValue = z.custom<Json>(isJson, { error: 'must be JSON' })

const media = {
  url: Url,
  name: z.string().max(1_024).optional(),
  mimeType: z.string().max(256).optional(),
  sizeBytes: z.number().nonnegative().optional(),
  durationMs: z.number().nonnegative().optional(),
  transcript: Text.optional(),
}

const PartSchema: z.ZodType<Part> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: Text }),
  z.object({ type: z.literal('image'), ...media }),
  z.object({ type: z.literal('audio'), ...media }),
  z.object({ type: z.literal('video'), ...media }),
  z.object({ type: z.literal('file'), ...media }),
  z.object({
    type: z.literal('location'),
    latitude: z.number().min(-90).max(90),
    longitude: z.number().min(-180).max(180),
    label: Text.optional(),
  }),
  z.object({
    type: z.literal('link'),
    url: Url,
    title: Text,
    description: Text.optional(),
    imageUrl: Url.optional(),
  }),
  z.object({
    type: z.literal('choices'),
    prompt: Text,
    choices: z
      .array(z.object({ id: Id, label: words.max(1_024) }))
      .min(1)
      .max(100),
  }),
  z.object({ type: z.literal('native'), platform: words, data: JsonValue, text: Text }),
])

const Parts = z.array(PartSchema).max(MAX_PARTS)
const ContentSchema: z.ZodType<Content> = z.union([Text, PartSchema, Parts])
const SaySchema: z.ZodType<Say> = z.union([ContentSchema, z.record(z.string(), ContentSchema)])

const customer = {
  name: z.string().max(1_024).optional(),
  language: z.string().max(64).optional(),
  avatarUrl: Url.optional(),
  fields: z.record(z.string(), JsonValue).optional(),
}

const inbound = {
  id: Id,
  chat: Id,
  sender: z.object({ ...customer, userId: Id.optional() }).optional(),
  atMs: z.number().nonnegative(),
  entry: z.string().max(1_024).optional(),
  grants: z.string().max(64).optional(),
  raw: JsonValue.optional(),
}

const EventSchema: z.ZodType<InboundEvent> = z.discriminatedUnion('type', [
  z.object({ ...inbound, type: z.literal('message'), parts: Parts, choice: z.string().max(512).optional() }),
  z.object({ ...inbound, type: z.literal('edit'), of: Id, parts: Parts }),
  z.object({ ...inbound, type: z.literal('recall'), of: Id }),
  z.object({ ...inbound, type: z.literal('menu-click'), key: z.string().max(1_024) }),
  z.object({ ...inbound, type: z.literal('scan') }),
  z.object({ ...inbound, type: z.enum(['follow', 'unfollow', 'chat-end']) }),
  z.object({ ...inbound, type: z.literal('agent-message'), parts: Parts, agent: z.string().max(512) }),
  z.object({ ...inbound, type: z.literal('other'), kind: z.string().max(512) }),
])

/** Checks five times as fast. Made by the first event: to make it takes longer than any other part of a start. */
let compiledEvent: typeof EventSchema | undefined

/** The event, without keys that are none of ours. Throws `PLUGIN_BAD_EVENT`, saying which part of it is wrong. */
export function checkedEvent(event: unknown): InboundEvent {
  compiledEvent ??= z.compile(EventSchema, { strict: true })
  const checked = compiledEvent.safeParse(event)
  if (checked.success) return checked.data
  throw new SwitchboardError('PLUGIN_BAD_EVENT', { detail: z.prettifyError(checked.error) })
}

/** What was said. */
export function checkedContent(content: unknown): Content {
  return ContentSchema.parse(content)
}

/** Something to say. Throws `PLUGIN_BAD_CONTENT`. */
export function checkedSay(say: unknown): Say {
  if (typeof say === 'string' && say.length <= MAX_TEXT) return say.toWellFormed()
  const checked = SaySchema.safeParse(say)
  if (checked.success) return checked.data
  throw new SwitchboardError('PLUGIN_BAD_CONTENT', { detail: z.prettifyError(checked.error) })
}

/** A plugin's state of one chat may hold this much, as JSON in UTF-8. */
const MAX_STATE_BYTES = 8 << 10

/** A state as it is kept: plain JSON that fits the schema. Throws `PLUGIN_BAD_STATE` or `PLUGIN_STATE_TOO_BIG`. */
export function checkedState(schema: z.ZodObject | undefined, state: unknown): Json {
  const fit = schema?.safeParse(state)
  if (!fit?.success) {
    throw new SwitchboardError('PLUGIN_BAD_STATE', { detail: fit ? z.prettifyError(fit.error) : 'It declares none.' })
  }
  const text = JSON.stringify(fit.data)
  if (Buffer.byteLength(text) > MAX_STATE_BYTES) throw new SwitchboardError('PLUGIN_STATE_TOO_BIG')
  const kept: Json = JSON.parse(text)
  return kept
}

const FactsSchema: z.ZodType<Facts> = z.object({
  language: z.string().optional(),
  transcripts: z.record(z.string(), z.string()).optional(),
  customer: z.object(customer).optional(),
})
const QuestionSchema = z.object({ key: z.string(), forMs: z.number() })
const because = z.string()

const GivenSchema: z.ZodType<Given> = z.object({
  ending: z
    .discriminatedUnion('kind', [
      z.object({
        kind: z.literal('reply'),
        say: SaySchema,
        because: because.optional(),
        expect: QuestionSchema.optional(),
        intent: z.string().optional(),
        guided: z.boolean(),
      }),
      z.object({ kind: z.literal('unknown'), say: SaySchema.optional(), because: because.optional() }),
      z.object({ kind: z.enum(['drop', 'done']), because }),
      z.object({ kind: z.literal('close'), say: SaySchema.optional(), because }),
      z.object({
        kind: z.literal('hand-off'),
        to: z.object({ desk: z.string().optional(), team: z.string().optional() }).optional(),
        say: SaySchema.optional(),
        because,
      }),
    ])
    .optional(),
  facts: z.array(FactsSchema).optional(),
  says: z.array(z.object({ say: SaySchema, expect: QuestionSchema.optional() })).optional(),
  wakes: z.array(z.object({ key: z.string(), inMs: z.number() })).optional(),
  state: JsonValue.optional(),
})

const ChangeSchema: z.ZodType<{ readonly change?: ReplyChange | undefined }> = z.object({
  change: z
    .object({
      content: SaySchema.optional(),
      identity: z
        .object({
          id: z.string(),
          name: z.union([z.string(), z.record(z.string(), z.string())]),
          line2: z.union([z.string(), z.record(z.string(), z.string())]).optional(),
          avatarUrl: z.string().optional(),
        })
        .optional(),
    })
    .optional(),
})

/** What enrichers have found, of `facts_json` or a desk's item. */
export function checkedLearnt(facts: unknown): Facts {
  return FactsSchema.parse(facts)
}

/** What was recorded of a rewrite. */
export function checkedChange(gave: unknown): ReplyChange | undefined {
  return ChangeSchema.parse(gave).change
}

/** What was recorded of a hook. */
export function checkedGiven(gave: unknown): Given {
  return GivenSchema.parse(gave)
}

const ActorSchema: z.ZodType<Actor> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('customer') }),
  z.object({ kind: z.enum(['bot', 'feature', 'channel', 'desk']), name: z.string() }),
  z.object({ kind: z.literal('agent'), person: z.string().min(1).max(256) }),
  z.object({ kind: z.literal('core') }),
])

const Because = z.string().max(1_024)
const named = { id: Id, by: ActorSchema, lease: z.int().optional() }

/** What each command holds besides its target. */
const COMMANDS = [
  z.object({ ...named, type: z.literal('send'), content: SaySchema, isAutomatic: z.boolean().optional() }),
  z.object({ ...named, type: z.literal('note'), text: z.string().min(1).max(10_000) }),
  z.object({ ...named, type: z.literal('resend'), delivery: Id }),
  z.object({ ...named, type: z.literal('take') }),
  z.object({ ...named, type: z.literal('return'), because: Because.optional() }),
  z.object({
    ...named,
    type: z.literal('assign'),
    person: z.string().min(1),
    team: z.string().optional(),
    because: Because.optional(),
  }),
  z.object({
    ...named,
    type: z.literal('transfer'),
    because: Because.optional(),
    to: z.object({ team: z.string().optional(), person: z.string().optional() }),
  }),
  z.object({
    ...named,
    type: z.literal('close'),
    because: Because.min(1),
    say: SaySchema.optional(),
    summary: z.record(words.min(1).max(256), words.max(10_000)).optional(),
  }),
] as const

const CommandSchema: z.ZodType<Command> = z.union([
  z.discriminatedUnion('type', COMMANDS).and(z.union([z.object({ conversation: Id }), z.object({ chat: Id })])),
  z.object({ id: Id, type: z.literal('call-back'), chat: Id, by: ActorSchema, content: ContentSchema }),
  z.object({ id: Id, type: z.literal('turn-away'), chat: Id, by: ActorSchema, because: Because.min(1) }),
])

/** A command as it may be run, or what is wrong with it. */
export function checkedCommand(command: unknown): { readonly command: Command } | { readonly problem: string } {
  const checked = CommandSchema.safeParse(command)
  return checked.success ? { command: checked.data } : { problem: z.prettifyError(checked.error) }
}

/** Of `by_json`. */
export function checkedActor(json: string): Actor {
  return ActorSchema.parse(JSON.parse(json))
}

const WithParts = z.object({ parts: Parts })

/** The content of a message, in or out, of `body_json`. */
export function checkedBody(json: string): readonly Part[] {
  return WithParts.parse(JSON.parse(json)).parts
}

const WithTranscripts = z.object({ transcripts: z.record(z.string(), z.string()).optional() })

/** Of `facts_json`: what is needed to read a message aloud. */
export function checkedFacts(json: string | null): Pick<Facts, 'transcripts'> {
  return json === null ? {} : WithTranscripts.parse(JSON.parse(json))
}

function isJson(value: unknown): value is Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (Array.isArray(value)) return !value.includes(undefined) && value.every(isJson)
  return z.core.util.isPlainObject(value) && Object.values(value).every(isJson)
}
