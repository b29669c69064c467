/**
 * The main thread's side of the writer: sends what is asked at one moment as one batch, and collects the next one
 * while that is being written. Where much is asked, that is sent in parts, the next one before the last one is written:
 * else each of the two threads would mostly wait for the other. The writer takes them one by one, so what is asked first is written first.
 */
import { messageOf, SwitchboardError } from '../../errors.ts'
import type { Answer, Failure, FromWriter, Gives, Operation, OperationName, Takes, ToWriter } from './protocol.ts'
import type { Thread } from './thread.ts'

/** So long waits for company what nobody waits for: then it is written alone. */
const ALONE_AFTER_MS = 5
/** So that no transaction gets so long that what waits for the next one would notice. */
const MAX_OPERATIONS = 500
/** So many are worth a flush of their own: they wait for no others, nor for the batch that is being written. */
const WORTH_A_BATCH = 32
/**
 * One that is being written, and one that is taken up next. With more, the main thread would never pause, and a new
 * connection, of which libuv accepts one at each turn, would wait for seconds.
 */
const MAX_UNDER_WAY = 2
/** How often a journal that could not be written is tried again, when nobody else does. */
const PROBE_EVERY_MS = 1000

interface Waiting {
  readonly operation: Operation
  readonly mayWait: boolean
  // What the writer gives for a name is what `Operations` says: `perform` ties the two together.
  resolve(result: unknown): void
  reject(error: unknown): void
}

/** How much has been written, for the metrics. */
export interface WriteCounts {
  /** Transactions, each one flush of the disk. */
  readonly batches: number
  readonly operations: number
}

export class GroupCommit {
  readonly #worker: Thread
  readonly #onGone: ((error: SwitchboardError) => void) | undefined
  #queue: Waiting[] = []
  /** The batches that are not answered yet, in the order in which they were sent. */
  readonly #underWay: (readonly Waiting[])[] = []
  /** Calls off the sending of the next batch. */
  #callOff: (() => void) | undefined
  /** It is sent as soon as all is done that is to be done at this moment. */
  #isSoon = false
  readonly #durable: boolean
  #probe: NodeJS.Timeout | undefined
  #healthy = true
  #gone: SwitchboardError | undefined
  #closing = false
  #whenIdle: (() => void) | undefined
  #batches = 0
  #operations = 0

