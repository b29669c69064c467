/**
 * Every error code that a plugin, an operator or an API user can meet, with its sentence.
 * Problems of the YAML have their own table in `config/report.ts`: they come with a place and a remedy.
 */

const SENTENCES = {
  BACKLOG_FULL: 'Too many events are waiting to be handled; the platform should send this one again.',
  JOURNAL_FULL: 'The journal cannot be written (is the disk full?). Nothing is accepted until it can.',
  JOURNAL_CLOSED: 'The journal is closed.',
  JOURNAL_NEWER: 'The journal was written by a newer version of Switchboard. Start that version, or restore a backup.',
  JOURNAL_LOCKED: 'Another process uses this storage folder. Stop it first, or give this one a folder of its own.',
  JOURNAL_WRITE: 'The journal refused a write.',
  STOPPING: 'The runtime is stopping.',
  PLUGIN_TIMEOUT: 'The plugin did not answer in time.',
  PLUGIN_NO_OUTCOME: 'The plugin returned no outcome. Return next(), or one of the turn’s ends such as turn.reply(…).',
  PLUGIN_TURN_OVER: 'The turn is over; what is said now comes too late.',
  PLUGIN_STATE_TOO_BIG: 'The plugin’s state of one chat may hold 8 KB as JSON. Keep more in a table of its own.',
  PLUGIN_BAD_STATE: 'The plugin’s state does not fit its schema.',
  PLUGIN_BAD_EVENT: 'The channel gave an event that is not one.',
  PLUGIN_BAD_CONTENT: 'The plugin said something that is no message.',
  PLUGIN_SETUP: 'The plugin could not be set up.',
  MEDIA_NOT_HERE_YET: 'The file is still being fetched from the platform.',
  MEDIA_GONE: 'The file cannot be fetched any more.',
  MEDIA_TOO_LARGE: 'The file is larger than may be kept.',
  MEDIA_EMPTY: 'The file is empty.',
  MEDIA_TYPE: 'Files of this type are not taken. What counts is the content, not the name.',
  MEDIA_TOO_SLOW: 'The file did not come in time.',
  MEDIA_NO_ROOM: 'There is no room for the file on the disk of storage.folder.',
  HTTP_OFFLINE: 'In a rehearsal nothing outside is asked.',
  HTTP_PRIVATE_ADDRESS: 'Requests to private addresses are refused. Name the host in the allowlist if it is meant.',
  HTTP_TIMEOUT: 'The other side did not answer in time.',
  HTTP_TOO_LARGE: 'The answer is larger than may be read.',
  WEB_LISTEN: 'The server cannot listen at this address. Free the port, or set another one under server: in the YAML.',
  DOCUMENT_BROKEN: 'The document cannot be read. Correct the file; until then its last good content is used.',
  DOCUMENT_BUSY: 'The document is being changed by someone else all the time; this change was given up.',
  SCHEDULE_WHEN: 'A job’s time is a cron expression such as "0 3 * * *", or an interval such as "30s".',
} as const
export type ErrorCode = keyof typeof SENTENCES

/** What Fastify answers; 500 for all others. With 503 another try may help, at this process or the next. */
const STATUS: { readonly [C in ErrorCode]?: number } = {
  BACKLOG_FULL: 503,
  JOURNAL_FULL: 503,
  JOURNAL_CLOSED: 503,
  STOPPING: 503,
  MEDIA_TOO_LARGE: 413,
  MEDIA_EMPTY: 400,
  MEDIA_TYPE: 415,
  MEDIA_TOO_SLOW: 408,
  MEDIA_NO_ROOM: 503,
}

/** An error with a code from the table above. `message` is the code's sentence, with `detail` after it. */
export class SwitchboardError extends Error {
  override readonly name = 'SwitchboardError'
  readonly code: ErrorCode
  /** What Fastify answers when a route lets it through. */
  readonly statusCode: number

  constructor(code: ErrorCode, options: { detail?: string | undefined; cause?: unknown } = {}) {
    super(options.detail ? `${SENTENCES[code]} ${options.detail}` : SENTENCES[code], { cause: options.cause })
    this.code = code
    this.statusCode = STATUS[code] ?? 500
  }
}

/**
 * A channel (or desk) could not send, and says whether trying again can help.
 *
 * `scope: 'chat'` (the default) concerns this delivery alone. `scope: 'channel'` concerns every one of the channel
 * (a wrong token, an address not on the platform's list, the account's quota): the channel is paused, nothing is
 * counted against the delivery, and the operator is shown it.
 * With `retryAfterMs` it is tried again then; `retry: false` says that the platform will never take it.
 *
 * `CHANNEL_ONLY_ANSWERS` says that the platform lets this account only answer inside its own requests: what was to be
 * sent waits for the next of them, and from now on the channel is used as one that sends nothing later.
 */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError'
  readonly code: string
  readonly retryAfterMs: number | undefined
  readonly retry: boolean
  readonly scope: 'chat' | 'channel'

  constructor(
    code: string,
    options: {
      retryAfterMs?: number | undefined
      retry?: boolean | undefined
      scope?: 'chat' | 'channel' | undefined
      message?: string | undefined
      cause?: unknown
    } = {},
  ) {
    super(options.message ?? code, { cause: options.cause })
    this.code = code
    const { retryAfterMs } = options
    // What is read out of a platform's answer may be no number at all; then the core decides by itself.
    const isWait = retryAfterMs !== undefined && Number.isFinite(retryAfterMs) && retryAfterMs >= 0
    this.retryAfterMs = isWait ? Math.min(retryAfterMs, MAX_RETRY_AFTER_MS) : undefined
    this.retry = options.retry ?? !PERMANENT.has(code)
    this.scope = options.scope ?? 'chat'
  }
}

/** A platform that says to come again later than this is asked again by then all the same. */
const MAX_RETRY_AFTER_MS = 86_400_000

/** Codes after which sending the same again cannot help. `CHANNEL_WINDOW_CLOSED` also empties the chat's allowance. */
const PERMANENT: ReadonlySet<string> = new Set(['CHANNEL_WINDOW_CLOSED', 'CHANNEL_REFUSED', 'CHANNEL_NO_CHAT'])

/** The words of anything that was thrown, for logs and the trace. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return (error.message || error.name).toWellFormed()
  return typeof error === 'string' ? error.toWellFormed() : 'something that is not an Error was thrown'
}
