/** Files on their way to the platform, which knows them by an id for three days; and those of customers, from there. */
import { createHash } from 'node:crypto'
import type { Kysely } from 'kysely'
import { type Clock, type Context, DeliveryError, type MediaLimits, messageOf, SwitchboardError, z } from '#core'
import { type Api, toDeliveryError, untilAborted, WeChatError } from './api.ts'
import type { SendingTables } from './tables.ts'

/** As what a file is uploaded. `thumb`: the cover of a song. */
export type UploadKind = 'image' | 'voice' | 'video' | 'thumb'

interface UploadLimits {
  readonly maxBytes: number
  /** The file's ending, by its type: the platform goes by that. */
  readonly endings: { readonly [mimeType: string]: string }
  /** What it is called when it is refused. */
  readonly named: string
}

const MB = 1_024 * 1_024

/**
 * What the platform takes. Of pictures its page says 10 MB at one place and 2 MB at another: the smaller one holds here.
 * Source: https://developers.weixin.qq.com/doc/subscription/en/api/material/temporary/api_uploadtempmedia.html, read
 * 2026-11-20.
 */
export const UPLOADS: { readonly [K in UploadKind]: UploadLimits } = {
  image: {
    maxBytes: 2 * MB,
    endings: { 'image/png': 'png', 'image/jpeg': 'jpg', 'image/gif': 'gif' },
    named: 'picture',
  },
  voice: { maxBytes: 2 * MB, endings: { 'audio/mpeg': 'mp3', 'audio/amr': 'amr' }, named: 'recording' },
  video: { maxBytes: 10 * MB, endings: { 'video/mp4': 'mp4' }, named: 'video' },
  thumb: { maxBytes: 64 * 1_024, endings: { 'image/jpeg': 'jpg' }, named: 'cover picture' },
}

/** For the channel's capabilities: what is known to be larger, or of another type, is not even tried. */
export function takes(kind: UploadKind): MediaLimits {
  const { maxBytes, endings } = UPLOADS[kind]
  return { maxBytes, mimeTypes: Object.keys(endings) }
}

/** The platform forgets a file after three days; nothing is sent that it might just have forgotten. Same source. */
const KEPT_MS = 71 * 60 * 60_000
/** What stands before a platform's id where a part has a url. */
const SCHEME = 'wechat:'

/** The address of a file that the platform has, by its id there. */
export function addressOf(id: string): string {
  return `${SCHEME}${id}`
}

/** The platform's id of a file, from its address; `undefined`: the platform does not have it. */
export function idAt(url: string): string | undefined {
  return url.startsWith(SCHEME) ? url.slice(SCHEME.length) : undefined
}
const UPLOAD = '/cgi-bin/media/upload'
const DOWNLOAD = '/cgi-bin/media/get'

/** Of a cover the id has come by another name too. */
const Uploaded = z.union([
  z.object({ media_id: z.string().min(1) }).transform(({ media_id }) => media_id),
  z.object({ thumb_media_id: z.string().min(1) }).transform(({ thumb_media_id }) => thumb_media_id),
])

export interface Media {
  /** The platform's id of a file, which is uploaded unless it is there already. Throws `DeliveryError` or `WeChatError`. */
  idOf(url: string, kind: UploadKind, signal: AbortSignal): Promise<string>
  /** The platform does not have these any more. */
  forget(ids: readonly string[]): Promise<void>
  /** A customer's file, by `wechat:<media id>` or its address. Throws `DeliveryError` when it is gone for good. */
  fetch(
    url: string,
    options: { readonly signal: AbortSignal },
  ): Promise<{ readonly body: ReadableStream | Blob; readonly mimeType: string }>
}

