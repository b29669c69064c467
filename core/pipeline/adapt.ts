/**
 * Fits what is said to the channel that carries it: what cannot be sent becomes text, a text that is too long becomes
 * several, and several become one where the platform takes few. Nothing is cut off: what does not fit is named.
 */
import type { Capabilities, MediaLimits, TextLimits } from '../capabilities.ts'
import { fold } from '../matcher.ts'
import { type Choice, contentOf, inLanguage, type MediaType, type Part, type Say, textOf, toParts } from '../message.ts'
import type { Identity } from '../turn.ts'
import { splitText } from './split.ts'

/** What a reply is fitted to. */
export interface Target {
  readonly capabilities: Capabilities
  /** The channel's plugin, such as `wechat`: native parts of this platform go through. */
  readonly platform: string
  readonly language: string | undefined
  readonly languages: readonly string[]
  /** The words that stand for what cannot be shown; an empty one is left out. */
  readonly texts: { readonly [name in MediaType | 'location' | 'choose']: Say }
  readonly identity: Identity | undefined
  /** How many messages the platform still takes. `undefined`: any number. */
  readonly left: number | undefined
}

/** A reply as it is sent. */
export interface Fitted {
  /** One message each, in their order. All of them fit the channel. */
  readonly parts: readonly Part[]
  /** How many of `parts`, from the first, the platform still takes. */
  readonly fits: number
  /** What this channel can never be sent: its limits do not hold a single character of it. */
  readonly unsendable: readonly Part[]
  /** What was done to it, and why: a sentence each, for the trace. */
  readonly degraded: readonly string[]
}

/**
 * Makes the platform messages of a reply. The agent's or bot's name stands in front of the first text where the
 * platform shows none.
 *
 * When the platform takes fewer messages than there would be, texts that stand next to each other are joined, then
 * split at the limit instead of at the end of a sentence. If there are still too many, `fits` says so.
 */
export function adapt(say: Say, target: Target): Fitted {
  const { capabilities, left } = target
  const notes: string[] = []
  const whole = toParts(contentOf(say, target.language, target.languages))
    .map((part) => written(degrade(written(part, target), target, notes), target))
    .filter((part) => part.type !== 'text' || part.text.trim() !== '')
  const parts = withName(whole, target)

  const limits = capabilities.sends.text
  const enough = (layout: Layout) => left === undefined || layout.parts.length <= left
  let layout = layOut(parts, limits, false)
  if (!enough(layout)) {
    const joined = joinTexts(parts)
    layout = layOut(joined, limits, false)
    if (!enough(layout)) layout = layOut(joined, limits, true)
    if (joined.length < parts.length) notes.push(`Texts were joined, because the platform takes only ${left} more.`)
    if (!enough(layout)) notes.push(`Only ${left} of ${layout.parts.length} messages are still taken by the platform.`)
  }
  return {
    parts: layout.parts,
    fits: Math.min(layout.parts.length, left ?? Number.POSITIVE_INFINITY),
    unsendable: layout.unsendable,
    degraded: [...notes, ...layout.notes],
  }
}

/** The part with its texts as the channel writes them. */
function written(part: Part, { capabilities }: Target): Part {
  const write = capabilities.sends.text.written
  if (!write) return part
  if (part.type === 'text') return { ...part, text: write(part.text) }
  if (part.type !== 'choices') return part
  const choices = part.choices.map((choice) => ({ ...choice, label: write(choice.label) }))
  return { ...part, prompt: write(part.prompt), choices }
}

// ── what the channel cannot send ────────────────────────────────────────────────────────────

/** The part itself, or the text that stands for it. */
function degrade(part: Part, target: Target, notes: string[]): Part {
  if (part.type === 'text') return part
  const why = whyNot(part, target)
  if (why === undefined) return part
  notes.push(`The ${NAMES[part.type]} was sent as text, because ${why}.`)
  return { type: 'text', text: textFor(part, target) }
}

const NAMES: { readonly [T in Exclude<Part['type'], 'text'>]: string } = {
  image: 'picture',
  audio: 'recording',
  video: 'video',
  file: 'file',
  location: 'location',
  link: 'link',
  choices: 'list of choices',
  native: 'native message',
}

