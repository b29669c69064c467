/**
 * Fetches what customers send, soon: platforms' links expire. A message is accepted with its files named `media:<id>`;
 * the journal has a row for each, which is worked off here, beside the main path. After a crash the rows still wait.
 * What customers upload to a channel itself is kept before there is a message, as `kept:<id>`.
 */
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { DeliveryError, messageOf, SwitchboardError } from '../errors.ts'
import { type Engine, keptId, keptReference, type MediaTask } from '../journal/engine.ts'
import type { MediaType } from '../message.ts'
import type { ChannelMethods, FileBody, KeepOptions, KeptFile, OpenMedia } from '../plugin.ts'
import type { Clock } from './clock.ts'
import { makeHttp } from './http.ts'
import { abortable, limitOf, wholeWithinMs } from './limit.ts'
import { cleanUrl, type RuntimeLog } from './log.ts'
import { makeMediaFiles } from './media-files.ts'

export interface Media {
  /**
   * Opens `media:<id>`, a `kept:<id>` of the `account`, or any web address. Waits up to 10 s for a file that is being fetched, then throws
   * `MEDIA_NOT_HERE_YET`; `MEDIA_GONE` when it will not come, or is nothing that can be opened. For web addresses also
   * what `http` throws.
   */
  open(
    url: string,
    options?: { readonly signal?: AbortSignal | undefined; readonly account?: string | undefined },
  ): Promise<OpenMedia>
  /**
   * See `ChannelContext.media.keep` and that of `DeskContext`. Only events of this account can refer to the file; one of
   * a desk, whose account begins with `DESK`, can be opened by every channel, to be sent.
   */
  keep(account: string, body: FileBody, options: KeepOptions): Promise<KeptFile>
  /** New rows are waiting, or may be. The first call begins the work. */
  kick(): void
  /** Resolves when nothing is under way; what waits for its next try is not. */
  idle(): Promise<void>
  /**
   * Forgets the files of entries that the journal has forgotten, and those that were kept a day ago and that no entry
   * refers to. Gives the number of files that were removed.
   */
  removeUnused(): Promise<number>
  /** Gives up what is being fetched (it is fetched after the next start) and resolves when nothing is under way. */
  stop(): Promise<void>
}

/** The channel of an account fetches its own references; `undefined` when it has no way of its own, or is not there. */
export type Fetcher = (account: string) => ChannelMethods['fetchMedia'] | undefined

const AT_ONCE = 4
/** How long one file may take to come in. */
const FETCH_LIMIT_MS = 2 * 60_000
/** How long `open` waits. */
const OPEN_LIMIT_MS = 10_000
/** The pause after a journal that cannot be written or read. */
const JOURNAL_PAUSE_MS = 5000
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** For so long a file that was kept waits for the message that refers to it. */
const KEEP_WITHOUT_MESSAGE_MS = 24 * HOUR_MS
/** Of the random names of kept files: nobody can guess one. */
const NAME_BYTES = 18
const FIRST_PAUSES_MS = [5000, 30_000, 2 * MINUTE_MS, 10 * MINUTE_MS]
/**
 * With hourly tries, three days: platforms keep their files no longer.
 * Source: WeChat, "Temporary media", kept for 3 days,
 * https://developers.weixin.qq.com/doc/offiaccount/Asset_Management/Get_temporary_materials.html, read 2026-11-20.
 */
const MAX_ATTEMPTS = FIRST_PAUSES_MS.length + 72
const MAX_BYTES: { readonly [T in MediaType]: number } = {
  image: 25 * 1024 * 1024,
  audio: 25 * 1024 * 1024,
  video: 25 * 1024 * 1024,
  file: 25 * 1024 * 1024,
}
/** Rows looked at in one go when old ones are removed. */
const SLICE = 200

/** What the account begins with under which files of our own people are kept. */
export const DESK = 'desk:'

/** A fetch after which another cannot help. */
class NeverHere extends Error {
  override readonly name = 'NeverHere'
}

/**
 * Makes the fetcher of all files. They are kept in `folder`, named by their content. `maxBytes` bounds each type of
 * part. `allowPrivate` and `offline` as in `makeHttp`, for files that are fetched by their web
 * address.
 */
