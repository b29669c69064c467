/**
 * The thread that writes: the only connection that ever does. It is sent batches of operations, makes each one
 * transaction, and answers when that is on disk.
 */
import { statSync, writeFileSync } from 'node:fs'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { type MessagePort, parentPort, threadName, workerData } from 'node:worker_threads'
import { messageOf } from '../../errors.ts'
import { isStorageError, openReading, openWriting } from './connection.ts'
import { migrateCore } from './operations/migrate.ts'
import { Refused } from './operations/refused.ts'
import { type Perform, performing } from './operations.ts'
import type { Answer, Batch, Failure, FromWriter, Operation, ToWriter, WriterData } from './protocol.ts'

class Writer {
  readonly #db: DatabaseSync
  readonly #perform: Perform
  readonly #begin: StatementSync
  readonly #commit: StatementSync

  constructor(db: DatabaseSync, checking: DatabaseSync) {
    this.#db = db
    this.#perform = performing(db, checking)
    this.#begin = db.prepare('BEGIN IMMEDIATE')
    this.#commit = db.prepare('COMMIT')
  }

  /** Performs a batch in one transaction, or, if one of its operations fails, again with each of them on its own feet. */
  answer({ operations }: Batch): Answer {
    try {
      return this.#together(operations) ?? this.#apart(operations)
    } catch (error) {
      return { type: 'answer', results: [], failures: undefined, failed: fullBecause(error) }
    }
  }

  /** All at once. `undefined`: one of them failed, and nothing has happened. */
  #together(operations: readonly Operation[]): Answer | undefined {
    try {
      this.#begin.run()
      const results = operations.map(this.#perform)
      this.#commit.run()
      return { type: 'answer', results, failures: undefined, failed: undefined }
    } catch (error) {
      this.#rollback()
      if (isStorageError(error)) throw error
      return undefined
    }
  }

  /** Each behind a savepoint, so that those which fail leave nothing, and cost the others no more than a second run. */
  #apart(operations: readonly Operation[]): Answer {
    const results: unknown[] = []
    const failures = new Map<number, Failure>()
    this.#begin.run()
    try {
      operations.forEach((operation, index) => {
        this.#db.exec('SAVEPOINT operation')
        try {
          results[index] = this.#perform(operation)
        } catch (error) {
          if (isStorageError(error) || !this.#db.isTransaction) throw error
          this.#db.exec('ROLLBACK TO operation')
          failures.set(index, failureOf(error))
        }
        this.#db.exec('RELEASE operation')
      })
      this.#commit.run()
      return { type: 'answer', results, failures, failed: undefined }
    } catch (error) {
      this.#rollback()
      if (isStorageError(error)) throw error
      // Only the commit itself can fail otherwise: a deferred constraint. Alone, it fails for whose it is.
      if (operations.length === 1)
        return { type: 'answer', results: [], failures: new Map([[0, failureOf(error)]]), failed: undefined }
      return this.#oneByOne(operations)
    }
  }

  /** Each in a transaction of its own. */
  #oneByOne(operations: readonly Operation[]): Answer {
    const results: unknown[] = []
    const failures = new Map<number, Failure>()
    operations.forEach((operation, index) => {
      try {
        const answer = this.#apart([operation])
        results[index] = answer.results[0]
        const failure = answer.failures?.get(0)
        if (failure !== undefined) failures.set(index, failure)
      } catch (error) {
        failures.set(index, fullBecause(error))
      }
    })
    return { type: 'answer', results, failures, failed: undefined }
  }

  /** After some errors SQLite has rolled back by itself. */
  #rollback(): void {
    if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
  }
}

function fullBecause(error: unknown): Failure {
  return { code: 'JOURNAL_FULL', detail: messageOf(error) }
}

function failureOf(error: unknown): Failure {
  return error instanceof Refused ? error.failure : { code: 'JOURNAL_WRITE', detail: messageOf(error) }
}

/** What a new journal holds: made once for those that nobody needs afterwards, of which a process opens hundreds. */
let blank: Uint8Array | undefined

/** Opens the file and brings it up to date. */
function open({ file, nowMs, durable }: WriterData): { db: DatabaseSync; checking: DatabaseSync } | Failure {
  let db: DatabaseSync | undefined
  try {
    const isBlank = !durable && statSync(file).size === 0
    if (isBlank && blank !== undefined) writeFileSync(file, blank)
    db = openWriting(file, durable)
    const refused = migrateCore(db, nowMs)
    if (refused === undefined) {
      if (isBlank) blank ??= db.serialize()
      return { db, checking: openReading(file) }
    }
    db.close()
    return refused
  } catch (error) {
    db?.close()
    return { code: isStorageError(error) ? 'JOURNAL_FULL' : 'JOURNAL_WRITE', detail: `${file}: ${messageOf(error)}` }
  }
}

/** What the thread is called. */
export const WRITER = 'journal writer'

/** The thread's life: open, answer batches, close when told to. */
export function runWriter(port: MessagePort, data: WriterData): void {
  const tell = (message: FromWriter) => port.postMessage(message)
  const opened = open(data)
  if (!('db' in opened)) {
    tell({ type: 'refused', failure: opened })
    port.close()
    return
  }
  const { db, checking } = opened
  const writer = new Writer(db, checking)
  port.on('message', (message: ToWriter) => {
    if (message.type === 'batch') {
      tell(writer.answer(message))
      return
    }
    checking.close()
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    db.close()
    tell({ type: 'closed' })
    port.close()
  })
  tell({ type: 'open' })
}

if (parentPort !== null && threadName === WRITER) runWriter(parentPort, workerData)
