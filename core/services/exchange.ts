/**
 * One request on its way, and its answer as it comes in. Takes undici's own callbacks rather than its `fetch`: that
 * makes streams and signals for each request, and costs more than all the rest of sending a message.
 */
import type { Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, constants as zlib } from 'node:zlib'
import type { Dispatcher } from 'undici'
import { SwitchboardError } from '../errors.ts'
import type { Clock } from './clock.ts'

/** What an exchange has to know of its request, and what ends it. */
export interface ExchangeOptions {
  readonly url: URL
  readonly method: string
  /** The caller's own; not aborted yet. */
  readonly signal: AbortSignal | null | undefined
  readonly clock: Pick<Clock, 'after'>
  /** From now until its body has been read. */
  readonly limitMs: number
  /** What it fails with then. */
  late(): Error
  /** Of the body, unpacked. */
  readonly maxBytes: number
  /** What it fails with when there is more. */
  tooLarge(): Error
  /** Called once: all has been read, or it failed. */
  onOver(exchange: Exchange): void
}

/** How an answer begins. */
interface Head {
  readonly status: number
  readonly statusText: string
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined }
  /** Where it came from in the end, and whether that is elsewhere than was asked. */
  readonly url: string
  readonly redirected: boolean
}

/** The rest of a body that is no longer than this is waited for: it comes with its head anyway, or right behind it. */
const SHORT_BYTES = 64 << 10
/** No response with one of these has a body. Source: https://fetch.spec.whatwg.org/#null-body-status, read 2026-11-20. */
const NULL_BODY: ReadonlySet<number> = new Set([101, 103, 204, 205, 304])

/** What the other side may pack its answers with. */
export const ACCEPT_ENCODING = 'gzip, deflate, br'
// What has come is unpacked at once, and a missing end is forgiven, as browsers do.
const FLUSHED = { flush: zlib.Z_SYNC_FLUSH, finishFlush: zlib.Z_SYNC_FLUSH }
const BROTLI_FLUSHED = { flush: zlib.BROTLI_OPERATION_FLUSH, finishFlush: zlib.BROTLI_OPERATION_FLUSH }
const UNPACKERS: ReadonlyMap<string, () => Transform> = new Map([
  ['gzip', () => createGunzip(FLUSHED)],
  ['x-gzip', () => createGunzip(FLUSHED)],
  ['deflate', () => createInflate(FLUSHED)],
  ['br', () => createBrotliDecompress(BROTLI_FLUSHED)],
])

/** The callbacks of one request, for undici. What ends it ends its body too, with the same reason. */
export class Exchange implements Dispatcher.DispatchHandler {
  /** As fetch gives it. Rejects as fetch does, or with what ended the exchange. */
  readonly response: Promise<Response>
  readonly #given = Promise.withResolvers<Response>()
  readonly #options: ExchangeOptions
  readonly #cancelLimit: () => void
  #controller: Dispatcher.DispatchController | undefined
  /** All addresses that have answered, filled by undici while it follows redirects. */
  #visited: readonly URL[] = []
  #head: Head | undefined
  #unpacker: Transform | undefined
  /** What has come before there was a stream for it. */
  #pieces: Uint8Array[] = []
  #sizeBytes = 0
  #stream: ReadableStreamDefaultController<Uint8Array> | undefined
  #isGiven = false
  /** All of it is here, or it failed. */
  #isOver = false
  #failure: Error | undefined