export function makeMedia(options: {
  readonly engine: Pick<Engine, 'dueMedia' | 'recordMedia' | 'read' | 'write'>
  readonly folder: string
  readonly clock: Clock
  readonly log: RuntimeLog
  readonly fetcher: Fetcher
  readonly allowPrivate?: readonly string[] | (() => readonly string[]) | undefined
  readonly offline?: boolean | undefined
  readonly maxBytes?: { readonly [T in MediaType]?: number | undefined } | undefined
  /** How long messages are kept, and with them what our own people have sent. Left out: a day. */
  readonly keepMessagesMs?: (() => number) | undefined
}): Media {
  const { engine, clock, log, fetcher } = options
  const maxBytesOf = (type: MediaType) => options.maxBytes?.[type] ?? MAX_BYTES[type]
  const largest = Math.max(maxBytesOf('image'), maxBytesOf('audio'), maxBytesOf('video'), maxBytesOf('file'))
  const stopping = new AbortController()
  const http = makeHttp({
    log,
    clock,
    signal: stopping.signal,
    allowPrivate: options.allowPrivate,
    offline: options.offline,
    maxBytes: largest,
  })
  const files = makeMediaFiles(options.folder)
  const underWay = new Map<string, Promise<void>>()
  /** Who waits for a file that is being fetched. */
  const waiting = new Map<string, Set<() => void>>()
  /** What is being kept. */
  const keeping = new Set<Promise<unknown>>()
  let looking: Promise<void> | undefined
  let lookAgain = false
  let cancelTimer = () => {}

  // ── working the rows off ──

  function kick(): void {
    if (stopping.signal.aborted) return
    lookAgain = true
    looking ??= look()
  }

  async function look(): Promise<void> {
    while (lookAgain && !stopping.signal.aborted) {
      lookAgain = false
      try {
        await files.ready()
        await startDue()
        if (!lookAgain) lookIn(await untilNext())
      } catch (error) {
        if (stopping.signal.aborted) break
        log.error({ error }, `The files that wait cannot be looked up: ${messageOf(error)}`)
        lookIn(JOURNAL_PAUSE_MS)
      }
    }
    // Together with the last look at `lookAgain`: whoever kicks from now on begins anew.
    looking = undefined
  }

  async function startDue(): Promise<void> {
    const busy = new Set(underWay.keys())
    const free = AT_ONCE - busy.size
    if (free <= 0) return
    const due = await engine.dueMedia(clock.now(), AT_ONCE + busy.size)
    for (const task of due.filter(({ id }) => !busy.has(id)).slice(0, free)) {
      const done = fetchOne(task).finally(() => {
        underWay.delete(task.id)
        kick()
      })
      underWay.set(task.id, done)
    }
  }

  /** ms until another row is due; `undefined` when none waits, or a fetch that ends will look anyway. */
  async function untilNext(): Promise<number | undefined> {
    if (underWay.size >= AT_ONCE) return undefined
    const next = await engine.read
      .selectFrom('media')
      .select('next_at')
      .where('state', '=', 'waiting')
      .where('id', 'not in', [...underWay.keys()])
      .orderBy('next_at')
      .limit(1)
      .executeTakeFirst()
    return next && next.next_at - clock.now()
  }

  function lookIn(ms: number | undefined): void {
    cancelTimer()
    if (ms === undefined || stopping.signal.aborted) return
    cancelTimer = clock.after(ms, kick)
  }

  async function idle(): Promise<void> {
    while (looking || underWay.size > 0 || keeping.size > 0)
      await Promise.all([...underWay.values(), ...keeping, looking])
  }

  // ── one file ──

  async function fetchOne(task: MediaTask): Promise<void> {
    const limit = whileComing()
    try {
      const { body, mimeType } = await abortable(get(task, limit.signal), limit.signal)
      await files.put(body, { maxBytes: maxBytesOf(task.type), signal: limit.signal }, (stored) =>
        engine.recordMedia({
          id: task.id,
          nowMs: clock.now(),
          state: 'here',
          file: stored.file,
          sizeBytes: stored.sizeBytes,
          mimeType: typeOf(stored.foundType, mimeType),
        }),
      )
      wake(task.id)
    } catch (error) {
      // Nothing is known of a file that was given up because we stop: it waits for the next start.
      if (!stopping.signal.aborted) await recordFailure(task, error)
    } finally {
      limit.release()
    }
  }

  function whileComing() {
    return limitOf({
      signals: [stopping.signal],
      clock,
      ms: FETCH_LIMIT_MS,
      late: () => new Error(`It took longer than ${FETCH_LIMIT_MS / MINUTE_MS} minutes.`),
    })
  }

  async function get(task: MediaTask, signal: AbortSignal): ReturnType<NonNullable<ChannelMethods['fetchMedia']>> {
    const fetchMedia = fetcher(task.account)
    if (fetchMedia) return await fetchMedia(task.source, { signal })
    // Perhaps after a reload: its channel may be down.
    if (!isWebAddress(task.source)) throw new Error('The channel cannot fetch it, and it is no web address.')
    const response = await http.fetch(task.source, { signal })
    if (!response.ok) {
      await response.body?.cancel()
      const said = `HTTP ${response.status}`
      throw response.status === 410 ? new NeverHere(said) : new Error(said)
    }
    return { body: response.body ?? new Blob(), mimeType: response.headers.get('content-type') ?? '' }
  }

  async function recordFailure(task: MediaTask, cause: unknown): Promise<void> {
    const error = log.redact(messageOf(cause))
    const about = { media: task.id, account: task.account, attempts: task.attempts + 1, error: cause }
    const isGone = isFinal(cause) || task.attempts + 1 >= MAX_ATTEMPTS
    const nowMs = clock.now()
    try {
      if (isGone) {
        log.warn(about, `A file of ${task.account} cannot be fetched any more: ${error}`)
        await engine.recordMedia({ id: task.id, nowMs, state: 'gone', error })
      } else {
        log.debug(about, `A file of ${task.account} could not be fetched: ${error}`)
        const nextAtMs = nowMs + (FIRST_PAUSES_MS[task.attempts] ?? HOUR_MS)
        await engine.recordMedia({ id: task.id, nowMs, state: 'waiting', nextAtMs, error })
      }
      wake(task.id)
    } catch (failure) {
      if (stopping.signal.aborted) return
      log.error(
        { media: task.id, error: failure },
        `What became of a file cannot be written down: ${messageOf(failure)}`,
      )
      await pause(JOURNAL_PAUSE_MS)
    }
  }

  async function pause(ms: number): Promise<void> {
    const over = Promise.withResolvers<void>()
    const cancel = clock.after(ms, over.resolve)
    await abortable(over.promise, stopping.signal).catch(() => {
      // Stopping ends the pause.
    })
    cancel()
  }

  function wake(id: string): void {
    for (const look of waiting.get(id) ?? []) look()
  }

  // ── keeping ──

  async function keep(account: string, body: FileBody, { maxBytes, accepts }: KeepOptions): Promise<KeptFile> {
    const id = randomBytes(NAME_BYTES).toString('base64url')
    let kept: KeptFile | undefined
    const limit = limitOf({
      signals: [stopping.signal],
      clock,
      ms: wholeWithinMs(maxBytes),
      late: () => new SwitchboardError('MEDIA_TOO_SLOW'),
    })
    const options = {
      maxBytes,
      signal: limit.signal,
      findsText: true,
      accepts: accepts && ((foundType: string | undefined) => accepts(typeOf(foundType, ''))),
    }
    try {
      await files.put(streamOf(body), options, async ({ file, sizeBytes, foundType }) => {
        const mimeType = typeOf(foundType, '')
        await engine.write([
          {
            sql: 'insert into kept (id, account, file, mime_type, size_bytes, at) values (?, ?, ?, ?, ?, ?)',
            parameters: [id, account, file, mimeType, sizeBytes, clock.now()],
          },
        ])
        kept = { url: keptReference(id), mimeType, sizeBytes }
      })
    } catch (error) {
      throw isDiskFull(error) ? new SwitchboardError('MEDIA_NO_ROOM', { cause: error }) : error
    } finally {
      limit.release()
    }
    if (!kept) throw new Error('A file that was taken in was not written down.')
    return kept
  }

  async function openKept(id: string, account: string | undefined): Promise<OpenMedia> {
    const kept = await engine.read
      .selectFrom('kept')
      .select(['file', 'mime_type'])
      .where('id', '=', id)
      .where((its) => its.or([its('account', '=', account ?? ''), its('account', 'like', `${DESK}%`)]))
      .executeTakeFirst()
    if (!kept) throw new SwitchboardError('MEDIA_GONE', { detail: 'No file is kept by this reference.' })
    return openFile(kept.file, kept.mime_type)
  }

  // ── opening ──

  async function openOwn(id: string, signal: AbortSignal | undefined): Promise<OpenMedia> {
    const untilMs = clock.now() + OPEN_LIMIT_MS
    const limit = limitOf({
      signals: [stopping.signal, signal],
      clock,
      ms: OPEN_LIMIT_MS,
      late: () => new SwitchboardError('MEDIA_NOT_HERE_YET'),
    })
    let news = Promise.withResolvers<void>()
    const onWake = () => news.resolve()
    const others = waiting.get(id) ?? new Set()
    waiting.set(id, others.add(onWake))
    try {
      for (;;) {
        news = Promise.withResolvers()
        const row = await abortable(find(id), limit.signal)
        if (!row || row.state === 'gone') throw new SwitchboardError('MEDIA_GONE', { detail: row?.error ?? undefined })
        if (row.state === 'here') return await openFile(row.file ?? '', row.mime_type ?? '')
        // Nobody will have tried again by then.
        if (!underWay.has(id) && row.next_at > untilMs) throw new SwitchboardError('MEDIA_NOT_HERE_YET')
        if (!underWay.has(id)) kick()
        await abortable(news.promise, limit.signal)
      }
    } finally {
      limit.release()
      others.delete(onWake)
      if (others.size === 0) waiting.delete(id)
    }
  }

  function find(id: string) {
    return engine.read
      .selectFrom('media')
      .select(['state', 'file', 'mime_type', 'next_at', 'error'])
      .where('id', '=', id)
      .executeTakeFirst()
  }

  async function openFile(file: string, mimeType: string): Promise<OpenMedia> {
    try {
      return { body: await files.open(file, mimeType), mimeType }
    } catch (cause) {
      // Restored from a copy without its files, say.
      throw new SwitchboardError('MEDIA_GONE', { detail: 'It is not in the folder.', cause })
    }
  }

  async function openAddress(url: string, signal: AbortSignal | undefined): Promise<OpenMedia> {
    const response = await http.fetch(url, signal ? { signal } : {})
    if (!response.ok) {
      await response.body?.cancel()
      throw new SwitchboardError('MEDIA_GONE', { detail: `${cleanUrl(url)}: HTTP ${response.status}` })
    }
    const bytes = await response.arrayBuffer()
    const { fileTypeFromBuffer } = await import('file-type')
    const found = await fileTypeFromBuffer(bytes).catch(() => undefined)
    const mimeType = typeOf(found?.mime, response.headers.get('content-type') ?? '')
    return { body: new Blob([bytes], { type: mimeType }), mimeType }
  }

  // ── forgetting ──

  async function removeRows(): Promise<void> {
    for (;;) {
      const rows = await engine.read
        .selectFrom('media')
        .select('media.id')
        .where(({ not, exists, selectFrom }) =>
          not(exists(selectFrom('entry').select('entry.id').whereRef('entry.id', '=', 'media.entry'))),
        )
        .orderBy('media.id')
        .limit(SLICE)
        .execute()
      const ids = rows.map(({ id }) => id)
      if (ids.length > 0)
        await engine.write([{ sql: `delete from media where id in (${ids.map(() => '?')})`, parameters: ids }])
      if (ids.length < SLICE) return
    }
  }

  async function removeKept(): Promise<void> {
    const beforeMs = clock.now() - KEEP_WITHOUT_MESSAGE_MS
    const oursBeforeMs = clock.now() - (options.keepMessagesMs?.() ?? KEEP_WITHOUT_MESSAGE_MS)
    for (;;) {
      const rows = await engine.read
        .selectFrom('kept')
        .select('kept.id')
        .where('kept.at', '<', beforeMs)
        .where((its) => its.or([its('kept.at', '<', oursBeforeMs), its('kept.account', 'not like', `${DESK}%`)]))
        .where((its) =>
          its.not(
            its.exists(
              its
                .selectFrom('media')
                .select('media.id')
                .whereRef('media.file', '=', 'kept.file')
                // The same content may have come another way, or by another upload.
                .where('media.source', '=', (its) => its(its.val(keptReference('')), '||', its.ref('kept.id'))),
            ),
          ),
        )
        .limit(SLICE)
        .execute()
      const ids = rows.map(({ id }) => id)
      // A message may have come for one of them meanwhile.
      const unused = 'not exists (select 1 from media where media.file = kept.file and media.source = ? || kept.id)'
      if (ids.length > 0)
        await engine.write([
          {
            sql: `delete from kept where id in (${ids.map(() => '?')}) and ${unused}`,
            parameters: [...ids, keptReference('')],
          },
        ])
      if (ids.length < SLICE) return
    }
  }

  async function used(names: readonly string[]): Promise<readonly string[]> {
    const rows = await engine.read
      .selectFrom('media')
      .select('file')
      .where('file', 'in', [...names])
      .union(
        engine.read
          .selectFrom('kept')
          .select('file')
          .where('file', 'in', [...names]),
      )
      .execute()
    return rows.flatMap(({ file }) => file ?? [])
  }

  return {
    kick,
    open(url, { signal, account } = {}) {
      if (url.startsWith('media:')) return openOwn(url.slice('media:'.length), signal)
      const kept = keptId(url)
      if (kept !== undefined) return openKept(kept, account)
      if (isWebAddress(url)) return openAddress(url, signal)
      return Promise.reject(new SwitchboardError('MEDIA_GONE', { detail: 'It is neither media:… nor a web address.' }))
    },
    keep(account, body, options) {
      const kept = keep(account, body, options)
      const settled = kept.then(
        () => void keeping.delete(settled),
        () => void keeping.delete(settled),
      )
      keeping.add(settled)
      return kept
    },
    idle,
    async removeUnused() {
      await removeRows()
      await removeKept()
      return files.removeUnused(used)
    },
    async stop() {
      stopping.abort(new SwitchboardError('STOPPING'))
      cancelTimer()
      await idle()
      await http.close()
    },
  }
}

