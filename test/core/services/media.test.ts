import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { DeliveryError, SwitchboardError } from '../../../core/errors.ts'
import { openSqlite, type SqliteEngine } from '../../../core/journal/sqlite/engine.ts'
import type { MediaType } from '../../../core/message.ts'
import { makeLog } from '../../../core/services/log.ts'
import { type Media, makeMedia } from '../../../core/services/media.ts'
import { makeMediaFiles } from '../../../core/services/media-files.ts'
import { type ManualClock, manualClock } from '../../../core/testing/clock.ts'

const MINUTE_MS = 60_000
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

let home: string
let folder: string
let shared: SqliteEngine
let engine: SqliteEngine
let clock: ManualClock
let lines: string[]
const open: Media[] = []
const closing: (() => unknown)[] = []
const log = makeLog({ level: 'debug', stream: { write: (line) => void lines.push(line) } })

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'media-'))
  shared = await openSqlite({ folder: join(home, 'journal') })
})
afterAll(async () => {
  await shared.close()
  await rm(home, { recursive: true })
})
beforeEach(async () => {
  folder = join(home, 'files')
  await rm(folder, { recursive: true, force: true })
  await shared.write(['media', 'kept'].map((table) => ({ sql: `delete from ${table}`, parameters: [] })))
  engine = shared
  clock = manualClock()
  lines = []
})
afterEach(async () => {
  for (const media of open.splice(0)) await media.stop()
  for (const close of closing.splice(0)) await close()
})

type FetchMedia = NonNullable<ReturnType<Parameters<typeof makeMedia>[0]['fetcher']>>

function start(fetchMedia?: FetchMedia, options: Partial<Parameters<typeof makeMedia>[0]> = {}) {
  const media = makeMedia({
    engine,
    folder,
    clock,
    log,
    fetcher: () => fetchMedia,
    allowPrivate: ['127.0.0.1'],
    ...options,
  })
  open.push(media)
  return media
}

let made = 0
/** What accepting a message with one file does. */
async function arrives(source: string, type: MediaType = 'image', account = 'test:1') {
  const n = ++made
  const id = `media-${String(n).padStart(6, '0')}`
  await engine.accept({
    account,
    event: { id: `event-${n}`, chat: 'amy', atMs: clock.now(), type: 'message', parts: [{ type, url: `media:${id}` }] },
    ids: { entry: `entry-${n}`, chat: `chat of ${account}`, customer: `customer of ${account}` },
    nowMs: clock.now(),
    media: [{ id, source, type }],
  })
  return id
}

const rowOf = (id: string) => engine.read.selectFrom('media').selectAll().where('id', '=', id).executeTakeFirstOrThrow()

/** Until the row says so, whatever the threads of the journal and the disk are doing meanwhile. */
async function until(id: string, isSo: (row: Awaited<ReturnType<typeof rowOf>>) => boolean) {
  for (;;) {
    const row = await rowOf(id)
    if (isSo(row)) return row
    await setImmediate()
  }
}
const here = (id: string) => until(id, (row) => row.state === 'here')
const gone = (id: string) => until(id, (row) => row.state === 'gone')
const tried = (id: string, times: number) => until(id, (row) => row.attempts === times)
/** Until the fetcher waits for its next time. */
async function timers(count: number) {
  while (clock.waiting !== count) await setImmediate()
}

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A channel whose files come when the test says so. */
function gate() {
  const asked: string[] = []
  const signals: AbortSignal[] = []
  const opens = new Map<string, PromiseWithResolvers<Awaited<ReturnType<FetchMedia>>>>()
  const gateOf = (source: string) => {
    const known = opens.get(source) ?? Promise.withResolvers()
    opens.set(source, known)
    return known
  }
  return {
    asked,
    signals,
    fetch: ((source, { signal }) => {
      asked.push(source)
      signals.push(signal)
      return gateOf(source).promise
    }) satisfies FetchMedia,
    open: (source: string, content = `content of ${source}`) =>
      gateOf(source).resolve({ body: new Blob([content]), mimeType: 'text/plain' }),
    async reached(count: number) {
      while (asked.length < count) await setImmediate()
    },
  }
}

function brokenOff(): ReadableStream {
  return new ReadableStream({
    start: (controller) => controller.enqueue(Buffer.from('a')),
    pull: (controller) => controller.error(new Error('socket closed')),
  })
}

