/** Files that people send: taken in by themselves, and named in a message. */
import { type Context, type DeskContext, type MediaPart, type MediaType, SwitchboardError, z } from '#core'
import type { Calling } from '../access/door.ts'
import { seal, unseal } from '../access/secrets.ts'
import { Refusal } from './refusal.ts'
import { personOf } from './seen.ts'
import type { Api } from './serve.ts'

/** What platforms take at most is far below; the channel says so then. */
const MAX_BYTES = 25 * 1024 * 1024

const Upload = z.object({ url: z.string(), name: z.string(), mimeType: z.string(), sizeBytes: z.number() })

/** Adds the route by which files come in. Gives the part that a file is which the same one has uploaded. */
export function addFiles(
  api: Api,
  of: { readonly media: Context<unknown, unknown>['media'] & DeskContext['media']; readonly key: string },
): (calling: Calling, ref: string) => MediaPart {
  api.on('POST /files', async ({ calling, query: { name }, request }) => {
    const kept = await of.media.keep(request.raw, { maxBytes: MAX_BYTES }).catch((cause: unknown) => {
      const code = cause instanceof SwitchboardError ? cause.code : undefined
      if (code === 'MEDIA_TOO_LARGE') throw new Refusal('FILE_TOO_LARGE', { params: { maxBytes: MAX_BYTES }, cause })
      if (code === 'MEDIA_EMPTY') throw new Refusal('FILE_EMPTY', { cause })
      throw cause
    })
    const upload: z.output<typeof Upload> = { ...kept, name: fileName(name) }
    return { file: seal(of.key, JSON.stringify(upload), whoseOf(calling)), type: partTypeOf(kept.mimeType) }
  })
  return (calling, ref) => {
    const text = unseal(of.key, ref, whoseOf(calling))
    if (text === undefined) throw new Refusal('FILE_REFUSED')
    const upload = Upload.parse(JSON.parse(text))
    return { type: partTypeOf(upload.mimeType), ...upload }
  }
}

const whoseOf = (calling: Calling) => `upload ${calling.kind === 'person' ? personOf(calling) : calling.token.id}`

function partTypeOf(mimeType: string): MediaType {
  const [kind] = mimeType.split('/')
  return kind === 'image' || kind === 'audio' || kind === 'video' ? kind : 'file'
}

/** A name as it may stand in an address and on a disk. */
function fileName(given: string | undefined): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones that are not to stand in a name.
  const name = (given ?? '').replace(/[\u0000-\u001f\u007f/\\]/g, '_').replace(/^\.+/, '')
  return [...name].slice(-100).join('').toWellFormed() || 'file'
}
