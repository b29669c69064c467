/** The thread that reads: searches, lists and reports on a read-only connection, and copies of the whole file. */
import { type MessagePort, parentPort, threadName, workerData } from 'node:worker_threads'
import { messageOf } from '../../errors.ts'
import { openReading, selecting, type Value } from './connection.ts'
import { copyJournal } from './copy.ts'

/** What the thread is started with. */
export interface ReaderData {
  readonly file: string
}

export type ToReader = { readonly id: number } & (
  | { readonly type: 'select'; readonly sql: string; readonly parameters: readonly Value[] }
  | { readonly type: 'backup'; readonly to: string }
)
/** For every question one answer, by its id. */
export type FromReader = { readonly id: number } & (
  | { readonly ok: true; readonly rows: readonly unknown[] }
  | { readonly ok: false; readonly detail: string }
)

/** What the thread is called. */
export const READER = 'journal reader'

/** The thread's life: answer questions, close when told to. */
export function runReader(port: MessagePort, { file }: ReaderData): void {
  const db = openReading(file)
  const select = selecting(db)

  async function answer(question: ToReader): Promise<FromReader> {
    const { id } = question
    try {
      if (question.type === 'select') return { id, ok: true, rows: select(question.sql, question.parameters) }
      await copyJournal(file, question.to)
      return { id, ok: true, rows: [] }
    } catch (error) {
      return { id, ok: false, detail: messageOf(error) }
    }
  }

  port.on('message', async (question: ToReader | 'close') => {
    if (question !== 'close') port.postMessage(await answer(question))
    else {
      db.close()
      port.close()
    }
  })
}

if (parentPort !== null && threadName === READER) runReader(parentPort, workerData)
