/** The visitor's side of the chat, without a page: what is held, what waits to be sent, and what changes. */
import type { Item, Snapshot, WidgetSettings } from '../protocol.ts'

/** A message on its way to the server. It stays until the log has it, also over reloads of the page (not its file). */
export interface Outgoing {
  readonly id: string
  readonly text: string
  readonly choice?: string | undefined
  readonly file?: File | undefined
  /** `waiting`: for the network, or for those before it. `failed`: the server does not take it; see `error`. */
  readonly state: 'waiting' | 'sending' | 'failed'
  /** Of a file, from 0 to 1. */
  readonly progress?: number | undefined
  /** The server's code, such as `FILE_TOO_LARGE`: the face has the words. */
  readonly error?: string | undefined
}

export type Connection = 'off' | 'connecting' | 'online' | 'reconnecting'

/** What is to be shown. `items` and `outbox` are replaced by new lists when they change, their members are not. */
export interface View {
  readonly connection: Connection
  /** By rising numbers, and without a gap. */
  readonly items: readonly Item[]
  /** Whether older items can be loaded. */
  readonly hasOlder: boolean
  readonly outbox: readonly Outgoing[]
  readonly snapshot: Snapshot | undefined
  /** The answer so far of a bot that is still writing. */
  readonly draft: string
  /** Somebody of ours is typing. */
  readonly isTyping: boolean
  /** Items of ours behind the one that was read last. */
  readonly unread: number
}

export interface Chat {
  readonly view: View
  /** Called after changes, at most once in a task. The returned function ends it. */
  onChange(listener: (now: View, before: View) => void): () => void
  /** Connects, now and again until `stop`. Opens a session where there is none. */
  start(): void
  /** Lets go of the connection, the timers and the listeners on the page; what waits to be sent stays. Twice is safe. */
  stop(): void
  /** Whether this browser has been here before: then there may be something unread. */
  readonly isKnown: boolean
  send(text: string): void
  choose(choice: { readonly id: string; readonly label: string }): void
  sendFile(file: File): void
  /** From the form of those who write while nobody is there. Resolves when the server has it, rejects with its code. */
  leaveMessage(form: { readonly name: string; readonly email: string; readonly text: string }): Promise<void>
  retry(id: string): void
  cancel(id: string): void
  loadOlder(): Promise<void>
  /** All that is held is seen. Told to the server at most once in a second. */
  markRead(): void
  /** The visitor is typing. Told to the server at most once in 3 s. */
  typing(): void
  identify(identity: string): Promise<void>
  /** Forgets this visitor on this browser: somebody else may sit down. */
  forget(): void
  setLanguage(language: string): void
}

/** Makes the chat of one channel; nothing is asked before `start`. `base`: the channel's address, with a `/` at the end. */
export declare function makeChat(options: {
  readonly base: string
  readonly settings: WidgetSettings
  readonly language: string
}): Chat