/** A request's body is not broken off with its reader: the answer that says why has to go back the same way. */
function streamOf(body: FileBody): ReadableStream | Blob {
  if (body instanceof ReadableStream || body instanceof Blob) return body
  return ReadableStream.from(body instanceof Readable ? body.iterator({ destroyOnReturn: false }) : body)
}

function isDiskFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
}

function isWebAddress(url: string): boolean {
  return /^(https?|data):/i.test(url)
}

/** Codes of files that will not become smaller. */
const FINAL: ReadonlySet<string> = new Set(['HTTP_TOO_LARGE', 'MEDIA_TOO_LARGE'])

function isFinal(error: unknown): boolean {
  if (error instanceof DeliveryError) return !error.retry
  return error instanceof NeverHere || (error instanceof SwitchboardError && FINAL.has(error.code))
}

const UNKNOWN_TYPE = 'application/octet-stream'
/** Types that a browser runs or that can hold what it runs. Files of customers are never said to be one. */
const ACTIVE_TYPE = /^text\/(html|xml)$|script$|\/xml$|\+xml$|flash$/

/** The type of a file: what its content shows, else what the other side says, as far as that can be believed. */
function typeOf(found: string | undefined, claimed: string): string {
  const type = found ?? claimed.split(';')[0]?.trim().toLowerCase() ?? ''
  return /^[\w.+-]+\/[\w.+-]+$/.test(type) && !ACTIVE_TYPE.test(type) ? type : UNKNOWN_TYPE
}