describe('a file', () => {
  test('is fetched by its channel and kept under the hash of its content, with the type that the content shows', async () => {
    const asked: string[] = []
    const media = start(async (source) => {
      asked.push(source)
      return { body: new Blob([PNG]), mimeType: 'text/plain' }
    })
    const id = await arrives('wechat:abc')
    media.kick()
    const row = await here(id)
    expect(asked).toEqual(['wechat:abc'])
    expect(row).toMatchObject({ mime_type: 'image/png', size_bytes: PNG.length, attempts: 1, error: null })
    const path = join(folder, row.file?.slice(0, 2) ?? '', row.file ?? '')
    expect(await readFile(path)).toEqual(PNG)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const opened = await media.open(`media:${id}`)
    expect([opened.mimeType, opened.body.type, opened.body.size]).toEqual(['image/png', 'image/png', PNG.length])
    expect(Buffer.from(await opened.body.arrayBuffer())).toEqual(PNG)
    expect(await readdir(join(folder, 'incoming'))).toEqual([])
  })

  test('is fetched by its web address when the channel has no way of its own', async () => {
    const url = await serve(
      (_request, response) => void response.setHeader('content-type', 'audio/SILK; x=1').end('voice'),
    )
    const media = start()
    const id = await arrives(`${url}/voice?sign=1`, 'audio')
    media.kick()
    expect(await here(id)).toMatchObject({ mime_type: 'audio/silk', size_bytes: 5 })
  })

  test('is fetched by its channel also when it has a web address: that may need a token', async () => {
    const asked: string[] = []
    const media = start(async (source) => {
      asked.push(source)
      return { body: new Blob(['x']), mimeType: '' }
    })
    const id = await arrives('http://127.0.0.1:9/voice')
    media.kick()
    await here(id)
    expect(asked).toEqual(['http://127.0.0.1:9/voice'])
  })

  test('may come in pieces, or inside its own address', async () => {
    const pieces = start(async () => ({
      body: new ReadableStream({
        start(controller) {
          controller.enqueue(PNG.subarray(0, 20))
          controller.enqueue(PNG.subarray(20))
          controller.close()
        },
      }),
      mimeType: '',
    }))
    const first = await arrives('x:1')
    pieces.kick()
    expect(await here(first)).toMatchObject({ mime_type: 'image/png', size_bytes: PNG.length })
    await pieces.stop()
    const second = await arrives(`data:image/png;base64,${PNG.toString('base64')}`)
    start().kick()
    expect((await here(second)).file).toBe((await rowOf(first)).file)
  })

  test('that came twice is kept once', async () => {
    const media = start(async () => ({ body: new Blob(['same']), mimeType: 'text/plain' }))
    const ids = [await arrives('x:1'), await arrives('x:2')]
    media.kick()
    const [one, two] = [await here(ids[0] ?? ''), await here(ids[1] ?? '')]
    expect(one.file).toBe(two.file)
    expect((await readdir(folder, { recursive: true })).filter((name) => name.endsWith(one.file ?? '-'))).toHaveLength(
      1,
    )
  })

  test.each([
    ['text/html', '<script>alert(1)</script>', 'application/octet-stream'],
    ['image/svg+xml', '<svg onload="alert(1)"/>', 'application/octet-stream'],
    ['image/png', '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>', 'application/octet-stream'],
    ['application/javascript', 'alert(1)', 'application/octet-stream'],
    ['nonsense', 'x', 'application/octet-stream'],
    ['text/plain; charset=utf-8', '你好', 'text/plain'],
    [
      'Application/vnd.openxmlformats-officedocument.wordprocessingml.document',
      'x',
      'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
    ],
  ])('said to be %s is believed only as far as it is harmless', async (mimeType, content, expected) => {
    const media = start(async () => ({ body: new Blob([content]), mimeType }))
    const id = await arrives('x:1', 'file')
    media.kick()
    expect((await here(id)).mime_type).toBe(expected)
  })
})

describe('many files', () => {
  test('are fetched four at a time, the oldest first', async () => {
    const channel = gate()
    const media = start(channel.fetch)
    const ids: string[] = []
    for (let n = 1; n <= 6; n++) {
      ids.push(await arrives(`x:${n}`))
      await clock.advance(1)
    }
    media.kick()
    media.kick()
    await channel.reached(4)
    for (let round = 0; round < 50; round++) await setImmediate()
    expect(channel.asked).toEqual(['x:1', 'x:2', 'x:3', 'x:4'])
    // Their limits only: no timer asks again and again for the fifth.
    expect(clock.waiting).toBe(4)
    channel.open('x:3')
    await channel.reached(5)
    expect(channel.asked.at(-1)).toBe('x:5')
    for (let n = 1; n <= 6; n++) channel.open(`x:${n}`)
    for (const id of ids) await here(id)
    expect(channel.asked).toHaveLength(6)
  })

  test('that come while others are looked up are not overlooked', async () => {
    const media = start(async (source) => ({ body: new Blob([source]), mimeType: '' }))
    const all = Promise.all(
      Array.from({ length: 30 }, async (_, n) => {
        const id = await arrives(`x:${n}`)
        media.kick()
        return id
      }),
    )
    for (const id of await all) await here(id)
  })
})