/** Why the channel cannot send it; `undefined` if it can, as far as is known. */
function whyNot(part: Exclude<Part, { type: 'text' }>, target: Target): string | undefined {
  const limits = target.capabilities.sends[part.type]
  if (!limits) return 'this channel has none'
  switch (part.type) {
    case 'link':
    case 'location':
      return undefined
    case 'native':
      return part.platform === target.platform ? undefined : `it is for ${part.platform} and this is ${target.platform}`
    case 'choices': {
      const { text } = target.capabilities.sends
      if (part.choices.length > (limits.max ?? Number.POSITIVE_INFINITY))
        return `there are ${part.choices.length} and this channel takes ${limits.max}`
      const { maxChars = 0, maxBytes = 0 } = besideChoices(part.choices, text)
      const isTight = maxChars < (text.maxChars ?? 0) / 2 || maxBytes < (text.maxBytes ?? 0) / 2
      return isTight ? 'it takes more than half of what this channel takes at once' : undefined
    }
    default:
      return whyNoMedia(part, limits)
  }
}

function whyNoMedia(
  { mimeType, sizeBytes }: { readonly mimeType?: string | undefined; readonly sizeBytes?: number | undefined },
  { mimeTypes, maxBytes }: MediaLimits,
): string | undefined {
  if (mimeType !== undefined && mimeTypes && !mimeTypes.some((wanted) => isOfType(mimeType, wanted))) {
    return `it is ${mimeType} and this channel takes ${mimeTypes.join(', ')}`
  }
  if (sizeBytes !== undefined && maxBytes !== undefined && sizeBytes > maxBytes) {
    return `it has ${sizeBytes} bytes and this channel takes ${maxBytes}`
  }
  return undefined
}

/** `wanted` may be a whole family, as `image/*`. Parameters such as a charset do not count. */
function isOfType(mimeType: string, wanted: string): boolean {
  const type = mimeType.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const family = wanted.toLowerCase()
  return family.endsWith('/*') ? type.startsWith(family.slice(0, -1)) : type === family
}

function textFor(part: Exclude<Part, { type: 'text' }>, target: Target): string {
  const word = (name: keyof Target['texts']) =>
    textOf(contentOf(target.texts[name], target.language, target.languages)).trim()
  const headed = (name: keyof Target['texts'], title: string | undefined) =>
    lines([[word(name) && `[${word(name)}]`, title].filter(Boolean).join(' ')])
  switch (part.type) {
    case 'native':
      return part.text
    case 'choices':
      return lines([part.prompt, ...numbered(part.choices), word('choose')])
    case 'link':
      return lines([part.title === part.url ? '' : part.title, part.url])
    case 'location':
      return lines([headed('location', part.label), `${part.latitude}, ${part.longitude}`])
    default:
      return lines([headed(part.type, part.name), part.transcript, isWebAddress(part.url) ? part.url : ''])
  }
}

function lines(texts: readonly (string | undefined)[]): string {
  return texts.filter((text) => text !== undefined && text.trim() !== '').join('\n')
}

/** What a customer could open. A file of ours or the channel's own reference means nothing to them. */
function isWebAddress(url: string): boolean {
  return /^https?:\/\//i.test(url)
}

// ── the name ────────────────────────────────────────────────────────────────────────────────

function withName(parts: readonly Part[], { capabilities, identity, language, languages }: Target): readonly Part[] {
  if (!identity || capabilities.showsIdentity !== 'none') return parts
  const name = typeof identity.name === 'string' ? identity.name : inLanguage(identity.name, language, languages)
  const first = parts.findIndex(isWords)
  if (!name) return parts
  return parts.map((part, i) => {
    if (i !== first) return part
    if (part.type === 'choices') return { ...part, prompt: `${name}: ${part.prompt}` }
    return part.type === 'text' ? { ...part, text: `${name}: ${part.text}` } : part
  })
}

// ── how many ────────────────────────────────────────────────────────────────────────────────

