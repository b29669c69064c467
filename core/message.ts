/**
 * What is said: the parts of a message, and the shorthands in which plugins write them.
 * This file imports nothing; every other one may import it.
 */

/** Anything that JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

export type MediaType = 'image' | 'audio' | 'video' | 'file'

interface Media {
  /** Any url, the channel's own reference (`wechat:<media id>`), or `media:<id>` once the journal has accepted it. */
  readonly url: string
  readonly name?: string | undefined
  readonly mimeType?: string | undefined
  readonly sizeBytes?: number | undefined
  readonly durationMs?: number | undefined
  /** What is said in it, when the platform itself has recognised it. */
  readonly transcript?: string | undefined
}

/** One union member per type, so that `parts.find((part) => part.type === 'audio')` narrows. */
export type MediaPart = { [T in MediaType]: { readonly type: T } & Media }[MediaType]

export interface Choice {
  readonly id: string
  readonly label: string
}

/** One piece of a message. A channel is sent only the types that its capabilities name. */
export type Part =
  | { readonly type: 'text'; readonly text: string }
  | MediaPart
  | {
      readonly type: 'location'
      readonly latitude: number
      readonly longitude: number
      readonly label?: string | undefined
    }
  | {
      readonly type: 'link'
      readonly url: string
      readonly title: string
      readonly description?: string | undefined
      readonly imageUrl?: string | undefined
    }
  | { readonly type: 'choices'; readonly prompt: string; readonly choices: readonly Choice[] }
  /** What only one platform has (a mini-program card, say). Every other channel is sent `text` instead. */
  | { readonly type: 'native'; readonly platform: string; readonly data: Json; readonly text: string }

export type PartType = Part['type']

/** What a plugin may write for a message: a text, one part, or several. */
export type Content = string | Part | readonly Part[]

/** One value per language. `type?: never` keeps such a map apart from a Part. */
export type Localized<T> = { readonly [language: string]: T } & { readonly type?: never }

/** Content, or a map of it per language, resolved with the customer's language when it is fitted to the channel. */
export type Say = Content | Localized<Content>

/** The parts of a content, texts first turned into text parts. An empty text has no parts. */
export function toParts(content: Content): readonly Part[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }]
  return isPart(content) ? [content] : content
}

/** What a person would read aloud of a content: texts, prompts with their labels, titles; media by their transcript. */
export function textOf(content: Content): string {
  if (typeof content === 'string') return content
  const parts = toParts(content)
  const [first] = parts
  return parts.length === 1 && first ? textOfPart(first) : parts.map(textOfPart).filter(Boolean).join('\n')
}

function textOfPart(part: Part): string {
  switch (part.type) {
    case 'text':
    case 'native':
      return part.text
    case 'choices':
      return [part.prompt, ...part.choices.map((choice) => choice.label)].join('\n')
    case 'link':
      return part.title
    case 'location':
      return part.label ?? ''
    default:
      return part.transcript ?? ''
  }
}

/** The value for `language`, else for its base (`zh` of `zh-CN`), else for the first of `fallbacks` that is there, else the first at all. */
export function inLanguage<T>(
  map: Localized<T>,
  language: string | undefined,
  fallbacks: readonly string[],
): T | undefined {
  for (const wanted of language === undefined ? fallbacks : [language, ...fallbacks]) {
    const exact = map[wanted]
    if (exact !== undefined) return exact
    const base = wanted.split('-')[0]
    const near = Object.keys(map).find((key) => key.split('-')[0] === base)
    if (near !== undefined) return map[near]
  }
  return Object.values<T | undefined>(map)[0]
}

/** What is said to a customer of this language. */
export function contentOf(say: Say, language: string | undefined, fallbacks: readonly string[]): Content {
  if (typeof say === 'string' || isParts(say) || isPart(say)) return say
  return inLanguage(say, language, fallbacks) ?? ''
}

function isParts(say: Say): say is readonly Part[] {
  return Array.isArray(say)
}

function isPart(say: Say | Part): say is Part {
  return typeof say === 'object' && !Array.isArray(say) && 'type' in say && typeof say.type === 'string'
}

/** What is known of the customer; only what is given is changed. */
export interface CustomerPatch {
  readonly name?: string | undefined
  readonly language?: string | undefined
  readonly avatarUrl?: string | undefined
  /** By `realName`, if it is a text, a customer is found as by the name. */
  readonly fields?: { readonly [key: string]: Json } | undefined
}

/** What a channel knows of the customer who sent an event. */
export interface Sender extends CustomerPatch {
  /**
   * The id by which this customer is known elsewhere: of a signed identity, say. The channel has made sure of it.
   * Chats whose customers have the same one belong to one customer, on whichever channel: where ids of several origins
   * could be alike, the channel puts the origin in front. Whoever was nobody known so far becomes that customer, with
   * all that was said; whoever was known by another id is somebody else from here on.
   */
  readonly userId?: string | undefined
}

interface Inbound {
  /** The platform's own id of this event, unique in the account: a repeat of it is handled once. */
  readonly id: string
  /** The customer's id on the platform. With the account it names the chat. */
  readonly chat: string
  readonly sender?: Sender | undefined
  /** When it happened, by the platform's clock, in ms since 1970. */
  readonly atMs: number
  /** Where inside the account the chat came from: a page, a QR scene, a store. */
  readonly entry?: string | undefined
  /** The class of reply allowance that this event opens: the `on` of one of the channel's `later`. */
  readonly grants?: string | undefined
  /** What the platform sent, kept for the operator. Never shown to customers. */
  readonly raw?: Json | undefined
}

/** One thing that came in on a channel. */
export type InboundEvent = Inbound &
  (
    | {
        readonly type: 'message'
        readonly parts: readonly Part[]
        /** The id of the choice that was picked, when this message is one. */
        readonly choice?: string | undefined
      }
    | { readonly type: 'edit'; readonly of: string; readonly parts: readonly Part[] }
    | { readonly type: 'recall'; readonly of: string }
    | { readonly type: 'menu-click'; readonly key: string }
    | { readonly type: 'scan' }
    | { readonly type: 'follow' | 'unfollow' | 'chat-end' }
    /** Someone on our side wrote in the platform's own tool. */
    | { readonly type: 'agent-message'; readonly parts: readonly Part[]; readonly agent: string }
    /** Journaled, acknowledged and shown; nothing else. */
    | { readonly type: 'other'; readonly kind: string }
  )
