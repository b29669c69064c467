/** What the journal has as JSON, in the shapes of the API: who said something, and what. */
import { z } from '#core'
import { type By, type Face, type Part, Part as PartShape, PartType } from './shapes.ts'

const Actor = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('customer') }),
  z.object({ kind: z.enum(['bot', 'feature', 'channel', 'desk']), name: z.string() }),
  z.object({ kind: z.literal('agent'), person: z.string() }),
  z.object({ kind: z.literal('core') }),
])

/** Of `by_json` and its like. `titleOf`: what colleagues see of a person. */
export function byOf(json: string, titleOf: (person: string) => string | undefined, seenAs?: Face): By {
  return byActor(Actor.parse(JSON.parse(json)), titleOf, seenAs)
}

export function byActor(
  actor: z.output<typeof Actor>,
  titleOf: (person: string) => string | undefined,
  seenAs?: Face,
): By {
  const seen = seenAs && { seenAs }
  if (actor.kind === 'agent') return { kind: 'agent', name: actor.person, title: titleOf(actor.person), ...seen }
  return 'name' in actor ? { kind: actor.kind, name: actor.name, ...seen } : { kind: actor.kind, ...seen }
}

const Summary = z.record(z.string(), z.string())

/** Of `summary_json`. */
export function summaryOf(json: string | null): { readonly summary?: z.output<typeof Summary> } {
  return json === null ? {} : { summary: Summary.parse(JSON.parse(json)) }
}

const WithParts = z.object({ parts: z.array(z.looseObject({ type: PartType })) })
const WithText = z.looseObject({
  text: z.string().optional(),
  transcript: z.string().optional(),
  prompt: z.string().optional(),
  title: z.string().optional(),
  label: z.string().optional(),
  name: z.string().optional(),
})
/** What is kept here. Any other address, of a link say, is one that the customer has written: nobody here asks it. */
const File = z.object({ url: z.string().regex(/^(media|kept):/), name: z.string().optional() })

/** How much of a message a list shows. */
const MAX_CHARS = 200

/** The beginning of a message, and of which type it is. */
export function firstWords(bodyJson: string): { readonly text: string; readonly part: PartType } | undefined {
  const body = WithParts.safeParse(JSON.parse(bodyJson))
  const parts = body.success ? body.data.parts : []
  const [first] = parts
  if (!first) return undefined
  const said = parts.map((part) => {
    const { text, transcript, prompt, title, label, name } = WithText.parse(part)
    return text ?? transcript ?? prompt ?? title ?? label ?? name ?? ''
  })
  const text = said.filter(Boolean).join(' ').replace(/\s+/g, ' ')
  return { text: [...text].slice(0, MAX_CHARS).join(''), part: first.type }
}

/** The parts of a message, its files at addresses of the desk. `entry`: where they are fetched from. */
export function partsOf(bodyJson: string, entry: { readonly chat: string; readonly id: string }): readonly Part[] {
  const body = WithParts.safeParse(JSON.parse(bodyJson))
  if (!body.success) return []
  return body.data.parts.flatMap((part, place) => {
    const isOurs = File.safeParse(part).success
    const { chat, id } = entry
    const address = `api/chats/${encodeURIComponent(chat)}/entries/${encodeURIComponent(id)}/files/${place}`
    const shown = PartShape.safeParse(isOurs ? { ...part, url: address } : part)
    return shown.success ? [shown.data] : []
  })
}

/** Where the file of a message is kept: that of the part at this place. */
export function fileOf(
  bodyJson: string,
  place: number,
): { readonly url: string; readonly name?: string | undefined } | undefined {
  const body = WithParts.safeParse(JSON.parse(bodyJson))
  const part = body.success ? body.data.parts[place] : undefined
  const found = File.safeParse(part)
  return found.success ? found.data : undefined
}