export function makeMedia(options: {
  readonly appId: string
  readonly api: Api
  readonly http: typeof fetch
  readonly open: Context<unknown, unknown>['media']['open']
  readonly sql: Kysely<SendingTables>
  readonly clock: Clock
}): Media {
  const { appId, api, http, sql, clock } = options
  /** By what the file is: whoever wants the same one meanwhile waits for it too. */
  const underWay = new Map<string, Promise<string>>()

  /** Goes on when its caller waits no longer: the next one has it then. */
  async function upload(body: Blob, mimeType: string, kind: UploadKind): Promise<string> {
    const name = `${kind}.${endingOf(body, mimeType, kind)}`
    const sha256 = `${kind}:${await sha256Of(body)}`
    const known = sql.selectFrom('upload').select('media_id').where('app_id', '=', appId)
    const there = await known.where('sha256', '=', sha256).where('until', '>', clock.now()).executeTakeFirst()
    if (there) return there.media_id
    const uploading =
      underWay.get(sha256) ??
      uploadNew({ body: new Blob([body], { type: mimeType }), name }, kind, sha256).finally(() => {
        underWay.delete(sha256)
      })
    underWay.set(sha256, uploading)
    return uploading
  }

  async function uploadNew(file: Parameters<Api['upload']>[2], kind: UploadKind, sha256: string): Promise<string> {
    const nowMs = clock.now()
    const media_id = await api.upload(UPLOAD, { type: kind }, file, Uploaded)
    const row = { app_id: appId, sha256, media_id, until: nowMs + KEPT_MS }
    await sql.deleteFrom('upload').where('until', '<=', nowMs).execute()
    await sql.insertInto('upload').orReplace().values(row).execute()
    return media_id
  }

  async function getFile(url: string, signal: AbortSignal) {
    const response = await http(url, { signal })
    if (response.ok) return { body: response.body ?? new Blob(), mimeType: response.headers.get('content-type') ?? '' }
    await response.body?.cancel()
    throw new DeliveryError('CHANNEL_DOWN', { retry: response.status >= 500, message: `HTTP ${response.status}` })
  }

  return {
    async idOf(url, kind, signal) {
      const known = idAt(url)
      if (known !== undefined) return known
      const { body, mimeType } = await options.open(url, { signal }).catch((cause: unknown) => {
        signal.throwIfAborted()
        const message = `The ${UPLOADS[kind].named} cannot be opened.`
        const isGone = cause instanceof SwitchboardError && cause.code === 'MEDIA_GONE'
        throw new DeliveryError('CHANNEL_FILE', { retry: !isGone, message, cause })
      })
      try {
        return await untilAborted(upload(body, typeOf(mimeType), kind), signal)
      } catch (error) {
        if (error instanceof WeChatError || error instanceof DeliveryError) throw error
        signal.throwIfAborted()
        // No message has gone out yet: whatever it was, another try harms nobody.
        const message = `The ${UPLOADS[kind].named} could not be uploaded: ${messageOf(error)}`
        throw new DeliveryError('CHANNEL_DOWN', { message, cause: error })
      }
    },
    async forget(ids) {
      if (ids.length === 0) return
      const known = sql.deleteFrom('upload').where('app_id', '=', appId)
      await known.where('media_id', 'in', [...ids]).execute()
    },
    async fetch(url, { signal }) {
      const media_id = idAt(url)
      if (media_id === undefined) return getFile(url, signal)
      try {
        const found = await api.download(DOWNLOAD, { media_id }, { signal })
        return 'videoUrl' in found ? await getFile(found.videoUrl, signal) : found
      } catch (error) {
        throw toDeliveryError(error, clock.now())
      }
    },
  }
}

function typeOf(mimeType: string): string {
  const type = mimeType.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  return type === 'image/jpg' ? 'image/jpeg' : type
}

/** Throws with the reason when the platform would not take it: then nothing is uploaded. */
function endingOf(body: Blob, mimeType: string, kind: UploadKind): string {
  const { maxBytes, endings, named } = UPLOADS[kind]
  const ending = endings[mimeType]
  if (ending === undefined)
    throw notTaken(`The ${named} is ${mimeType}, and WeChat takes ${Object.keys(endings).join(', ')}.`)
  if (body.size > maxBytes) throw notTaken(`The ${named} has ${body.size} bytes, and WeChat takes ${maxBytes}.`)
  if (body.size === 0) throw notTaken(`The ${named} is empty.`)
  return ending
}

function notTaken(message: string): DeliveryError {
  return new DeliveryError('CHANNEL_FILE', { retry: false, message })
}

async function sha256Of(body: Blob): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of body.stream()) hash.update(chunk)
  return hash.digest('hex')
}
