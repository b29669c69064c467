/** Tells the desk which chat this person has before them, so that colleagues see it. */
import { call } from './server.ts'

let connection: string | undefined
let chat: string | undefined

/** The line has been opened: what it is called is part of each word about looking. */
export function meetConnection(id: string): void {
  connection = id
  if (chat !== undefined) tell(chat, true)
}

export function forgetConnection(): void {
  connection = undefined
}

/** This chat is before them now; `undefined`: none. */
export function lookAt(next: string | undefined): void {
  if (next === chat) return
  if (chat !== undefined) tell(chat, false)
  chat = next
  if (next !== undefined) tell(next, true)
}

function tell(of: string, isLooking: boolean): void {
  if (connection === undefined) return
  // It is a courtesy to colleagues: whoever is not told looks again.
  call('POST /chats/:chat/looking', { params: { chat: of }, body: { connection, isLooking } }).catch(() => undefined)
}