describe('a fetch that fails', () => {
  test('is tried again after 5 s, 30 s, 2 min, 10 min and then every hour', async () => {
    let fails = true
    const media = start(async () => {
      if (fails) throw new Error('platform busy')
      return { body: new Blob(['at last']), mimeType: 'text/plain' }
    })
    const id = await arrives('x:1')
    media.kick()
    const pauses = [5000, 30_000, 2 * MINUTE_MS, 10 * MINUTE_MS, 60 * MINUTE_MS, 60 * MINUTE_MS]
    for (const [n, pauseMs] of pauses.entries()) {
      await media.idle()
      const row = await rowOf(id)
      expect(row.attempts).toBe(n + 1)
      expect(row).toMatchObject({ state: 'waiting', error: 'platform busy', next_at: clock.now() + pauseMs })
      await clock.advance(pauseMs - 1)
      await media.idle()
      expect((await rowOf(id)).attempts).toBe(n + 1)
      if (n === pauses.length - 1) fails = false
      await clock.advance(1)
    }
    await here(id)
  })

  test('for three days is given up', async () => {
    const media = start(async () => {
      throw new Error('platform busy')
    })
    const id = await arrives('x:1')
    const startedMs = clock.now()
    media.kick()
    await media.idle()
    for (let row = await rowOf(id); row.state === 'waiting'; row = await rowOf(id)) {
      await clock.advance(row.next_at - clock.now())
      await media.idle()
    }
    expect(await rowOf(id)).toMatchObject({ state: 'gone', error: 'platform busy' })
    const days = (clock.now() - startedMs) / (24 * 60 * MINUTE_MS)
    expect(days).toBeGreaterThan(2.9)
    expect(days).toBeLessThan(3.1)
    expect(clock.waiting).toBe(0)
  })

  test.each([
    [
      'the channel says that it never will',
      async () => Promise.reject(new DeliveryError('CHANNEL_GONE', { retry: false })),
    ],
    ['it is too large', async () => ({ body: new Blob(['x'.repeat(101)]), mimeType: '' })],
  ])('because %s is given up at once', async (_why, fetchMedia) => {
    const media = start(fetchMedia, { maxBytes: { image: 100 } })
    const id = await arrives('x:1')
    media.kick()
    expect((await gone(id)).attempts).toBe(1)
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ level: 'warn', media: id, account: 'test:1' }])
    expect(await readdir(join(folder, 'incoming'))).toEqual([])
  })

  test('because of its size depends on the type of its part', async () => {
    const media = start(async () => ({ body: new Blob(['x'.repeat(100)]), mimeType: '' }), {
      maxBytes: { image: 99, video: 100 },
    })
    const [image, video] = [await arrives('x:1', 'image'), await arrives('x:2', 'video')]
    media.kick()
    await gone(image)
    await here(video)
  })

  test.each([
    [410, 'gone'],
    [404, 'waiting'],
    [500, 'waiting'],
  ])('with HTTP %i is %s', async (status, state) => {
    const url = await serve((_request, response) => void response.writeHead(status).end('no such file'))
    const media = start()
    const id = await arrives(url)
    media.kick()
    expect(await tried(id, 1)).toMatchObject({ state, error: `HTTP ${status}` })
  })

  test('because its address is private says so', async () => {
    const url = await serve((_request, response) => void response.end('metadata'))
    const media = start(undefined, { allowPrivate: [] })
    const id = await arrives(url)
    media.kick()
    expect((await tried(id, 1)).error).toContain('private')
  })

  test('because its channel is down waits for it', async () => {
    let channel: FetchMedia | undefined
    const media = start(undefined, { fetcher: (account) => (account === 'test:1' ? channel : undefined) })
    const id = await arrives('wechat:abc')
    media.kick()
    await media.idle()
    expect(await rowOf(id)).toMatchObject({ state: 'waiting', attempts: 1 })
    channel = async () => ({ body: new Blob(['x']), mimeType: '' })
    await clock.advance(5000)
    await here(id)
  })

  test.each<[string, FetchMedia]>([
    ['that never answers', () => new Promise(() => {})],
    ['whose body never ends', async () => ({ body: new ReadableStream({}), mimeType: '' })],
  ])('on a channel %s is given up after two minutes, whatever the channel does', async (_what, fetchMedia) => {
    const media = start(fetchMedia)
    const id = await arrives('x:1')
    media.kick()
    await timers(1)
    await clock.advance(2 * MINUTE_MS - 1)
    expect((await rowOf(id)).attempts).toBe(0)
    await clock.advance(1)
    expect((await tried(id, 1)).error).toContain('2 minutes')
    expect(await readdir(join(folder, 'incoming'))).toEqual([])
  })

  test.each<[string, () => ReadableStream | Blob, string]>([
    ['is empty', () => new Blob([]), 'empty'],
    ['breaks off', brokenOff, 'socket closed'],
    ['is no bytes', () => ReadableStream.from([{ a: 1 }]), 'must consist of bytes'],
  ])('because the file %s leaves nothing', async (_what, body, error) => {
    const media = start(async () => ({ body: body(), mimeType: '' }))
    const id = await arrives('x:1')
    media.kick()
    expect(await tried(id, 1)).toMatchObject({ state: 'waiting', error: expect.stringContaining(error) })
    expect(await readdir(folder)).toEqual(['incoming'])
    expect(await readdir(join(folder, 'incoming'))).toEqual([])
  })

  test('is noted without secrets', async () => {
    log.hide(['t0p-secret'])
    const media = start(async () => Promise.reject(new Error('bad token t0p-secret')))
    const id = await arrives('x:1')
    media.kick()
    expect((await tried(id, 1)).error).toBe('bad token [secret]')
    log.hide([])
  })

  test('because the disk is full is tried again after a while, not at once', async () => {
    let asked = 0
    let isFull = true
    const { dueMedia, read, write, recordMedia } = shared
    const media = start(
      async () => {
        asked += 1
        return { body: new Blob(['x']), mimeType: '' }
      },
      {
        engine: {
          dueMedia,
          read,
          write,
          recordMedia: (result) =>
            isFull ? Promise.reject(new SwitchboardError('JOURNAL_FULL')) : recordMedia(result),
        },
      },
    )
    const id = await arrives('x:1')
    media.kick()
    while (!lines.some((line) => line.includes('JOURNAL_FULL'))) await setImmediate()
    await clock.advance(4999)
    expect([asked, lines.filter((line) => line.includes('"level":"error"')).length]).toEqual([1, 1])
    isFull = false
    await clock.advance(1)
    await here(id)
    expect(asked).toBe(2)
  })

  test('because the journal is closed does not go round and round', async () => {
    engine = await openSqlite({ folder: join(home, 'closed') })
    let asked = 0
    const media = start(async () => {
      asked += 1
      await engine.close()
      return { body: new Blob(['x']), mimeType: '' }
    })
    await arrives('x:1')
    media.kick()
    while (lines.filter((line) => line.includes('JOURNAL_CLOSED')).length < 2) await setImmediate()
    for (let round = 0; round < 50; round++) await setImmediate()
    expect(asked).toBe(1)
    expect(lines.filter((line) => line.includes('"level":"error"')).length).toBeLessThan(4)
  })
})

