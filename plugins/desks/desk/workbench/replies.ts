/** The canned replies, as the desk has them. */
import { signal } from '@preact/signals'
import type { CannedReply } from '../replies/shapes.ts'
import { call } from './server.ts'
import { toastRefusal } from './toasts.ts'

/** `undefined`: nobody has asked for them yet. */
export const replies = signal<readonly CannedReply[] | undefined>(undefined)

/** Asks for them. Rejects with a `Refusal`. */
export async function loadReplies(): Promise<void> {
  replies.value = (await call('GET /replies')).replies
}

/** Colleagues write new ones meanwhile: so often they are asked for again by whoever looks for one. */
const FRESH_MS = 30_000
let askedAtMs = 0

/** Somebody looks for one now. */
export function wantReplies(): void {
  if (Date.now() - askedAtMs < FRESH_MS) return
  askedAtMs = Date.now()
  loadReplies().catch(toastRefusal)
}

/** It was put into an answer. */
export function countUse(reply: string): void {
  // Not counted, it is counted the next time.
  call('POST /replies/:reply/used', { params: { reply } }).catch(() => undefined)
}
