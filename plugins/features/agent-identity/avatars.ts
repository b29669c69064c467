/**
 * The avatars as customers get them: square copies in two sizes, at addresses that never change. A picture is kept as
 * long as a message can point to it, whatever the YAML says by then; its copies are made when they are first asked for.
 */
import { createHash } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { type Context, tables, z } from '#core'
import type { AvatarPixels } from '../../services/identities.ts'
import type { CopyWork } from './copies-thread.ts'
import { pictureOf } from './picture.ts'
import type { Settings } from './settings.ts'

interface Rows {
  copy: { hash: string; pixels: number; png: Uint8Array }
  picture: {
    hash: string
    bytes: Uint8Array
    /** When an identity had it last, to the hour. */
    used_at: number
  }
}

export const TABLES = tables<Rows>({
  '1-copy':
    'CREATE TABLE copy (hash TEXT NOT NULL, pixels INTEGER NOT NULL, png BLOB NOT NULL, PRIMARY KEY (hash, pixels))',
  '2-picture': 'CREATE TABLE picture (hash TEXT PRIMARY KEY, bytes BLOB NOT NULL, used_at INTEGER NOT NULL)',
})

const SIDES: readonly AvatarPixels[] = [96, 192]
/** One that takes longer is of bad will. */
const MAKE_WITHIN_MS = 20_000
const COPIES = SIDES.map((side) => ({ side, type: 'png' }) as const)
const PORTRAIT = { side: 640, type: 'jpeg' } as const
const Copies = z.array(z.custom<Uint8Array<ArrayBuffer>>((made) => made instanceof Uint8Array))

/** A failure may have been the machine's, which had too much to do: it is tried again, but not for everybody who asks. */
const TRY_AGAIN_AFTER_MS = 60_000
const HOUR_MS = 3_600_000

type Tools = Pick<
  Context<unknown, Rows>,
  'sql' | 'web' | 'url' | 'clock' | 'log' | 'schedule' | 'keepMessagesMs' | 'onDispose'
>

export interface Avatars {
  /** Where the larger copy is; `undefined`: this identity has no avatar. */
  urlOf(id: string): string | undefined
  /** Makes the copies, if they are not there yet. `undefined`: there is no avatar, or it cannot be read. */
  copyOf(id: string, pixels: AvatarPixels): Promise<Uint8Array | undefined>
  /** Makes a large JPEG of it. `undefined`: there is no avatar. Rejects when it cannot be made. */
  portraitOf(id: string): Promise<Uint8Array<ArrayBuffer> | undefined>
}

