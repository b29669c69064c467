/**
 * What is on its way to the desk: kept in this browser until the desk has taken it, so that neither a reload nor a cut
 * line loses it. Each has an id of its own, by which the desk does it once, and a place of its own in the storage, so
 * that two tabs of one person have the same.
 */
import { signal } from '@preact/signals'
import { openChat, openId } from './chats.ts'
import type { Mode } from './drafts.ts'
import { newId } from './ids.ts'
import { call, Refusal } from './server.ts'
import { me, session } from './session.ts'
import { onOtherTab, recallAll, remember } from './storage.ts'
import { toast } from './toasts.ts'
import { refusalText, words } from './words/words.ts'

export interface Outgoing {
  readonly id: string
  readonly atMs: number
  readonly conversation: string
  /** It is shown there, also when another conversation has begun meanwhile. */
  readonly chat: string
  readonly mode: Mode
  readonly text: string
  readonly files: readonly { readonly file: string; readonly name: string }[]
  /** Why the desk did not take it: it goes out no more by itself. */
  readonly refused?: string
}

export const outbox = signal<readonly Outgoing[]>([])

/** How long until the next try at first, and at most. */
const RETRY_MS = 3_000
const LONGEST_RETRY_MS = 60_000
/** So much of what was not sent stands in the notice of it. */
const SHOWN_CHARS = 60

let isFlushing = false
/** The last run through all that waits. */
let flushed = Promise.resolve()
let tries = 0
let retry: ReturnType<typeof setTimeout> | undefined
/** Conversations whose messages wait for the next try, in their order. */
const held = new Set<string>()

const start = () => `outbox:${me.value?.name}:`

function keep(one: Outgoing): void {
  remember(start() + one.id, JSON.stringify(one))
  outbox.value = [...outbox.value.filter(({ id }) => id !== one.id), one].sort((a, b) => a.atMs - b.atMs)
}

/** What this account has on its way in this browser, whichever tab has written it. */
export function recallOutbox(): void {
  const kept = [...recallAll(start())].flatMap(([key, json]) => {
    const one = outgoingIn(json)
    // Else it would be in the way at every load.
    if (!one) remember(key, undefined)
    return one ?? []
  })
  outbox.value = kept.sort((a, b) => a.atMs - b.atMs)
}

/** `undefined`: it is no message, whoever has put it there. */
function outgoingIn(json: string): Outgoing | undefined {
  try {
    const one: Partial<Outgoing> | null = JSON.parse(json)
    return isOutgoing(one) ? one : undefined
  } catch {
    return undefined
  }
}

const isOutgoing = (one: Partial<Outgoing> | null): one is Outgoing =>
  one !== null &&
  [one.id, one.conversation, one.chat, one.mode, one.text].every((part) => typeof part === 'string') &&
  typeof one.atMs === 'number' &&
  Array.isArray(one.files)

export const hearOtherTabs = (): (() => void) => onOtherTab(start, recallOutbox)

export function send(given: Omit<Outgoing, 'id' | 'atMs' | 'refused'>): void {
  const last = outbox.value.at(-1)?.atMs ?? 0
  keep({ ...given, id: newId(), atMs: Math.max(Date.now(), last + 1) })
  void giveAll()
}

export function discard(id: string): void {
  remember(start() + id, undefined)
  outbox.value = outbox.value.filter((one) => one.id !== id)
}

/** Tries at once all that waits, for the desk can be reached again. */
export function flushOutbox(): Promise<void> {
  clearTimeout(retry)
  retry = undefined
  held.clear()
  return giveAll()
}

/**
 * Resolves once the desk has what was on its way in this conversation. Rejects with a `Refusal`, if it has not: it goes on
 * waiting, or stands in the log with why it was refused.
 */
export async function settle(conversation: string): Promise<void> {
  const ids = outbox.value.flatMap((one) =>
    one.conversation === conversation && one.refused === undefined ? [one.id] : [],
  )
  held.delete(conversation)
  await giveAll()
  const left = outbox.value.find(({ id }) => ids.includes(id))
  if (left) throw new Refusal(0, left.refused ?? 'OFFLINE')
}

/** One run at a time: what comes meanwhile goes with it. */
function giveAll(): Promise<void> {
  if (!isFlushing) flushed = giveEach()
  return flushed
}

/** In order in each conversation; what is not taken holds back nothing of others. */
async function giveEach(): Promise<void> {
  isFlushing = true
  try {
    for (let next = waiting(); next; next = waiting()) {
      try {
        await give(next)
        tries = 0
        // What was said stands in the log before it goes away here, so it is never gone for a moment.
        if (openId.value === next.conversation) await openChat.value?.refresh()
        discard(next.id)
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        // Whoever signs in again is asked again.
        if (error.status === 401) return
        if (error.isPassing) held.add(next.conversation)
        else refuse(next, error.code)
        // Nobody is reached: nothing else gets through now.
        if (error.status === 0) break
      }
    }
    if (held.size > 0) retry ??= setTimeout(flushOutbox, Math.min(RETRY_MS * 2 ** tries++, LONGEST_RETRY_MS))
  } finally {
    isFlushing = false
  }
}

/** Once nobody is signed in here, the cookie may be somebody else's: nothing is sent by it. */
const waiting = () =>
  session.value === 'open'
    ? outbox.value.find(({ refused, conversation }) => refused === undefined && !held.has(conversation))
    : undefined

function refuse(one: Outgoing, code: string): void {
  keep({ ...one, refused: code })
  if (openId.value === one.conversation) return
  const said = one.text.length > SHOWN_CHARS ? `${one.text.slice(0, SHOWN_CHARS)}…` : one.text
  toast(words.value.composer.notSent(said, refusalText({ code })), true)
}

async function give({ id, conversation, mode, text, files }: Outgoing): Promise<void> {
  const params = { conversation }
  if (mode === 'note') await call('POST /conversations/:conversation/note', { params, body: { id, text } })
  else {
    const body = { id, ...(text !== '' && { text }), ...(files.length > 0 && { files: files.map(({ file }) => file) }) }
    await call('POST /conversations/:conversation/send', { params, body })
  }
}
