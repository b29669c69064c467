import { type Browser, backoffMs } from './browser.ts'
import type { Outgoing } from './chat.ts'
import { parse, readCount, readText } from './frames.ts'
import { WAITING as KEY } from './known.ts'
import { isTemporary, type Refusal, refusalOf } from './requests.ts'
import type { Store } from './storage.ts'

/** What is on its way to the server, in the order in which it was sent; one at a time. */
export interface Outbox {
  /** A new list after a change, with the same members where they did not change. */
  readonly list: readonly Outgoing[]
  start(): void
  /** Lets go of the timer. What is under way has to be broken off, too. */
  stop(): void
  add(message: Pick<Outgoing, 'id' | 'text' | 'choice' | 'file' | 'error'>): void
  retry(id: string): void
  cancel(id: string): void
  /** Takes what another page has left, but for these, which have arrived. */
  adopt(arrived: (id: string) => boolean): void
  /** These have arrived, and everything up to this number is in the log. */
  settle(ids: readonly string[], last: number): void
  /** What was accepted belongs to the log of somebody else; the rest is sent in the new one. */
  leave(): void
  /** Waits no longer. */
  wake(): void
  clear(): void
}

/** So often our server may fail with a file: what stands behind it is waiting. */
const MAX_FILE_FAILURES = 5
/** So long a file may be told to wait, for the same reason: an address that has uploaded too much may have to for an hour. */
const MAX_FILE_WAIT_MS = 60_000

interface Entry extends Outgoing {
  /** When it was written, so that another page finds the order. */
  readonly atMs: number
  /** How often our server failed with it. */
  readonly failures?: number | undefined
  /** What was answered for its file. */
  readonly uploaded?: string | undefined
  /** The number that was answered. */
  readonly seq?: number | undefined
  /** Another page wrote it, and takes it out of the storage when it has arrived. */
  readonly isAdopted?: boolean | undefined
}

interface Options {
  /** Sends a message, and resolves with its number. Rejects with a `Refusal`. */
  post(message: Outgoing, uploaded: string | undefined): Promise<number>
  /** Uploads a file, and resolves with what names it. */
  upload(file: File, signal: AbortSignal, onProgress: (share: number) => void): Promise<string>
  onChange(): void
  /** The server has a message; its number will come by the log. */
  onSent(seq: number): void
}

export function makeOutbox(browser: Browser, store: Store, { post, upload, onChange, onSent }: Options): Outbox {
  let list: readonly Entry[] = []
  let isRunning = false
  let isBusy = false
  let failures = 0
  let timer: number | undefined
  /** The server has asked for a wait until then. */
  let notBeforeMs = 0
  let underWay: AbortController | undefined

  const find = (id: string) => list.find((entry) => entry.id === id)

  function change(id: string, patch: Partial<Entry>): void {
    list = list.map((entry) => (entry.id === id ? { ...entry, ...patch } : entry))
    onChange()
  }

  function drop(isOver: (entry: Entry) => boolean): boolean {
    const over = list.filter(isOver)
    for (const { id } of over) store.remove(KEY + id)
    if (over.length > 0) list = list.filter((entry) => !over.includes(entry))
    return over.length > 0
  }

  /** Whether the page that wrote it has taken it out again. */
  const isGone = ({ id, isAdopted }: Entry) => isAdopted === true && store.get(KEY + id) === undefined

  async function sendAll(): Promise<void> {
    if (isBusy) return
    isBusy = true
    for (let next = first(); next; next = first()) {
      try {
        await sendOne(next)
        failures = 0
      } catch (error) {
        const refusal = refusalOf(error)
        const { id, file } = next
        // A file that has got lost there is uploaded again, once.
        const isLost = refusal.code === 'FILE_GONE'
        const failed = (next.failures ?? 0) + (isLost ? 3 : refusal.status < 500 ? 0 : 1)
        if (isLost) change(id, { uploaded: undefined })
        const isHopeless = failed >= MAX_FILE_FAILURES || (refusal.retryAfterMs ?? 0) > MAX_FILE_WAIT_MS
        if ((isLost || isTemporary(refusal)) && !(file && isHopeless)) {
          change(id, { state: 'waiting', failures: failed })
          tryLater(refusal)
          break
        }
        change(id, { state: 'failed', error: refusal.code, uploaded: undefined, failures: 0 })
      }
    }
    isBusy = false
  }

  function first(): Entry | undefined {
    if (drop(isGone)) onChange()
    return isRunning && timer === undefined ? list.find(({ state }) => state === 'waiting') : undefined
  }

  async function sendOne({ id, file, uploaded }: Entry): Promise<void> {
    change(id, { state: 'sending', error: undefined })
    if (file && uploaded === undefined) {
      underWay = new AbortController()
      const name = await upload(file, underWay.signal, (progress) => change(id, { progress }))
      change(id, { uploaded: name, progress: 1 })
    }
    const message = find(id)
    // Given up meanwhile.
    if (!message) return
    const seq = await post(message, message.uploaded)
    change(id, { seq })
    onSent(seq)
  }

  function tryLater({ retryAfterMs }: Refusal): void {
    if (!isRunning) return
    notBeforeMs = browser.Date.now() + (retryAfterMs ?? 0)
    timer = browser.setTimeout(wake, retryAfterMs ?? backoffMs(failures))
    failures++
  }

  function wake(): void {
    if (timer !== undefined && browser.Date.now() < notBeforeMs) return
    browser.clearTimeout(timer)
    timer = undefined
    void sendAll()
  }

  return {
    get list() {
      return list
    },
    start() {
      isRunning = true
      wake()
    },
    stop() {
      isRunning = false
      browser.clearTimeout(timer)
      timer = undefined
    },
    add(message) {
      const latest = list[list.length - 1]?.atMs ?? 0
      const entry: Entry = {
        ...message,
        state: message.error ? 'failed' : 'waiting',
        atMs: Math.max(browser.Date.now(), latest + 1),
      }
      const { id, text, choice, atMs } = entry
      if (!entry.file) store.set(KEY + id, JSON.stringify({ id, text, choice, atMs }))
      list = [...list, entry]
      onChange()
      wake()
    },
    retry(id) {
      if (find(id)?.state !== 'failed') return
      change(id, { state: 'waiting', error: undefined })
      wake()
    },
    cancel(id) {
      const entry = find(id)
      // What is being posted may have arrived already.
      if (!entry || (entry.state === 'sending' && (!entry.file || entry.uploaded !== undefined))) return
      drop((one) => one.id === id)
      if (entry.state === 'sending') underWay?.abort()
      onChange()
    },
    adopt(arrived) {
      const found = store.keys(KEY).flatMap((key) => {
        const kept = parse(store.get(key) ?? '')
        const id = readText(kept, 'id')
        const text = readText(kept, 'text')
        const atMs = readCount(kept, 'atMs')
        if (id === undefined || text === undefined || atMs === undefined || arrived(id)) {
          store.remove(key)
          return []
        }
        if (find(id)) return []
        return [{ id, text, choice: readText(kept, 'choice'), atMs, state: 'waiting', isAdopted: true } satisfies Entry]
      })
      if (found.length === 0) return
      list = [...list, ...found.sort((a, b) => a.atMs - b.atMs)]
      onChange()
      void sendAll()
    },
    settle(ids, last) {
      drop(({ id, seq = Number.POSITIVE_INFINITY }) => ids.includes(id) || seq <= last)
    },
    leave() {
      drop(({ seq }) => seq !== undefined)
    },
    wake,
    clear() {
      for (const key of store.keys(KEY)) store.remove(key)
      list = []
      underWay?.abort()
      onChange()
    },
  }
}
