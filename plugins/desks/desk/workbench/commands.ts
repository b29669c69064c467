/** What an agent does with a conversation, besides writing. */
import type { Row, Summary } from '../api/shapes.ts'
import { newId } from './ids.ts'
import { call } from './server.ts'
import { me } from './session.ts'
import { toast, toastRefusal } from './toasts.ts'
import { taken } from './told.ts'
import { words } from './words/words.ts'

/** Whether it was done; if not, whoever asked has been told why. What a dialog does rejects instead: it says why itself. */
type Done = Promise<boolean>

async function attempt(run: () => Promise<unknown>): Done {
  try {
    await run()
    return true
  } catch (error) {
    toastRefusal(error)
    return false
  }
}

/** What may be done with a conversation, by who has it and who asks. The desk decides; this is what is offered. */
export function possible(row: Row) {
  const isMine = row.state === 'assigned' && row.person === me.value?.name
  const isOpen = row.state !== 'closed'
  const isOthers = row.state === 'assigned' && !isMine
  const mayAct = isOpen && (!isOthers || me.value?.role !== 'agent')
  return {
    isMine,
    take: mayAct && !isMine,
    transfer: mayAct,
    giveBack: mayAct && row.state !== 'bot',
    close: mayAct,
    write: isMine,
    note: isOpen,
  }
}

export async function take({ id, lease }: Row): Done {
  taken.add(id)
  const isDone = await attempt(() =>
    call('POST /conversations/:conversation/take', { params: { conversation: id }, body: { id: newId(), lease } }),
  )
  if (!isDone) taken.delete(id)
  return isDone
}

/** Rejects with a `Refusal`. */
export async function transfer(
  { id, lease }: Row,
  to: { readonly person?: string; readonly team?: string; readonly note?: string },
  title: string,
): Promise<void> {
  await call('POST /conversations/:conversation/transfer', {
    params: { conversation: id },
    body: { id: newId(), lease, ...to },
  })
  toast(words.value.transfer.done(title))
}

/** Rejects with a `Refusal`. */
export async function giveBack({ id, lease }: Row, because: string): Promise<void> {
  await call('POST /conversations/:conversation/return', {
    params: { conversation: id },
    body: { id: newId(), lease, ...(because !== '' && { because }) },
  })
  toast(words.value.giveBack.done)
}

/** Rejects with a `Refusal`. */
export async function close(
  { id, lease }: Row,
  { reason, summary, say }: { readonly reason: string; readonly summary: Summary; readonly say: string },
): Promise<void> {
  await call('POST /conversations/:conversation/close', {
    params: { conversation: id },
    body: { id: newId(), lease, because: reason, summary, ...(say !== '' && { say }) },
  })
  toast(words.value.closing.done)
}

export const resend = (conversation: string, delivery: string): Done =>
  attempt(() =>
    call('POST /conversations/:conversation/resend', { params: { conversation }, body: { id: newId(), delivery } }),
  )

/** They have read up to this number. */
export const markRead = (chat: string, seq: number): Promise<unknown> =>
  // Not told, it is told with the next message.
  call('POST /chats/:chat/read', { params: { chat }, body: { seq } }).catch(() => undefined)

/** What the customer wrote last is unread again, and so it stays only when the conversation is not open any more. */
export const markUnread = (chat: string, upTo: number): Done =>
  attempt(() => call('POST /chats/:chat/read', { params: { chat }, body: { seq: upTo, isBack: true } }))

const TYPING_EVERY_MS = 3_000
let typedAtMs = 0
/** They are typing an answer: told at most every few seconds. */
export function tellTyping(chat: string): void {
  if (Date.now() - typedAtMs < TYPING_EVERY_MS) return
  typedAtMs = Date.now()
  call('POST /chats/:chat/typing', { params: { chat } }).catch(() => undefined)
}

export const signOut = (): Done => attempt(() => call('POST /sign-out'))

/** Rejects with a `Refusal`. */
export async function block(customer: string, reason: string): Promise<void> {
  await call('POST /customers/:customer/blacklist', { params: { customer }, body: { reason } })
  toast(words.value.customer.blocked)
}

export const unblock = (customer: string): Done =>
  attempt(async () => {
    await call('POST /customers/:customer/blacklist/remove', { params: { customer } })
    toast(words.value.customer.unblocked)
  })
