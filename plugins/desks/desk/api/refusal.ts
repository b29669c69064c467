/** What is answered to whoever may not do what they ask. */
import type { RefusalCode as CommandRefusal, Json } from '#core'
import type { Reason } from './shapes.ts'

const REFUSALS = {
  NOT_SIGNED_IN: [401, 'Nobody is signed in here. Sign in, or send the token of a machine.'],
  ORIGIN_NOT_ALLOWED: [
    403,
    'A page of another site may not do this. Open the desk at the address of server.publicUrl.',
  ],
  FORBIDDEN: [403, 'This needs a role that may do more.'],
  NEEDS_ALL_TEAMS: [403, 'This is of the whole desk, and the token is for some of its teams.'],
  PEOPLE_ONLY: [403, 'Only a person who is signed in can do this, not a token.'],
  NOT_FOUND: [404, 'It is not there, or not yours to see.'],
  SIGN_IN_REFUSED: [401, 'Name and password do not belong together.'],
  LOCKED_OUT: [429, 'It was tried too often. Wait, or let an administrator send you a link.'],
  BUSY: [503, 'Too many sign in at a time. Try again in a while.'],
  LINK_NOT_GOOD: [410, 'The link is not good, or no longer. An administrator can make another.'],
  PASSWORD_TOO_SHORT: [400, 'The password is too short.'],
  PASSWORD_IS_NAME: [400, 'The password is the name.'],
  STATUS_UNKNOWN: [400, 'There is no such status.'],
  STATUS_WITHOUT_CHATS: [409, 'In this status nothing can be sent.'],
  NOBODY_THERE: [400, 'There is nobody of this name.'],
  NOT_AVAILABLE: [409, 'They can be given nothing now: they are not there, in no team, or in a status without chats.'],
  MAY_NOT_SERVE: [403, 'By the setting mayServe they may not serve the customers of this channel.'],
  ADMINISTRATOR_OF_TEAMS: [400, 'An administrator is one of the whole desk: take another role, or name no teams.'],
  TOO_MANY_TAGS: [400, 'A customer has no more tags than this. Take others away first.'],
  TEAM_UNKNOWN: [400, 'There is no such team.'],
  NOTHING_TO_SEND: [400, 'There is nothing in the message.'],
  FILE_REFUSED: [400, 'This is no file that was uploaded here.'],
  FILE_TOO_LARGE: [413, 'The file is too large.'],
  FILE_EMPTY: [400, 'The file is empty.'],
  FILE_GONE: [410, 'There is no such file, or it is no longer kept.'],
  FILE_NOT_HERE_YET: [503, 'The file is still on its way. Try again in a while.'],
  CUSTOMERS_NOT_FOR_AGENTS: [
    403,
    'The list of customers is not for agents here. The setting that is named would change it.',
  ],
  FIELD_UNKNOWN: [400, 'Customers have no such field. The setting customers.fields of the desk adds one.'],
  SAME_CUSTOMER: [409, 'Both are one customer already.'],
  KNOWN_APART: [409, 'Both are known elsewhere, by different ids: they cannot be one.'],
  CUSTOMER_BUSY: [409, 'A conversation is open with this customer, or something is on its way. Close it first.'],
  SHORTCUT_TAKEN: [409, 'Another reply has this shortcut.'],
  CHANGED_MEANWHILE: [409, 'It is another by now. Read it again, and change what is there.'],
  TOO_MANY_REPLIES: [409, 'There are too many replies. Remove one.'],
  SUMMARY_MISSING: [400, 'The summary needs the field that is named.'],
  SUMMARY_UNKNOWN: [400, 'The summary has no such field, or the field no such option.'],
  NO_BLACKLIST: [404, 'Nothing here can turn customers away: the YAML has no blacklist.'],
  BLACKLIST_REFUSED: [409, 'The blacklist did not take it.'],
  PERIOD_NOT_GOOD: [400, 'There are no such days, or more than a year of them.'],
  CURSOR_NOT_GOOD: [400, 'The cursor is none that a page of this list gave.'],
  STREAM_NOT_ACCEPTED: [406, 'The stream comes by WebSocket, or as text/event-stream: accept that.'],
  TOO_MANY_CONNECTIONS: [429, 'Too many screens are open. Close one.'],
  // What commands are refused with: see RefusalCode of the core.
  NOT_OWNER: [409, 'Someone else has it now.'],
  ALREADY_OPEN: [409, 'A conversation is open already.'],
  NEW_MESSAGE: [409, 'The customer has just written something that nobody has seen yet.'],
  WINDOW_CLOSED: [409, 'The platform takes no more messages now.'],
  BLOCKED: [409, 'A plugin has stopped it.'],
  CHANNEL_DOWN: [409, 'The channel is down.'],
  ID_TAKEN: [409, 'Something else was done under this id. Give each command an id of its own.'],
  CLOSED: [409, 'The conversation is closed.'],
  INVALID: [409, 'This makes no sense here.'],
} as const satisfies { readonly [code: string]: readonly [status: number, message: string] }
export type RefusalCode = keyof typeof REFUSALS

/** Thrown in a route, which then answers it as `Refused` of the shapes. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: RefusalCode
  readonly params: Reason['params']
  readonly statusCode: number
  /** When it may be tried again. */
  readonly retryAfterMs: number | undefined
  /** What was done all the same, for the audit log. */
  readonly done: Json | undefined

  constructor(
    code: RefusalCode,
    options: {
      readonly params?: Reason['params']
      readonly message?: string
      readonly retryAfterMs?: number
      readonly done?: Json
      readonly cause?: unknown
    } = {},
  ) {
    const [statusCode, message] = REFUSALS[code]
    super(options.message ?? message, { cause: options.cause })
    this.code = code
    this.params = options.params
    this.statusCode = statusCode
    this.retryAfterMs = options.retryAfterMs
    this.done = options.done
  }
}

/** Of a command that the core has refused. Its sentence is for whoever reads answers by eye. */
export function refusedCommand(code: CommandRefusal, message: string): Refusal {
  // The conversation was seen before the command was given: what is not there any more is the open one.
  return new Refusal(code === 'NOT_FOUND' ? 'CLOSED' : code, { message })
}

/** All codes, for the documentation. */
export const codes: readonly { readonly code: string; readonly status: number; readonly message: string }[] =
  Object.entries(REFUSALS).map(([code, [status, message]]) => ({ code, status, message }))