describe('opening', () => {
  test('waits for a file that is being fetched', async () => {
    const channel = gate()
    const media = start(channel.fetch)
    const id = await arrives('x:1')
    media.kick()
    await channel.reached(1)
    const opened = [media.open(`media:${id}`), media.open(`media:${id}`)]
    channel.open('x:1', 'hello')
    for (const one of opened) expect(await (await one).body.text()).toBe('hello')
    await media.idle()
    expect(clock.waiting).toBe(0)
  })

  test('begins the fetch when nobody has', async () => {
    const media = start(async () => ({ body: new Blob(['hello']), mimeType: '' }))
    const id = await arrives('x:1')
    expect(await (await media.open(`media:${id}`)).body.text()).toBe('hello')
  })

  test('waits through a try that fails, when the next comes soon', async () => {
    let tries = 0
    const media = start(async () => {
      if (++tries === 1) throw new Error('busy')
      return { body: new Blob(['hello']), mimeType: '' }
    })
    const id = await arrives('x:1')
    media.kick()
    const opened = media.open(`media:${id}`)
    await media.idle()
    await clock.advance(5000)
    expect(await (await opened).body.text()).toBe('hello')
  })

  test('waits ten seconds and no longer', async () => {
    const channel = gate()
    const media = start(channel.fetch)
    const id = await arrives('x:1')
    media.kick()
    await channel.reached(1)
    let result: unknown
    const opened = media.open(`media:${id}`).catch((error: unknown) => {
      result = error
    })
    await timers(2)
    await clock.advance(9999)
    expect(result).toBeUndefined()
    await clock.advance(1)
    await opened
    expect(result).toMatchObject({ code: 'MEDIA_NOT_HERE_YET' })
    channel.open('x:1')
    await here(id)
  })

  test('does not wait at all when the next try is further away', async () => {
    const media = start(async () => Promise.reject(new Error('busy')))
    const id = await arrives('x:1')
    media.kick()
    await media.idle()
    await clock.advance(5000)
    await media.idle()
    expect((await rowOf(id)).attempts).toBe(2)
    await expect(media.open(`media:${id}`)).rejects.toMatchObject({ code: 'MEDIA_NOT_HERE_YET' })
  })

  test('waits no longer when it turns out that the file is gone', async () => {
    const failed = Promise.withResolvers<never>()
    const channel = gate()
    const media = start((source, options) => Promise.race([channel.fetch(source, options), failed.promise]))
    const id = await arrives('x:1')
    media.kick()
    await channel.reached(1)
    const opened = media.open(`media:${id}`)
    await timers(2)
    failed.reject(new DeliveryError('CHANNEL_GONE', { retry: false }))
    await expect(opened).rejects.toMatchObject({ code: 'MEDIA_GONE' })
  })

  test('ends with the signal of the caller', async () => {
    const channel = gate()
    const media = start(channel.fetch)
    const id = await arrives('x:1')
    media.kick()
    await channel.reached(1)
    const own = new AbortController()
    const opened = media.open(`media:${id}`, { signal: own.signal })
    own.abort(new Error('the turn is over'))
    await expect(opened).rejects.toThrow('the turn is over')
    expect(clock.waiting).toBe(1)
    expect(channel.signals[0]?.aborted).toBe(false)
  })

  test('tells what is gone: given up, unknown, or missing from the folder', async () => {
    const media = start(async (source) => {
      if (source === 'x:never') throw new DeliveryError('CHANNEL_GONE', { retry: false, message: 'expired' })
      return { body: new Blob(['x']), mimeType: '' }
    })
    const [never, missing] = [await arrives('x:never'), await arrives('x:1')]
    media.kick()
    await gone(never)
    const { file } = await here(missing)
    await rm(join(folder, file?.slice(0, 2) ?? '', file ?? ''))
    await expect(media.open(`media:${never}`)).rejects.toMatchObject({
      code: 'MEDIA_GONE',
      message: expect.stringContaining('expired'),
    })
    await expect(media.open(`media:${missing}`)).rejects.toMatchObject({ code: 'MEDIA_GONE' })
    await expect(media.open('media:unknown')).rejects.toMatchObject({ code: 'MEDIA_GONE' })
    await expect(media.open('wechat:abc')).rejects.toMatchObject({ code: 'MEDIA_GONE' })
    await expect(media.open('file:///etc/passwd')).rejects.toMatchObject({ code: 'MEDIA_GONE' })
  })

  test('fetches web addresses, but no private ones', async () => {
    const url = await serve((request, response) => {
      if (request.url === '/cat') response.setHeader('content-type', 'text/plain').end(PNG)
      else response.writeHead(404).end()
    })
    const media = start()
    const { body, mimeType } = await media.open(`${url}/cat`)
    expect([mimeType, body.type, body.size]).toEqual(['image/png', 'image/png', PNG.length])
    await expect(media.open(`${url}/dog?key=1`)).rejects.toMatchObject({
      code: 'MEDIA_GONE',
      message: expect.stringContaining(`${url}/dog: HTTP 404`),
    })
    await expect(start(undefined, { allowPrivate: [] }).open(`${url}/cat`)).rejects.toMatchObject({
      code: 'HTTP_PRIVATE_ADDRESS',
    })
  })
})