/** Keeps the pictures, and makes their copies one after the other, in a thread of their own. */
export async function openAvatars(context: Tools, settings: Settings): Promise<Avatars> {
  const { sql, web, url, clock, log, schedule, onDispose } = context
  const hashes = new Map<string, string>()
  for (const [id, { avatar }] of Object.entries(settings.identities)) {
    if (!avatar) continue
    const hash = createHash('sha256').update(avatar.bytes).digest('hex').slice(0, 32)
    hashes.set(id, hash)
    await keep(hash, avatar.bytes)
  }
  // Only adds, so that a reload that is rolled back, or an older instance that is still asked, misses nothing.
  schedule('1h', forget)

  const making = new Map<string, Promise<void>>()
  const notBeforeMs = new Map<string, number>()
  let queue = Promise.resolve()
  const workers = new Set<Worker>()
  let isStopped = false
  onDispose(async () => {
    isStopped = true
    for (const worker of workers) await worker.terminate()
  })

  async function keep(hash: string, bytes: Uint8Array): Promise<void> {
    const kept = await sql.selectFrom('picture').select('hash').where('hash', '=', hash).executeTakeFirst()
    if (kept) await mark([hash])
    else await sql.insertInto('picture').orIgnore().values({ hash, bytes, used_at: clock.now() }).execute()
  }

  async function mark(inUse: readonly string[]): Promise<void> {
    await sql.updateTable('picture').set({ used_at: clock.now() }).where('hash', 'in', inUse).execute()
  }

  /** What is in use is marked each hour; what is not may have been for up to an hour after its last mark. */
  async function forget(): Promise<void> {
    if (hashes.size > 0) await mark([...new Set(hashes.values())])
    const before = clock.now() - context.keepMessagesMs - HOUR_MS
    await sql.deleteFrom('picture').where('used_at', '<', before).execute()
    await sql
      .deleteFrom('copy')
      .where('hash', 'not in', (its) => its.selectFrom('picture').select('hash'))
      .execute()
  }

  async function find(hash: string, pixels: AvatarPixels): Promise<Uint8Array | undefined> {
    const kept = await keptCopy(hash, pixels)
    if (kept || clock.now() < (notBeforeMs.get(hash) ?? 0)) return kept
    const bytes = await pictureBytes(hash)
    if (!bytes) return undefined
    // Whoever asks meanwhile waits for the same.
    let made = making.get(hash)
    if (!made) {
      made = queue.then(() => make(hash, bytes)).finally(() => making.delete(hash))
      queue = made
      making.set(hash, made)
    }
    await made
    return keptCopy(hash, pixels)
  }

  async function pictureBytes(hash: string): Promise<Uint8Array | undefined> {
    const picture = sql.selectFrom('picture').select('bytes').where('hash', '=', hash)
    return (await picture.executeTakeFirst())?.bytes
  }

  async function keptCopy(hash: string, pixels: AvatarPixels): Promise<Uint8Array | undefined> {
    const row = sql.selectFrom('copy').select('png').where('hash', '=', hash).where('pixels', '=', pixels)
    return (await row.executeTakeFirst())?.png
  }

  async function make(hash: string, bytes: Uint8Array): Promise<void> {
    const picture = pictureOf(bytes)
    if (!picture || isStopped) return
    try {
      const copies = await inThread({ bytes: new Uint8Array(bytes), type: picture.type, copies: COPIES })
      const values = SIDES.flatMap((pixels, i) => {
        const png = copies[i]
        return png ? [{ hash, pixels, png }] : []
      })
      await sql.insertInto('copy').orIgnore().values(values).execute()
    } catch (error) {
      if (isStopped) return
      notBeforeMs.set(hash, clock.now() + TRY_AGAIN_AFTER_MS)
      const whose = [...hashes].filter(([, one]) => one === hash).map(([id]) => id)
      log.error({ error }, `The avatar of ${whose.join(', ') || hash} cannot be read; no picture is shown.`)
    }
  }

  async function inThread(work: CopyWork): Promise<readonly Uint8Array<ArrayBuffer>[]> {
    const worker = new Worker(new URL('./copies-thread.ts', import.meta.url), { name: 'avatars', workerData: work })
    workers.add(worker)
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    worker.once('message', resolve).once('error', reject)
    worker.once('exit', () => reject(new Error('The thread has ended.')))
    const cancel = clock.after(MAKE_WITHIN_MS, () => reject(new Error('It takes too long.')))
    try {
      return Copies.parse(await promise)
    } finally {
      cancel()
      await worker.terminate()
      workers.delete(worker)
    }
  }

  web.get('/:file', { config: { public: true } }, async ({ params }, answer) => {
    const [, hash = '', pixels] = FILE.exec(File.parse(params).file) ?? []
    const png = await find(hash, pixels === '96' ? 96 : 192)
    if (!png) return answer.callNotFound()
    // Another picture has another address. Pages of other sites show it: the widget stands in them.
    answer
      .header('cache-control', 'public, max-age=31536000, immutable')
      .header('cross-origin-resource-policy', 'cross-origin')
    return answer.type('image/png').send(Buffer.from(png))
  })

  return {
    urlOf(id) {
      const hash = hashes.get(id)
      return hash && `${url}/${hash}-192.png`
    },
    async copyOf(id, pixels) {
      const hash = hashes.get(id)
      return hash === undefined ? undefined : find(hash, pixels)
    },
    async portraitOf(id) {
      const hash = hashes.get(id)
      const bytes = hash === undefined ? undefined : await pictureBytes(hash)
      const picture = bytes && pictureOf(bytes)
      if (!bytes || !picture) return undefined
      const work = { bytes: new Uint8Array(bytes), type: picture.type, copies: [PORTRAIT] }
      const making = queue.then(() => inThread(work))
      queue = making.then(
        () => undefined,
        () => undefined,
      )
      return (await making)[0]
    },
  }
}

const File = z.object({ file: z.string() })
const FILE = /^([0-9a-f]{32})-(96|192)\.png$/
