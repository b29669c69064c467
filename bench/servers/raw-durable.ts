/**
 * As raw-fast, with a journal: each message is accepted, committed and recorded in a transaction that is on disk
 * (`synchronous=FULL`) before the next step, in groups, by a thread of its own. No framework, nothing checked, ordered,
 * tried again or explained: what the promises to lose and double nothing take by themselves.
 */
import { Worker } from 'node:worker_threads'
import { keywordFinder } from '../plain-search.ts'
import type { Operation, Result } from './journal-writer.ts'
import { type Journal, serve } from './plain.ts'

interface Waiting {
  readonly operation: Operation
  readonly resolve: (result: Result) => void
}

/** Asks the thread for all that is asked at one moment at once, and collects the next group while that is written. */
function openJournal(file: string): Journal {
  const worker = new Worker(new URL('journal-writer.ts', import.meta.url), { workerData: file })
  let queue: Waiting[] = []
  let sent: readonly Waiting[] = []
  let isSoon = false
  let ids = 0
  const makeId = () => `${Date.now().toString(36)}${(ids++).toString(36)}`

  function perform(operation: Operation): Promise<Result> {
    return new Promise((resolve) => {
      queue.push({ operation, resolve })
      if (sent.length === 0) sendSoon()
    })
  }

  function sendSoon(): void {
    if (isSoon) return
    isSoon = true
    setImmediate(() => {
      isSoon = false
      sent = queue
      queue = []
      worker.postMessage(sent.map(({ operation }) => operation))
    })
  }

  worker.on('message', (results: readonly Result[]) => {
    const done = sent
    sent = []
    if (queue.length > 0) sendSoon()
    done.forEach(({ resolve }, i) => {
      resolve(results[i])
    })
  })

  return {
    async accept({ id, from, text }) {
      const atMs = Date.now()
      const event = JSON.stringify({ id, chat: from, type: 'message', atMs, parts: [{ type: 'text', text }] })
      return perform(['accept', id, from, makeId(), event, atMs])
    },
    async commit({ chat, seq }, text) {
      const delivery = makeId()
      const part = JSON.stringify({ type: 'text', text })
      await perform(['commit', chat, seq, makeId(), delivery, part, Date.now()])
      return delivery
    },
    async sent(delivery) {
      await perform(['sent', delivery, Date.now()])
    },
  }
}

serve(keywordFinder, openJournal)