describe('stopping', () => {
  test('gives up what is under way and leaves nothing; the next start fetches it', async () => {
    const channel = gate()
    const media = start(channel.fetch)
    const ids = [await arrives('x:1'), await arrives('x:2')]
    media.kick()
    await channel.reached(2)
    const opened = media.open(`media:${ids[0]}`)
    opened.catch(() => {})
    await media.stop()
    await media.stop()
    expect(channel.signals.every((signal) => signal.aborted)).toBe(true)
    await expect(opened).rejects.toMatchObject({ code: 'STOPPING' })
    media.kick()
    expect(clock.waiting).toBe(0)
    for (const id of ids) expect(await rowOf(id)).toMatchObject({ state: 'waiting', attempts: 0 })
    expect(await readdir(join(folder, 'incoming'))).toEqual([])
    expect(channel.asked).toHaveLength(2)
    expect(lines).toEqual([])
    const next = start(async () => ({ body: new Blob(['x']), mimeType: '' }))
    next.kick()
    for (const id of ids) await here(id)
  })

  test('in the middle of a file removes what had come of it', async () => {
    const begun = Promise.withResolvers<void>()
    const media = start(async () => ({
      body: new ReadableStream({
        start: (controller) => controller.enqueue(Buffer.from('half')),
        pull: () => {
          begun.resolve()
          return new Promise(() => {})
        },
      }),
      mimeType: '',
    }))
    await arrives('x:1')
    media.kick()
    await begun.promise
    await media.stop()
    expect(await readdir(join(folder, 'incoming'))).toEqual([])
  })

  test('while it waits for the next try leaves no timer', async () => {
    const media = start(async () => Promise.reject(new Error('busy')))
    await arrives('x:1')
    media.kick()
    await media.idle()
    media.kick()
    await media.idle()
    expect(clock.waiting).toBe(1)
    await media.stop()
    expect(clock.waiting).toBe(0)
  })
})

