/** The avatars as customers get them: square copies in two sizes, made once and kept, at addresses that never change. */
import { createHash } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { type Context, tables, z } from '#core'
import type { AvatarPixels } from '../../services/identities.ts'
import type { CopyWork } from './copies-thread.ts'
import { pictureOf } from './picture.ts'
import type { Settings } from './settings.ts'

interface Copy {
  hash: string
  pixels: number
  png: Uint8Array
}

export const TABLES = tables<{ copy: Copy }>({
  '1-copy':
    'CREATE TABLE copy (hash TEXT NOT NULL, pixels INTEGER NOT NULL, png BLOB NOT NULL, PRIMARY KEY (hash, pixels))',
})

const SIDES: readonly AvatarPixels[] = [96, 192]
/** One that takes longer is of bad will. */
const MAKE_WITHIN_MS = 20_000
const Copies = z.array(z.instanceof(Uint8Array)).length(SIDES.length)

type Tools = Pick<Context<unknown, { copy: Copy }>, 'sql' | 'web' | 'url' | 'clock' | 'log' | 'onDispose'>

export interface Avatars {
  /** Where the larger copy is; `undefined`: this identity has no avatar. */
  urlOf(id: string): string | undefined
  /** Makes the copies, if they are not there yet. `undefined`: there is no avatar, or it cannot be read. */
  copyOf(id: string, pixels: AvatarPixels): Promise<Uint8Array | undefined>
}

/** Makes copies when they are first asked for, one picture after the other, in a thread of their own. */
export async function openAvatars(
  { sql, web, url, clock, log, onDispose }: Tools,
  settings: Settings,
): Promise<Avatars> {
  const hashes = new Map<string, string>()
  const files = new Map<string, Uint8Array>()
  for (const [id, { avatar }] of Object.entries(settings.identities)) {
    if (!avatar) continue
    const hash = createHash('sha256').update(avatar.bytes).digest('hex').slice(0, 32)
    hashes.set(id, hash)
    files.set(hash, avatar.bytes)
  }
  const known = [...files.keys()]
  const old = sql.deleteFrom('copy')
  await (known.length > 0 ? old.where('hash', 'not in', known) : old).execute()

  const making = new Map<string, Promise<void>>()
  let queue = Promise.resolve()
  const workers = new Set<Worker>()
  onDispose(async () => {
    for (const worker of workers) await worker.terminate()
  })

  async function find(hash: string, pixels: AvatarPixels): Promise<Uint8Array | undefined> {
    const kept = await keptCopy(hash, pixels)
    if (kept || !files.has(hash)) return kept
    // Whoever asks meanwhile waits for the same; what has failed is not tried again.
    let made = making.get(hash)
    if (!made) {
      made = queue.then(() => make(hash))
      queue = made
      making.set(hash, made)
    }
    await made
    return keptCopy(hash, pixels)
  }

  async function keptCopy(hash: string, pixels: AvatarPixels): Promise<Uint8Array | undefined> {
    const row = sql.selectFrom('copy').select('png').where('hash', '=', hash).where('pixels', '=', pixels)
    return (await row.executeTakeFirst())?.png
  }

  async function make(hash: string): Promise<void> {
    const bytes = files.get(hash)
    const picture = bytes && pictureOf(bytes)
    if (!bytes || !picture) return
    try {
      const copies = await inThread({ bytes: new Uint8Array(bytes), type: picture.type, sides: SIDES })
      const values = SIDES.flatMap((pixels, i) => {
        const png = copies[i]
        return png ? [{ hash, pixels, png }] : []
      })
      await sql.insertInto('copy').orIgnore().values(values).execute()
    } catch (error) {
      const whose = [...hashes].filter(([, one]) => one === hash).map(([id]) => id)
      log.error({ error }, `The avatar of ${whose.join(', ')} cannot be read; no picture is shown.`)
    }
  }

  async function inThread(work: CopyWork): Promise<readonly Uint8Array[]> {
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
  }
}

const File = z.object({ file: z.string() })
const FILE = /^([0-9a-f]{32})-(96|192)\.png$/
