/**
 * What the widget and the server say to each other. Both import it, so it imports nothing.
 *
 * What a visitor has seen is one numbered log: 1, 2, 3 … without a gap, in the order in which it became visible. The
 * widget holds the numbers that it has, asks for what comes after the last, and can therefore tell what it lacks.
 * Commands are POST requests with an id made by the widget: a repeat changes nothing and gets the same answer.
 *
 *     POST v1/session   OpenSession     → Session                 no token needed
 *     POST v1/messages  SendMessage     → Sent
 *     POST v1/files     the bytes of one file, `?name=`           → Uploaded
 *     POST v1/read      MarkRead        → 204
 *     POST v1/typing    nothing         → 204
 *     POST v1/identify  Identify        → Session
 *     GET  v1/events?after=12           a stream of Frame: WebSocket if it asks for an upgrade, server-sent events if it
 *                                       accepts `text/event-stream`, else one Page as JSON
 *     GET  v1/events?before=12          → Page: what stands before, to scroll back
 *     GET  files/<ref>/<name>           a file of a message, by the unguessable address that stands in its part
 *
 * Every request but the first says `Authorization: Bearer <token>`; a WebSocket cannot, and offers the two protocols
 * `switchboard.1` and `token.<token>`. What stands before the first dot of a token is the visitor: with another visitor
 * the widget begins another log. 429 and 503 may say `Retry-After`, in seconds, readable for other origins.
 */

/** The protocol that a WebSocket speaks. */
export const PROTOCOL = 'switchboard.1'
/** What stands before the token where a WebSocket offers it as a protocol. */
export const TOKEN_PROTOCOL = 'token.'
/** How many items a page holds at most, and a stream sends at once to whoever begins anew. */
export const PAGE = 100

/** One value for everybody, or one per language. */
export type Text = string | { readonly [language: string]: string }

/** Whom the visitor sees. */
export interface Face {
  readonly name: Text
  /** Department, team or place. */
  readonly line2?: Text | undefined
  readonly avatarUrl?: string | undefined
}

interface File {
  /** Whole (`https://…`), or relative to the channel's address (`files/…`). */
  readonly url: string
  readonly name?: string | undefined
  readonly mimeType?: string | undefined
  readonly sizeBytes?: number | undefined
}

/** One piece of a message, as the widget shows it. */
export type ShownPart =
  | { readonly type: 'text'; readonly text: string }
  | ({ readonly type: 'image' | 'audio' | 'video' | 'file' } & File)
  | {
      readonly type: 'link'
      readonly url: string
      readonly title: string
      readonly description?: string | undefined
      readonly imageUrl?: string | undefined
    }
  | {
      readonly type: 'choices'
      readonly prompt: string
      readonly choices: readonly { readonly id: string; readonly label: string }[]
    }

/** One line of the log. */
export type Item = {
  readonly seq: number
  /** The widget's own id of a message; the delivery's id of an answer. */
  readonly id: string
  /** When it was accepted or sent, in ms since 1970, by the server's clock. */
  readonly atMs: number
} & (
  | { readonly by: 'visitor'; readonly part: ShownPart; readonly choice?: string | undefined }
  | { readonly by: 'us'; readonly part: ShownPart; readonly face?: Face | undefined }
  /** Something happened: the widget has the words. */
  | { readonly by: 'system'; readonly code: 'queued' | 'assigned' | 'returned' | 'closed' }
)

/** How things are now. Sent on every connect, and whenever it changes; never part of the log. */
export interface Snapshot {
  /** Whether people of ours can answer now. `true` where nobody can tell. */
  readonly available: boolean
  readonly conversation: 'none' | 'bot' | 'queued' | 'assigned' | 'closed'
  /** Who answered last in the conversation that is open. */
  readonly face?: Face | undefined
  /** The latest number of the log; 0 when it is empty. */
  readonly head: number
  /** Up to which number the visitor has read. */
  readonly read: number
  /** The name of a visitor whom the host page has identified. */
  readonly name?: string | undefined
}