  /**
   * `worker` has said that its file is open. Where nothing is `durable`, a batch costs no flush and waits for nobody.
   * `onGone` is called if it ends without having been told to.
   */
  constructor(worker: Thread, durable: boolean, onGone?: (error: SwitchboardError) => void) {
    this.#worker = worker
    this.#durable = durable
    this.#onGone = onGone
    worker.on('message', (message: FromWriter) => {
      if (message.type === 'answer') this.#settle(message)
    })
    worker.on('error', (error) => this.#end(error))
    worker.on('exit', () => this.#end(undefined))
  }

  /** False from the moment that the journal cannot be written until it can again. */
  get healthy(): boolean {
    return this.#healthy && this.#gone === undefined
  }

  /** Whether anything that was asked is not answered yet. */
  get busy(): boolean {
    return this.#underWay.length > 0 || this.#queue.length > 0
  }

  get counts(): WriteCounts {
    return { batches: this.#batches, operations: this.#operations }
  }

  /**
   * Resolves when it is on disk. Rejects with `JOURNAL_FULL`, `JOURNAL_WRITE` or `JOURNAL_CLOSED`. `mayWait`: nobody is
   * kept waiting by it, so it goes with the next that is asked, which saves the disk a flush.
   */
  perform<K extends OperationName>(name: K, input: Takes<K>, mayWait = false): Promise<Gives<K>> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone)
    if (this.#closing) return Promise.reject(new SwitchboardError('JOURNAL_CLOSED'))
    return new Promise<Gives<K>>((resolve, reject) => {
      const operation = [name, input] as unknown as Operation
      this.#queue.push({ operation, mayWait, resolve: resolve as (result: unknown) => void, reject })
      this.#arrange(mayWait)
    })
  }

  /** Finishes what was asked before, closes the file and ends the thread. */
  async close(): Promise<void> {
    this.#closing = true
    clearInterval(this.#probe)
    if (this.#gone !== undefined) return
    if (this.busy) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve
      })
    }
    if (this.#gone !== undefined) return
    const ended = new Promise((resolve) => this.#worker.once('exit', resolve))
    this.#worker.postMessage({ type: 'close' } satisfies ToWriter)
    await ended
  }

  /** Has the next batch sent: at once if it is large and may go, else when none is under way; later if all of it may wait. */
  #arrange(mayWait: boolean): void {
    if (this.#queue.length >= WORTH_A_BATCH) {
      this.#callOff?.()
      this.#send()
      return
    }
    if (this.#underWay.length > 0) return
    if (this.#isSoon || (mayWait && this.#callOff !== undefined)) return
    this.#callOff?.()
    if (mayWait && this.#durable) {
      const timer = setTimeout(this.#send, ALONE_AFTER_MS)
      this.#callOff = () => clearTimeout(timer)
    } else {
      const next = setImmediate(this.#send)
      this.#callOff = () => clearImmediate(next)
      this.#isSoon = true
    }
  }

  readonly #send = (): void => {
    this.#callOff = undefined
    this.#isSoon = false
    while (this.#underWay.length < MAX_UNDER_WAY && this.#queue.length > 0) {
      const sent = this.#post(this.#queue.splice(0, MAX_OPERATIONS))
      if (sent !== undefined) this.#underWay.push(sent)
    }
    if (!this.busy) this.#whenIdle?.()
  }

  /**
   * Sends a batch, and gives those of it that are on their way; `undefined`: none. A plugin may have slipped something
   * in that cannot cross, such as a promise: that operation alone is rejected.
   */
  #post(batch: readonly Waiting[]): readonly Waiting[] | undefined {
    if (batch.length === 0) return undefined
    try {
      this.#worker.postMessage({
        type: 'batch',
        operations: batch.map(({ operation }) => operation),
      } satisfies ToWriter)
      return batch
    } catch (error) {
      const rest = batch.filter(crossesOrIsRejected)
      if (rest.length < batch.length) return this.#post(rest)
      for (const waiting of rest) waiting.reject(notStorable(error))
      return undefined
    }
  }

  #settle({ results, failures, failed }: Answer): void {
    const sent = this.#underWay.shift() ?? []
    this.#batches += 1
    this.#operations += sent.length
    // Unless that is worth a batch, what these answers lead to at once goes with what was asked meanwhile.
    if (this.#queue.length > 0) this.#arrange(this.#queue.every(({ mayWait }) => mayWait))
    this.#note(failed)
    sent.forEach((waiting, index) => {
      const failure = failed ?? failures?.get(index)
      if (failure === undefined) waiting.resolve(results[index])
      else waiting.reject(errorOf(failure))
    })
    if (!this.busy) this.#whenIdle?.()
  }

  #note(failed: Failure | undefined): void {
    this.#healthy = failed === undefined
    if (this.#healthy) {
      clearInterval(this.#probe)
      this.#probe = undefined
    } else if (!this.#closing) {
      this.#probe ??= setInterval(() => {
        // Its answer is noted like any other's.
        if (!this.busy) this.perform('probe', undefined).catch(() => {})
      }, PROBE_EVERY_MS).unref()
    }
  }

  /** The thread has ended: by `close`, or because something broke it. */
  #end(error: unknown): void {
    if (this.#gone !== undefined) return
    const gone = new SwitchboardError('JOURNAL_CLOSED', error === undefined ? {} : { cause: error })
    this.#gone = gone
    clearInterval(this.#probe)
    this.#callOff?.()
    const left = [...this.#underWay.splice(0).flat(), ...this.#queue]
    this.#queue = []
    for (const { reject } of left) reject(gone)
    this.#whenIdle?.()
    if (!this.#closing) this.#onGone?.(gone)
  }
}

/** Rejects an operation that cannot be cloned. */
function crossesOrIsRejected({ operation, reject }: Waiting): boolean {
  try {
    structuredClone(operation)
    return true
  } catch (error) {
    reject(notStorable(error))
    return false
  }
}

function notStorable(error: unknown): SwitchboardError {
  return new SwitchboardError('JOURNAL_WRITE', {
    detail: `It holds what cannot be stored: ${messageOf(error)}`,
    cause: error,
  })
}

/** The error that a failure was before it crossed. */
export function errorOf({ code, detail }: Failure): SwitchboardError {
  return new SwitchboardError(code, { detail })
}
