/** What is said to a widget that may not do what it asks. */

const REFUSALS = {
  ORIGIN_NOT_ALLOWED: [403, 'This page may not use the chat. Name its origin under origins: in the YAML.'],
  TOKEN_REFUSED: [401, 'The token is not good (any more). Open a session.'],
  TOO_MANY_MESSAGES: [429, 'That was too much in a minute. Try again in a while.'],
  TOO_MANY_FILES: [429, 'Too much was uploaded from this address in an hour. Try again in a while.'],
  TOO_MANY_SESSIONS: [429, 'Too many sessions were opened from this address. Try again in a while.'],
  TOO_MANY_CONNECTIONS: [429, 'Too many connections are open. Close one, or try again in a while.'],
  TEXT_TOO_LONG: [400, 'The text is longer than 10,000 characters. Send it in pieces.'],
  UPLOADS_OFF: [404, 'This chat takes no files.'],
  FILE_TOO_LARGE: [413, 'The file is too large.'],
  FILE_TYPE: [415, 'This chat takes no files of this type. What counts is the content, not the name.'],
  FILE_EMPTY: [400, 'The file is empty.'],
  FILE_REFUSED: [400, 'This is no file that the same visitor has uploaded here.'],
  FILE_GONE: [410, 'There is no such file, or it is no longer kept.'],
  FILE_NOT_HERE_YET: [503, 'The file is still on its way. Try again in a while.'],
  IDENTITY_OFF: [404, 'Nobody can be identified here. Set identify: in the YAML.'],
  IDENTITY_REFUSED: [403, 'The identity is not signed with the secret of the YAML.'],
  IDENTITY_EXPIRED: [403, 'The identity has expired, or would be good for more than a week. Sign a new one.'],
} as const
export type RefusalCode = keyof typeof REFUSALS

/** Thrown in a route: Fastify answers it with its status, as `Refused` of the protocol. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: RefusalCode
  readonly statusCode: number

  constructor(code: RefusalCode, options: { readonly cause?: unknown } = {}) {
    const [statusCode, message] = REFUSALS[code]
    super(message, options)
    this.code = code
    this.statusCode = statusCode
  }
}