/** What comes by the stream. */
export type Frame =
  /** First of all. `token`: a new one, to be used from now on. */
  | {
      readonly type: 'hello'
      readonly snapshot: Snapshot
      readonly heartbeatMs: number
      readonly token?: string | undefined
    }
  /**
   * The items between the widget's last and `from` are not sent: too many (scroll back for them), or no longer kept.
   * The widget takes `from - 1` as seen.
   */
  | { readonly type: 'skip'; readonly from: number }
  | { readonly type: 'item'; readonly item: Item }
  | { readonly type: 'snapshot'; readonly snapshot: Snapshot }
  /** The answer so far of a bot that is still writing; empty takes it away. An `item` of ours takes it away too. */
  | { readonly type: 'draft'; readonly text: string }
  | { readonly type: 'typing' }
  /** So that both sides see that the other is there. */
  | { readonly type: 'beat' }

/** A part of the log, by rising numbers. */
export interface Page {
  readonly items: readonly Item[]
  /** Whether there is more in the direction that was asked for. */
  readonly more: boolean
  readonly snapshot: Snapshot
}

/** What the widget may send of the visitor's surroundings. The server keeps only what `collect:` in the YAML names. */
export interface Surroundings {
  /** As a language tag: `zh-CN`. */
  readonly language: string
  readonly page?: string | undefined
  readonly referrer?: string | undefined
  /** Of the browser, as `Asia/Shanghai`. */
  readonly timeZone?: string | undefined
}

export interface OpenSession {
  /** The token that the widget has, to be renewed or to be replaced if it is no longer good. */
  readonly token?: string | undefined
}
export interface Session {
  readonly token: string
  readonly snapshot: Snapshot
}
export interface SendMessage extends Surroundings {
  /** Made by the widget, unguessable and never used again: the same id is the same message, for ever. */
  readonly id: string
  readonly text?: string | undefined
  /** The id of a choice that was clicked; `text` is its label. */
  readonly choice?: string | undefined
  /** What `v1/files` gave for a file. */
  readonly file?: string | undefined
  /** From the form of those who write while nobody is there. */
  readonly contact?: { readonly name?: string | undefined; readonly email: string } | undefined
}
export interface Sent {
  readonly seq: number
}
export interface Uploaded {
  readonly file: string
  readonly type: 'image' | 'audio' | 'video' | 'file'
}
export interface MarkRead {
  readonly seq: number
}
export interface Identify {
  /** `<payload>.<signature>`, made by the host's server; see the README. */
  readonly identity: string
}

/** An error, with any status of 400 and above. 401: the token is not good (any more). */
export interface Refused {
  readonly code: string
  readonly message: string
}

/** What of the YAML the loader brings to the widget. */
export interface WidgetSettings {
  readonly channel: string
  /** The file of the widget, relative to the channel's address: `widget-<hash>.js`. */
  readonly widget: string
  /** The files that are fetched when they are needed, likewise. */
  readonly fetched: Readonly<Record<'more' | 'files' | 'form' | 'events', string>>
  readonly title?: Text | undefined
  /** Shown above the first message; not a message. */
  readonly greeting?: Text | undefined
  /** A line below the composer: what becomes of what is written here. */
  readonly privacy?: Text | undefined
  /** What the operator's colour makes, each readable on what it stands on: `--brand:#1a73e8;--on-brand:#ffffff;…` */
  readonly colors: string
  readonly logoUrl?: string | undefined
  readonly layout: 'left-right' | 'one-sided'
  readonly position: 'left' | 'right'
  readonly theme: 'auto' | 'light' | 'dark'
  /** Left out: the page's. */
  readonly language?: 'zh-CN' | 'en' | undefined
  /** Ask for an address first, where nobody of ours is there. */
  readonly offlineForm: boolean
  /** Left out: nothing can be uploaded. */
  readonly uploads?: { readonly maxBytes: number; readonly types: readonly string[] } | undefined
  /** What of the surroundings may be sent at all. */
  readonly collect: readonly ('page' | 'referrer' | 'timeZone')[]
}