interface Layout {
  readonly parts: readonly Part[]
  readonly unsendable: readonly Part[]
  readonly notes: readonly string[]
}

function layOut(whole: readonly Part[], limits: TextLimits, tight: boolean): Layout {
  const parts: Part[] = []
  const unsendable: Part[] = []
  const notes: string[] = []
  for (const part of whole) {
    if (part.type !== 'text' && part.type !== 'choices') {
      parts.push(part)
      continue
    }
    const pieces =
      part.type === 'text'
        ? splitText(part.text, limits, tight)
        : splitText(part.prompt, besideChoices(part.choices, limits), tight)
    if (!pieces) {
      unsendable.push(part)
      notes.push('A text was not sent, because this channel’s limit does not hold a single character of it.')
      continue
    }
    if (pieces.length > 1) notes.push(`A text was sent as ${pieces.length}, because ${takes(limits)}.`)
    const last = pieces.at(-1) ?? ''
    for (const text of pieces.slice(0, -1)) parts.push({ type: 'text', text })
    // A long prompt goes ahead as text; its end stays with the choices.
    parts.push(part.type === 'text' ? { ...part, text: last } : { ...part, prompt: last })
  }
  return { parts, unsendable, notes }
}

/** What is left for the question where the choices stand in the same text. */
function besideChoices(choices: readonly Choice[], limits: TextLimits): TextLimits {
  if (!limits.holdsChoices) return limits
  const { maxChars, maxBytes } = limits
  const list = ['', ...numbered(choices)].join('\n')
  return {
    ...limits,
    maxChars: maxChars === undefined ? undefined : maxChars - list.length,
    maxBytes: maxBytes === undefined ? undefined : maxBytes - Buffer.byteLength(list),
  }
}

function numbered(choices: readonly Choice[]): readonly string[] {
  return choices.map(({ label }, i) => `${i + 1}. ${label}`)
}

function takes({ maxChars, maxBytes }: TextLimits): string {
  const limits = [
    maxChars === undefined ? '' : `${maxChars} characters`,
    maxBytes === undefined ? '' : `${maxBytes} bytes`,
  ]
  return `this channel takes ${limits.filter(Boolean).join(' and ')} at once`
}

/** A text goes together with the text behind it, or with the prompt. */
function joinTexts(parts: readonly Part[]): readonly Part[] {
  const joined: Part[] = []
  for (const part of parts) {
    const before = joined.at(-1)
    if (before?.type === 'text' && part.type === 'text') {
      joined[joined.length - 1] = { ...part, text: lines([before.text, part.text]) }
    } else if (before?.type === 'text' && part.type === 'choices') {
      joined[joined.length - 1] = { ...part, prompt: lines([before.text, part.prompt]) }
    } else joined.push(part)
  }
  return joined
}

/** Whether it is a text, or stands in one. */
export function isWords({ type }: Part): boolean {
  return type === 'text' || type === 'choices'
}

/** Whether the channel can say it inside the response to an event. */
export function canBeSaidInside({ inline }: Pick<Capabilities, 'inline'>, { type }: Part): boolean {
  return inline?.parts?.includes(type) ?? inline !== undefined
}

/** Parts that fit the channel one by one, as one that fits it too; `undefined` if there is none. */
export function asOnePart(parts: readonly Part[], limits: TextLimits): Part | undefined {
  const layout = layOut(joinTexts(parts), limits, false)
  return layout.parts.length === 1 ? layout.parts[0] : undefined
}

// ── and back ────────────────────────────────────────────────────────────────────────────────

/**
 * The id of the choice that a typed text means: one of the labels that were shown, else its number. Case, full-width
 * forms and space around do not matter. A label goes before a number, so that "5" is five stars even if it is listed
 * first.
 */
export function choiceOf(text: string, shown: readonly Choice[]): string | undefined {
  const typed = fold(text)
  const labelled = shown.find(({ label }) => fold(label) === typed)
  if (labelled) return labelled.id
  const number = /^\(?([0-9]{1,4})[.)、。]?$/.exec(typed)?.[1]
  return number === undefined ? undefined : shown[Number(number) - 1]?.id
}
