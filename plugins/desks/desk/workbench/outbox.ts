/**
 * What is on its way to the desk: kept in this browser until the desk has taken it, so that neither a reload nor a cut
 * line loses it. Each has an id of its own, by which the desk does it once.
 */
import { signal } from '@preact/signals'
import { openChat, openId } from './chats.ts'
import type { Mode } from './drafts.ts'
import { newId } from './ids.ts'
import { call, Refusal } from './server.ts'
import { me } from './session.ts'
import { recall, remember } from './storage.ts'

export interface Outgoing {
  readonly id: string
  readonly conversation: string
  readonly mode: Mode
  readonly text: string
  readonly files: readonly { readonly file: string; readonly name: string }[]
  /** Why the desk did not take it: it goes out no more by itself. */
  readonly refused?: string
}

export const outbox = signal<readonly Outgoing[]>([])

/** How long until the next try, when the desk cannot be reached though the line is there. */
const RETRY_MS = 3_000
let isFlushing = false

const keyOf = () => `outbox:${me.value?.name}`

function set(next: readonly Outgoing[]): void {
  outbox.value = next
  remember(keyOf(), next.length > 0 ? JSON.stringify(next) : undefined)
}

/** What this account had on its way when the page was last left. */
export function recallOutbox(): void {
  const kept = recall(keyOf())
  outbox.value = kept === undefined ? [] : JSON.parse(kept)
}

export function send(given: Omit<Outgoing, 'id' | 'refused'>): void {
  set([...outbox.value, { ...given, id: newId() }])
  void flushOutbox()
}

export function discard(id: string): void {
  set(outbox.value.filter((one) => one.id !== id))
}

/** Gives the desk all that waits, in order. What it refuses holds back nothing of other conversations. */
export async function flushOutbox(): Promise<void> {
  if (isFlushing) return
  isFlushing = true
  try {
    for (let next = waiting(); next; next = waiting()) {
      const { id, conversation } = next
      try {
        await give(next)
        // What was said stands in the log before it goes away here, so it is never gone for a moment.
        if (openId.value === conversation) await openChat.value?.refresh()
        discard(id)
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        // Whoever signs in again is asked again.
        if (error.status === 401) return
        if (error.isPassing) {
          setTimeout(flushOutbox, RETRY_MS)
          return
        }
        set(outbox.value.map((one) => (one.id === id ? { ...one, refused: error.code } : one)))
      }
    }
  } finally {
    isFlushing = false
  }
}

const waiting = () => outbox.value.find(({ refused }) => refused === undefined)

async function give({ id, conversation, mode, text, files }: Outgoing): Promise<void> {
  const params = { conversation }
  if (mode === 'note') await call('POST /conversations/:conversation/note', { params, body: { id, text } })
  else {
    const body = { id, ...(text !== '' && { text }), ...(files.length > 0 && { files: files.map(({ file }) => file) }) }
    await call('POST /conversations/:conversation/send', { params, body })
  }
}