describe('after a crash', () => {
  test('what was coming in is removed, and comes again', async () => {
    await mkdir(join(folder, 'incoming'), { recursive: true })
    await writeFile(join(folder, 'incoming', '7'), 'half a fi')
    const id = await arrives('x:1')
    start(async () => ({ body: new Blob(['a file']), mimeType: '' })).kick()
    await here(id)
    expect(await readdir(join(folder, 'incoming'))).toEqual([])
  })
})

describe('keeping', () => {
  const TYPES: readonly (readonly [what: string, content: string | Uint8Array, mimeType: string])[] = [
    ['a picture', PNG, 'image/png'],
    ['a text', 'Grüezi, 你好\r\n\tas < 3 words & more 👋\f', 'text/plain'],
    ['a page', 'Look: <script>alert(1)</script>', 'application/octet-stream'],
    [
      'a picture that can hold scripts',
      '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
      'application/octet-stream',
    ],
    ['a page whose tag is cut in two', `${'x'.repeat(65_535)}<b>`, 'application/octet-stream'],
    ['what is no UTF-8', Buffer.from([0x47, 0x72, 0xfc, 0x65]), 'application/octet-stream'],
    ['UTF-8 that is cut off', Buffer.from('你').subarray(0, 2), 'application/octet-stream'],
    ['bytes', Buffer.from([65, 0, 66]), 'application/octet-stream'],
  ]
  test.each(TYPES)('%s has the type that its content shows', async (_what, content, mimeType) => {
    const media = start()
    const body = new Blob([Buffer.from(content)], { type: 'image/gif' })
    const kept = await media.keep('test:1', body, { maxBytes: 100_000 })
    expect(kept).toEqual({ url: expect.stringMatching(/^kept:[\w-]{24}$/), mimeType, sizeBytes: body.size })
    const opened = await media.open(kept.url, { account: 'test:1' })
    expect([opened.mimeType, Buffer.from(await opened.body.arrayBuffer())]).toEqual([mimeType, Buffer.from(content)])
  })

  test('a message has a kept file at once, without a fetch', async () => {
    const media = start(() => {
      throw new Error('There is nothing to fetch.')
    })
    const { url } = await media.keep('test:1', new Blob([PNG]), { maxBytes: PNG.length })
    const ids = [await arrives(url), await arrives(url)]
    expect(await engine.dueMedia(Number.MAX_SAFE_INTEGER, 10)).toEqual([])
    for (const id of ids) {
      expect(await rowOf(id)).toMatchObject({
        state: 'here',
        source: url,
        mime_type: 'image/png',
        size_bytes: PNG.length,
      })
      const { body, mimeType } = await media.open(`media:${id}`)
      expect([mimeType, Buffer.from(await body.arrayBuffer())]).toEqual(['image/png', PNG])
    }
  })

  test('a file belongs to the account that has kept it: to others it is gone, and to whoever guesses', async () => {
    const media = start()
    const { url } = await media.keep('test:1', new Blob([PNG]), { maxBytes: 100 })
    const { file } = await engine.read.selectFrom('kept').select('file').executeTakeFirstOrThrow()
    for (const [source, account] of [
      [url, 'test:2'],
      // Whoever has the same file knows its hash.
      [`kept:${file}`, 'test:1'],
      ['kept:', 'test:1'],
    ] as const) {
      const id = await arrives(source, 'image', account)
      expect(await rowOf(id)).toMatchObject({
        state: 'gone',
        file: null,
        error: expect.stringContaining('No file is kept'),
      })
      await expect(media.open(`media:${id}`)).rejects.toMatchObject({ code: 'MEDIA_GONE' })
      await expect(media.open(source, { account })).rejects.toMatchObject({ code: 'MEDIA_GONE' })
    }
    await expect(media.open(url)).rejects.toMatchObject({ code: 'MEDIA_GONE' })
  })

  test('the same content twice is one file with two names', async () => {
    const media = start()
    const keep = () => media.keep('test:1', new Blob([PNG]), { maxBytes: 100 })
    const [one, two] = await Promise.all([keep(), keep()])
    expect(one.url).not.toBe(two.url)
    expect(await filesLeft()).toHaveLength(1)
  })

  test('a file that is too large is refused while it comes, and nothing of it is left', async () => {
    const media = start()
    let asked = 0
    async function* endless() {
      for (;;) {
        asked += 1
        yield Buffer.alloc(10, 'x')
      }
    }
    const refused = expect(media.keep('test:1', endless(), { maxBytes: 99 }))
    await refused.rejects.toMatchObject({
      code: 'MEDIA_TOO_LARGE',
      statusCode: 413,
      message: expect.stringContaining('99'),
    })
    expect(asked).toBeLessThanOrEqual(11)
    const empty = media.keep('test:1', new Blob([]), { maxBytes: 99 })
    await expect(empty).rejects.toMatchObject({ code: 'MEDIA_EMPTY', statusCode: 400 })
    await expect(media.keep('test:1', brokenOff(), { maxBytes: 99 })).rejects.toThrow('socket closed')
    expect(await filesLeft()).toEqual([])
    expect(await engine.read.selectFrom('kept').selectAll().execute()).toEqual([])
  })

  test('a file of a type that is not taken is refused, and nothing of it is left', async () => {
    const media = start()
    const accepts = (mimeType: string) => mimeType === 'image/png'
    for (const content of ['just a text', '<script>', 'MZ\0\0'])
      await expect(media.keep('test:1', new Blob([content]), { maxBytes: 100, accepts })).rejects.toMatchObject({
        code: 'MEDIA_TYPE',
        statusCode: 415,
      })
    expect(await filesLeft()).toEqual([])
    expect(await engine.read.selectFrom('kept').selectAll().execute()).toEqual([])
    expect(await media.keep('test:1', new Blob([PNG]), { maxBytes: 100, accepts })).toMatchObject({
      mimeType: 'image/png',
    })
  })

  test('a file may take as long as it needs with 32 KB/s, and no longer', async () => {
    const media = start()
    const slow = () => {
      let send = (_bytes: string) => {}
      let end = () => {}
      const body = new ReadableStream({
        start(controller) {
          send = (bytes) => controller.enqueue(Buffer.from(bytes))
          end = () => controller.close()
        },
      })
      return { body, send: (bytes: string) => send(bytes), end: () => end() }
    }
    const maxBytes = 32 * 150_000
    const [inTime, late] = [slow(), slow()]
    const kept = media.keep('test:1', inTime.body, { maxBytes })
    const refused = expect(media.keep('test:1', late.body, { maxBytes })).rejects.toMatchObject({
      code: 'MEDIA_TOO_SLOW',
      statusCode: 408,
    })
    for (const { send } of [inTime, late]) send('a')
    await clock.advance(179_999)
    inTime.end()
    expect(await kept).toMatchObject({ sizeBytes: 1 })
    await clock.advance(1)
    await refused
    expect(clock.waiting).toBe(0)
  })

  test('a disk without room is no fault of the caller’s: he may try again', async () => {
    const media = start()
    // biome-ignore lint/correctness/useYield: it fails as a write to such a disk does.
    async function* full(): AsyncGenerator<Uint8Array> {
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    }
    await expect(media.keep('test:1', full(), { maxBytes: 99 })).rejects.toMatchObject({
      code: 'MEDIA_NO_ROOM',
      statusCode: 503,
    })
  })

  test('stopping gives up what is coming in', async () => {
    const media = start()
    const never = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('a')) })
    await Promise.all([
      expect(media.keep('test:1', never, { maxBytes: 99 })).rejects.toMatchObject({ code: 'STOPPING' }),
      media.stop(),
    ])
    expect(await filesLeft()).toEqual([])
    expect(clock.waiting).toBe(0)
  })

  /** Whatever lies in the folder, coming in or come. */
  async function filesLeft(): Promise<readonly string[]> {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
    return entries.filter((entry) => entry.isFile()).map(({ name }) => name)
  }
})