  constructor(options: ExchangeOptions) {
    this.response = this.#given.promise
    this.#options = options
    this.#cancelLimit = options.clock.after(options.limitMs, () => this.fail(options.late()))
    options.signal?.addEventListener('abort', this.#abort)
  }

  /** Ends it, unless it is over. */
  fail(reason: unknown): void {
    if (this.#isOver) return
    this.#failure = reason instanceof Error ? reason : new Error('The request was ended.', { cause: reason })
    this.#over()
    this.#unpacker?.destroy()
    this.#controller?.abort(this.#failure)
    this.#stream?.error(reason)
    this.#given.reject(reason)
  }

  readonly #abort = () => this.fail(this.#options.signal?.reason)

  #over(): void {
    this.#isOver = true
    this.#cancelLimit()
    this.#options.signal?.removeEventListener('abort', this.#abort)
    this.#options.onOver(this)
  }

  // ── what undici calls ─────────────────────────────────────────────────────────────────────

  onRequestStart(controller: Dispatcher.DispatchController, context?: { readonly history?: readonly URL[] }): void {
    this.#controller = controller
    this.#visited = context?.history ?? []
    if (this.#failure) controller.abort(this.#failure)
  }

  onResponseStart(_: unknown, status: number, headers: Head['headers'], statusText = ''): void {
    // Below that, the other side only says that its answer will come.
    if (status < 200) return
    const url = shown(this.#visited.at(-1) ?? this.#options.url)
    this.#head = { status, statusText, headers, url, redirected: this.#visited.length > 1 }
    if (this.#hasNoBody(status)) return
    const toldBytes = Number(headers['content-length'])
    const packing = headers['content-encoding']
    if (toldBytes > this.#options.maxBytes) this.fail(this.#options.tooLarge())
    else if (packing !== undefined) this.#unpack(String(packing).toLowerCase())
    // By then what has come together with the head has been told too.
    if (!(toldBytes <= SHORT_BYTES) || this.#unpacker) queueMicrotask(() => this.#give())
  }

  onResponseData(controller: Dispatcher.DispatchController, piece: Uint8Array): void {
    if (!this.#unpacker) this.#take(piece, controller)
    else if (!this.#unpacker.write(piece)) controller.pause()
  }

  onResponseEnd(): void {
    if (this.#unpacker) this.#unpacker.end()
    else this.#end()
  }

  onResponseError(_: unknown, cause: Error): void {
    // Once the answer has begun, it is its body that fails.
    this.#give()
    const text = this.#isGiven ? 'terminated' : 'fetch failed'
    this.fail(cause instanceof SwitchboardError ? cause : new TypeError(text, { cause }))
  }

  // ── the body ──────────────────────────────────────────────────────────────────────────────

  #hasNoBody(status: number): boolean {
    return NULL_BODY.has(status) || this.#options.method === 'HEAD'
  }

  /** A packing that nobody here knows is left as it is. */
  #unpack(packing: string): void {
    const unpacker = UNPACKERS.get(packing)?.()
    this.#unpacker = unpacker
      ?.on('data', (piece: Uint8Array) => this.#take(piece, unpacker))
      .on('drain', () => this.#controller?.resume())
      .on('end', () => this.#end())
      .on('error', (cause) => this.fail(new TypeError('terminated', { cause })))
  }

  #take(piece: Uint8Array, source: { pause(): unknown }): void {
    this.#sizeBytes += piece.byteLength
    if (this.#sizeBytes > this.#options.maxBytes) this.fail(this.#options.tooLarge())
    // After a pause undici first gives an empty piece. Who waits for more would take it for that, and pause again.
    if (this.#isOver || piece.byteLength === 0) return
    if (!this.#stream) this.#pieces.push(piece)
    else {
      this.#stream.enqueue(piece)
      // Nobody wants more just now.
      if ((this.#stream.desiredSize ?? 0) <= 0) source.pause()
    }
  }

  #end(): void {
    if (this.#isOver) return
    this.#over()
    this.#stream?.close()
    this.#give()
  }

  /** Gives the response: with its whole body if that is here, else with what there is and will be of it. */
  #give(): void {
    const head = this.#head
    if (this.#isGiven || this.#failure || !head) return
    this.#isGiven = true
    try {
      if (this.#hasNoBody(head.status)) this.#given.resolve(streamedAnswer(head, null))
      else if (this.#isOver) this.#given.resolve(new WholeAnswer(head, Buffer.concat(this.#pieces)))
      else this.#given.resolve(streamedAnswer(head, this.#makeStream()))
    } catch (error) {
      // A status, say, that no Response may have.
      this.#given.reject(error)
      this.fail(error)
    }
  }

  #makeStream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (stream) => {
          this.#stream = stream
          for (const piece of this.#pieces.splice(0)) stream.enqueue(piece)
        },
        pull: () => {
          if (this.#unpacker) this.#unpacker.resume()
          else this.#controller?.resume()
        },
        cancel: (reason) => {
          this.#stream = undefined
          this.fail(reason)
        },
      },
      { highWaterMark: 0 },
    )
  }
}

/** An address as responses show it. */
function shown(url: URL): string {
  return url.hash === '' ? url.href : url.href.slice(0, -url.hash.length)
}

function pairsOf(headers: Head['headers']): [string, string][] {
  return Object.entries(headers).flatMap(([name, value = []]) =>
    typeof value === 'string' ? [[name, value]] : value.map((one): [string, string] => [name, one]),
  )
}

/** Of the global class, so that `instanceof` holds; its constructor cannot take where it came from. */
function streamedAnswer({ status, statusText, headers, url, redirected }: Head, body: ReadableStream | null): Response {
  const response = new Response(body, { status, statusText, headers: pairsOf(headers) })
  return Object.defineProperties(response, { url: { value: url }, redirected: { value: redirected } })
}

/**
 * An answer whose body is here already: a Response that gives it without making a stream of it first, and its headers
 * when they are asked for.
 */
class WholeAnswer implements Response {
  readonly type = 'default'
  readonly #head: Head
  readonly #whole: Buffer
  #headers: Headers | undefined
  #isRead = false
  /** An ordinary Response takes over when its stream is asked for. */
  #ordinary: Response | undefined

  constructor(head: Head, whole: Buffer) {
    this.#head = head
    this.#whole = whole
    // So that `instanceof` holds. Not by `extends`: to make an ordinary one takes longer than to make this, and the
    // class alone would load all of Node's fetch at every start.
    if (!(this instanceof Response)) Object.setPrototypeOf(WholeAnswer.prototype, Response.prototype)
  }

  get status(): number {
    return this.#head.status
  }

  get statusText(): string {
    return this.#head.statusText
  }

  get ok(): boolean {
    return this.status >= 200 && this.status <= 299
  }

  get url(): string {
    return this.#head.url
  }

  get redirected(): boolean {
    return this.#head.redirected
  }

  get headers(): Headers {
    this.#headers ??= new Headers(pairsOf(this.#head.headers))
    return this.#headers
  }

  get bodyUsed(): boolean {
    return this.#isRead || this.#ordinary?.bodyUsed === true
  }

  get body(): Response['body'] {
    return this.#asOrdinary().body
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await this.#read())
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.bytes()).buffer
  }

  async text(): Promise<string> {
    return UTF_8.decode(await this.#read())
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text())
  }

  async blob(): Promise<Blob> {
    return new Blob([await this.bytes()], { type: this.headers.get('content-type') ?? '' })
  }

  formData(): Promise<FormData> {
    return this.#asOrdinary().formData()
  }

  textStream(): ReturnType<Response['textStream']> {
    return this.#asOrdinary().textStream()
  }

  clone(): Response {
    if (this.bodyUsed) throw new TypeError('The body has been read; clone the response before.')
    return new WholeAnswer(this.#head, this.#whole)
  }

  async #read(): Promise<Uint8Array> {
    if (this.#isRead || this.#ordinary) return this.#asOrdinary().bytes()
    this.#isRead = true
    return this.#whole
  }

  #asOrdinary(): Response {
    if (!this.#ordinary) {
      this.#ordinary = new Response(new Uint8Array(this.#whole), { headers: this.headers })
      // So that it is no more to be read a second time than any other.
      if (this.#isRead) void this.#ordinary.arrayBuffer()
    }
    return this.#ordinary
  }
}

/** Without its mark, as fetch reads texts. */
const UTF_8 = new TextDecoder()
