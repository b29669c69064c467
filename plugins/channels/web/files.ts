/** Files both ways: what visitors upload, and the addresses under which those of messages can be fetched. */
import type { FastifyReply } from 'fastify'
import {
  type Context,
  DeliveryError,
  type Identity,
  type MediaPart,
  type MediaType,
  type Part,
  SwitchboardError,
  z,
} from '#core'
import type { Face, ShownPart } from './protocol.ts'
import { Refusal } from './refusal.ts'
import type { Signer } from './token.ts'

/** What a browser asks for of a sound or a film, so that one can go to another place in it. */
const RANGE = /^bytes=(\d*)-(\d*)$/

const Upload = z.object({
  url: z.string(),
  name: z.string(),
  mimeType: z.string(),
  sizeBytes: z.number(),
})
type Upload = z.output<typeof Upload>

/** Whether a type is one of the list, or of a kind in it. */
export function isOneOf(types: readonly string[], mimeType: string): boolean {
  return types.includes(mimeType) || types.includes(mimeType.replace(/\/.*$/, '/*'))
}

/** As what it is shown. */
export function partTypeOf(mimeType: string): MediaType {
  const [kind] = mimeType.split('/')
  return kind === 'image' || kind === 'audio' || kind === 'video' ? kind : 'file'
}

/** What the visitor is given for an upload, to put it into a message: good for this visitor alone. */
export function uploadRef(signer: Signer, chat: string, upload: Upload): string {
  return signer.seal('upload', JSON.stringify(upload), chat)
}

/** The part that an upload of this visitor's is. Throws a `Refusal`. */
export function uploadedPart(signer: Signer, chat: string, ref: string): MediaPart {
  const content = signer.unseal('upload', ref, chat)
  if (content === undefined) throw new Refusal('FILE_REFUSED')
  const upload = Upload.parse(JSON.parse(content))
  return { type: partTypeOf(upload.mimeType), ...upload }
}

/** A name as it may stand in an address and on a disk. */
export function fileName(given: string | undefined): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones that are not to stand in a name.
  const name = (given ?? '').replace(/[\u0000-\u001f\u007f/\\]/g, '_').replace(/^\.+/, '')
  return [...name].slice(-100).join('').toWellFormed() || 'file'
}

/**
 * A part as the widget shows it. Throws `CHANNEL_REFUSED` for what no browser should be led to: a link must be one of
 * the web's, and a picture must be the web's or ours.
 */
export function shownPart(signer: Signer, part: Part): ShownPart {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text }
    case 'image':
    case 'audio':
    case 'video':
    case 'file': {
      const { type, name, mimeType, sizeBytes } = part
      return { type, url: fileAddress(signer, part), name, mimeType, sizeBytes }
    }
    case 'link': {
      const { url, title, description, imageUrl } = part
      if (!/^(https?|mailto|tel):/i.test(url))
        throw new DeliveryError('CHANNEL_REFUSED', { message: 'A link must lead to https, http, mailto or tel.' })
      return { type: 'link', url, title, description, imageUrl: isOfTheWeb(imageUrl) ? imageUrl : undefined }
    }
    case 'choices':
      return { type: 'choices', prompt: part.prompt, choices: part.choices }
    default:
      // The capabilities do not declare it.
      throw new DeliveryError('CHANNEL_REFUSED', { message: `A part of type ${part.type} cannot be shown.` })
  }
}

/** Under which name and face an answer is shown. */
export function shownFace({ name, line2, avatarUrl }: Identity): Face {
  return { name, line2, avatarUrl: isOfTheWeb(avatarUrl) ? avatarUrl : undefined }
}

function fileAddress(signer: Signer, { url, name }: MediaPart): string {
  if (isOfTheWeb(url)) return url
  if (!/^(media|kept):/.test(url))
    throw new DeliveryError('CHANNEL_REFUSED', {
      message: 'A file must be a message’s, or have an address of the web.',
    })
  return `files/${signer.seal('file', url)}/${encodeURIComponent(fileName(name))}`
}

function isOfTheWeb(url: string | undefined): boolean {
  return url !== undefined && /^https?:\/\//i.test(url)
}

/** Answers a request for a file. `address`: what stands after `files/`. */
export async function sendFile(
  reply: FastifyReply,
  address: string,
  by: { readonly signer: Signer; readonly media: Pick<Context<unknown, unknown>['media'], 'open'> },
): Promise<FastifyReply> {
  const [ref = '', name] = address.split('/')
  const url = by.signer.unseal('file', ref)
  if (url === undefined) throw new Refusal('FILE_GONE')
  const { body, mimeType } = await by.media.open(url).catch(passOn)
  const range = rangeOf(reply.request.headers.range, body.size)
  if (range) reply.code(206).header('content-range', `bytes ${range.from}-${range.to}/${body.size}`)
  const sent = range ? body.slice(range.from, range.to + 1) : body
  return reply
    .header('accept-ranges', 'bytes')
    .header('content-length', sent.size)
    .header('content-disposition', `attachment; filename*=UTF-8''${encoded(fileName(name))}`)
    .header('content-security-policy', "default-src 'none'; sandbox")
    .header('cross-origin-resource-policy', 'cross-origin')
    .header('x-content-type-options', 'nosniff')
    .header('referrer-policy', 'no-referrer')
    .header('cache-control', 'private, max-age=86400, immutable')
    .type(mimeType)
    .send(sent.stream())
}

/** As RFC 8187 has it: `encodeURIComponent` leaves some signs that may not stand there. */
function encoded(name: string): string {
  return encodeURIComponent(name).replace(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** What is thrown when a file cannot be opened, for the widget. */
export function passOn(cause: unknown): never {
  const code = cause instanceof SwitchboardError ? cause.code : undefined
  if (code === 'MEDIA_GONE') throw new Refusal('FILE_GONE', { cause })
  if (code === 'MEDIA_NOT_HERE_YET') throw new Refusal('FILE_NOT_HERE_YET', { cause })
  throw cause
}

/** One piece of a file, both ends in it. What is no such piece is answered with the whole. */
function rangeOf(header: string | undefined, size: number): { from: number; to: number } | undefined {
  const [, first = '', last = ''] = RANGE.exec(header ?? '') ?? []
  if (first === '' && last === '') return undefined
  const from = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const to = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1)
  return from <= to ? { from, to } : undefined
}
