/** The main thread's side of the reader: questions out, rows back. */
import { Worker } from 'node:worker_threads'
import { SwitchboardError } from '../../errors.ts'
import type { Value } from './connection.ts'
import { type FromReader, READER, type ReaderData, runReader, type ToReader } from './reader.ts'
import { inThisThread, type Thread } from './thread.ts'

interface Asked {
  resolve(rows: readonly unknown[]): void
  reject(error: unknown): void
}

/** The thread is started by the first question: a process that asks none need not wait for it. */
export class Searches {
  readonly #file: string
  readonly #ownThread: boolean
  #worker: Thread | undefined
  readonly #asked = new Map<number, Asked>()
  #lastId = 0
  #gone: SwitchboardError | undefined
  #whenIdle: (() => void) | undefined

  /** `ownThread`: false has the calling thread do the work. */
  constructor(file: string, ownThread: boolean) {
    this.#file = file
    this.#ownThread = ownThread
  }

  /** Whether anything that was asked is not answered yet. */
  get busy(): boolean {
    return this.#asked.size > 0
  }

  select(sql: string, parameters: readonly Value[]): Promise<readonly unknown[]> {
    return this.#ask({ type: 'select', sql, parameters })
  }

  /** Copies the whole journal, as it is now, to a file. */
  async backup(to: string): Promise<void> {
    await this.#ask({ type: 'backup', to })
  }

  /** Answers what has been asked, then ends the thread. */
  async close(): Promise<void> {
    if (this.#gone !== undefined) return
    this.#gone = new SwitchboardError('JOURNAL_CLOSED')
    if (this.#asked.size > 0) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve
      })
    }
    const worker = this.#worker
    if (worker === undefined) return
    const ended = new Promise((resolve) => worker.once('exit', resolve))
    worker.postMessage('close')
    await ended
  }

  #ask(question: ToReader extends infer Q ? (Q extends ToReader ? Omit<Q, 'id'> : never) : never) {
    return new Promise<readonly unknown[]>((resolve, reject) => {
      if (this.#gone !== undefined) return reject(this.#gone)
      const id = ++this.#lastId
      this.#asked.set(id, { resolve, reject })
      this.#worker ??= this.#start()
      this.#worker.postMessage({ ...question, id } satisfies ToReader)
    })
  }

  #start(): Thread {
    const data: ReaderData = { file: this.#file }
    const worker: Thread = this.#ownThread
      ? new Worker(new URL('./reader.ts', import.meta.url), { name: READER, workerData: data })
      : inThisThread((port) => runReader(port, data))
    worker.on('message', (answer: FromReader) => {
      const asked = this.#asked.get(answer.id)
      this.#asked.delete(answer.id)
      if (answer.ok) asked?.resolve(answer.rows)
      else asked?.reject(new Error(`The journal could not be read: ${answer.detail}`))
      if (this.#asked.size === 0) this.#whenIdle?.()
    })
    worker.on('error', (error) => this.#end(error))
    worker.on('exit', () => this.#end(undefined))
    return worker
  }

  #end(cause: unknown): void {
    this.#gone ??= new SwitchboardError('JOURNAL_CLOSED', { cause })
    for (const { reject } of this.#asked.values()) reject(this.#gone)
    this.#asked.clear()
    this.#whenIdle?.()
  }
}
