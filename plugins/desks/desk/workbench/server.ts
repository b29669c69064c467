/** Asks the desk's API, by the keys of its route table. */
import type { AnswerOf, BodyOf, ParamsOf, QueryOf, RouteKey } from '../api/routes.ts'

type Given<K extends RouteKey> = (keyof ParamsOf<K> extends never ? unknown : { readonly params: ParamsOf<K> }) &
  (QueryOf<K> extends undefined ? unknown : { readonly query: QueryOf<K> }) &
  (BodyOf<K> extends undefined ? unknown : { readonly body: BodyOf<K> })

/** What any call can be given; `Given` says what each must be. */
interface AnyGiven {
  readonly params?: { readonly [name: string]: string }
  readonly query?: object
  readonly body?: unknown
}

/** So long an answer may take. A command that is given again with its id is not done twice. */
const TIMEOUT_MS = 20_000
/** What comes more slowly the server gives up, too. */
const SLOWEST_BYTES_PER_MS = 32

/** The desk did not do it, and says why by a code. `status` 0: it could not be reached. */
export class Refusal extends Error {
  readonly status: number
  readonly code: string
  readonly params: { readonly [name: string]: string | number }

  constructor(status: number, code: string, params: Refusal['params'] = {}) {
    super(code)
    this.status = status
    this.code = code
    this.params = params
  }

  /** The same may succeed later, without anybody changing anything. */
  get isPassing(): boolean {
    return this.status === 0 || this.status >= 500
  }
}

/** Called when the server says that nobody is signed in here any more. */
let onSignedOut = (): void => undefined
export function whenSignedOut(run: () => void): void {
  onSignedOut = run
}

/** Rejects with a `Refusal`. */
export async function call<K extends RouteKey>(
  key: K,
  ...[given]: unknown extends Given<K> ? [] : [Given<K>]
): Promise<AnswerOf<K>> {
  const { params = {}, query, body }: AnyGiven = given ?? {}
  const [method = '', path = ''] = key.split(' ')
  const asking = fetch(addressOf(path, params, query), {
    method,
    // A form of another site can send no such type, so nobody can command in somebody's name.
    ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  return answerOf(await accepted(asking))
}

/**
 * Gives the server a file to be sent, and returns what names it in `send`. Rejects with a `Refusal`. `onShare`: so much
 * of it, from 0 to 1, has gone.
 */
export async function upload(file: File, onShare: (share: number) => void): Promise<string> {
  const address = addressOf('/files', {}, { name: file.name })
  const response = await accepted(bytesTo(address, file, onShare))
  const { file: name }: AnswerOf<'POST /files'> = await answerOf(response)
  return name
}

/** What is no JSON has come from somebody in between: a proxy, or the page that a network wants to be signed in to. */
async function answerOf<A>(response: Response): Promise<A> {
  try {
    return await response.json()
  } catch {
    throw new Refusal(0, 'OFFLINE')
  }
}

/** Sends a file as `fetch` would, which cannot tell how much has gone. */
function bytesTo(address: string, file: File, onShare: (share: number) => void): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>()
  const asking = new XMLHttpRequest()
  asking.open('POST', address)
  asking.setRequestHeader('content-type', file.type || 'application/octet-stream')
  asking.timeout = TIMEOUT_MS + file.size / SLOWEST_BYTES_PER_MS
  asking.upload.onprogress = ({ loaded, total }) => onShare(total === 0 ? 1 : loaded / total)
  asking.onload = () => resolve(new Response(asking.responseText, { status: asking.status }))
  asking.onerror = asking.ontimeout = asking.onabort = () => reject(new Error('The file has not arrived.'))
  asking.send(file)
  return promise
}

/** Rejects with a `Refusal` unless it was done. */
async function accepted(asking: Promise<Response>): Promise<Response> {
  let response: Response
  try {
    response = await asking
  } catch {
    throw new Refusal(0, 'OFFLINE')
  }
  if (response.ok) return response
  const refused: Partial<Refusal> = await response.json().catch(() => ({}))
  const refusal = new Refusal(response.status, refused.code ?? 'UNKNOWN', refused.params)
  if (response.status === 401 && refusal.code === 'NOT_SIGNED_IN') onSignedOut()
  throw refusal
}

/** The address of a route, relative to the page: the desk serves both. */
function addressOf(path: string, params: NonNullable<AnyGiven['params']>, query: object = {}): string {
  const filled = path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''))
  const asked = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) asked.set(name, `${value}`)
  return `api${filled}${asked.size > 0 ? `?${asked}` : ''}`
}