describe('forgetting', () => {
  const pathOf = (file: string | null) => join(folder, file?.slice(0, 2) ?? '', file ?? '')

  test('a kept file that no message has goes after a day, and one that a message has goes with it', async () => {
    const media = start()
    const urls: string[] = []
    for (const content of ['without a message', 'in time', 'of a message'])
      urls.push((await media.keep('test:1', new Blob([content]), { maxBytes: 100 })).url)
    const [, inTime = '', ofMessage = ''] = urls
    const opens = async () => {
      const opened = await Promise.allSettled(urls.map((url) => media.open(url, { account: 'test:1' })))
      return opened.map(({ status }) => status === 'fulfilled')
    }
    const entry = (await rowOf(await arrives(ofMessage))).entry
    clock.jump(clock.now() + 24 * 60 * MINUTE_MS)
    expect(await media.removeUnused()).toBe(0)
    expect(await opens()).toEqual([true, true, true])
    await arrives(inTime)
    clock.jump(clock.now() + 1)
    expect(await media.removeUnused()).toBe(1)
    expect(await opens()).toEqual([false, true, true])
    await engine.write([{ sql: 'delete from entry where id = ?', parameters: [entry] }])
    expect(await media.removeUnused()).toBe(1)
    expect(await opens()).toEqual([false, true, false])
    expect(await engine.read.selectFrom('kept').select('id').execute()).toEqual([{ id: inTime.slice('kept:'.length) }])
  })

  test('a kept file goes though a message has the same content by another upload', async () => {
    const media = start()
    const keep = async () => (await media.keep('test:1', new Blob(['the same']), { maxBytes: 100 })).url
    const [used, unused] = [await keep(), await keep()]
    await arrives(used)
    clock.jump(clock.now() + 24 * 60 * MINUTE_MS + 1)
    expect(await media.removeUnused()).toBe(0)
    expect(await (await media.open(used, { account: 'test:1' })).body.text()).toBe('the same')
    await expect(media.open(unused, { account: 'test:1' })).rejects.toMatchObject({ code: 'MEDIA_GONE' })
  })

  test('removes the files of forgotten messages, but none that another message has too', async () => {
    const media = start(async (source) => ({ body: new Blob([source === 'x:3' ? 'alone' : 'shared']), mimeType: '' }))
    const ids = [await arrives('x:1'), await arrives('x:2'), await arrives('x:3')]
    media.kick()
    const rows = []
    for (const id of ids) rows.push(await here(id))
    expect(await media.removeUnused()).toBe(0)
    await engine.write([{ sql: 'delete from entry where id in (?, ?)', parameters: [rows[0]?.entry, rows[2]?.entry] }])
    expect(await media.removeUnused()).toBe(1)
    expect(rows.map((row) => existsSync(pathOf(row.file)))).toEqual([true, true, false])
    expect((await engine.read.selectFrom('media').select('id').execute()).map((row) => row.id)).toEqual([ids[1]])
  })

  test('goes on when there are very many', async () => {
    const media = start()
    const insert = `insert into media (id, chat, entry, source, type, state, next_at, created_at)
      values (?, 'c', 'no such entry', 'x', 'image', 'gone', 0, 0)`
    await engine.write(Array.from({ length: 450 }, (_, n) => ({ sql: insert, parameters: [`old-${n}`] })))
    expect(await media.removeUnused()).toBe(0)
    expect(await engine.read.selectFrom('media').selectAll().execute()).toEqual([])
  })

  test('leaves files that are just coming in, and everything that is not a file of ours', async () => {
    const files = makeMediaFiles(folder)
    const options = { maxBytes: 100, signal: new AbortController().signal }
    let kept = ''
    await files.put(new Blob(['coming in']), options, async ({ file }) => {
      kept = file
      expect(await files.removeUnused(async () => [])).toBe(0)
    })
    expect(existsSync(pathOf(kept))).toBe(true)
    await writeFile(join(folder, kept.slice(0, 2), 'README'), 'x')
    // Written down between the question and the answer.
    const again = files.removeUnused(async () => {
      await files.put(new Blob(['coming in']), options, async () => {})
      return []
    })
    expect(await again).toBe(0)
    expect(await files.removeUnused(async () => [])).toBe(1)
    expect(await readdir(join(folder, kept.slice(0, 2)))).toEqual(['README'])
  })
})
