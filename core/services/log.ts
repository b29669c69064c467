/**
 * The log: one line of JSON for each thing that happened. What an operator must never find in it is cut here, in one
 * place: the values of secrets, and the query of every URL.
 */
import { type DestinationStream, pino, stdTimeFunctions } from 'pino'
import type { Log } from '../turn.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** The log of the whole process, or of one instance. */
export interface RuntimeLog extends Log {
  /** A log whose every line also says these. */
  child(fields: { readonly instance: string } | { readonly [field: string]: string | number }): RuntimeLog
  /** From now on these values are cut, here and in every parent and child; those named before are not cut any more. */
  hide(secrets: Iterable<string>): void
  /** The same cut for texts that go elsewhere: an error in the trace, in `/readyz`, in a response. */
  readonly redact: Redact
}

export type Redact = (text: string) => string

/** What stands in place of a secret. */
const CUT = '[secret]'
/** Shorter values are not cut: `1`, `on` or `key` would be found everywhere. */
const MIN_SECRET_CHARS = 4
/** Causes below this depth are left out. */
const MAX_CAUSES = 8

/**
 * Makes the function that cuts secrets out of a text, in one pass, however many there are. Finds each also as it is
 * written inside JSON and inside a URL. Values shorter than 4 characters are left alone.
 */
export function makeRedactor(secrets: Iterable<string>): Redact {
  const forms = new Set<string>()
  for (const secret of secrets) {
    if (secret.length < MIN_SECRET_CHARS) continue
    forms.add(secret)
    const inJson = JSON.stringify(secret).slice(1, -1)
    forms.add(inJson)
    // JSON in a text of JSON: the body that a platform could not read, say.
    forms.add(JSON.stringify(inJson).slice(1, -1))
    forms.add(encodeURIComponent(secret.toWellFormed()))
  }
  if (forms.size === 0) return (text) => text
  // The longest first: of two secrets of which one begins the other, no rest may stay.
  const longestFirst = [...forms].sort((a, b) => b.length - a.length)
  const anyOfThem = new RegExp(longestFirst.map(RegExp.escape).join('|'), 'g')
  return (text) => text.replace(anyOfThem, CUT)
}

/** A URL as it may be logged: without query, fragment, user and password. Never throws. */
export function cleanUrl(url: string | URL): string {
  return String(url)
    .replace(/[?#].*$/s, '')
    .replace(/^([a-z][a-z+.-]*:\/\/)[^/]*@/i, '$1')
}

/** Every URL with a query, fragment or user that stands somewhere in a text, or in a line of JSON. */
const URL_IN_TEXT = /\b((?:https?|wss?):\/\/)(?:[^\s"\\/?#@]*@)?([^\s"\\?#]*)(?:[?#][^\s"\\]*)?/gi
/** The same of an address without its host, as requests have it: `/hook?signature=1`. */
const PATH_IN_TEXT = /(?<=^|[\s"'(=])(\/[^\s"'\\?]*)\?[^\s"'\\=]+=[^\s"'\\]*/g

/**
 * Makes the log. `stream` takes the lines (default: standard output, written at once). An Error among the fields is
 * written with its code, message and causes; with its stack when the line is an error or the level is `debug`.
 */
export function makeLog({ level, stream }: { level: LogLevel; stream?: DestinationStream | undefined }): RuntimeLog {
  let redact: Redact = (text) => text
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    hooks: { streamWrite: (line: string) => clean(line, redact) },
  }
  const root = stream === undefined ? pino(options) : pino(options, stream)

  const wrap = (logger: pino.Logger): RuntimeLog => {
    const write = (at: Exclude<LogLevel, 'silent'>) => (fields: object, text: string) => {
      if (logger.isLevelEnabled(at)) logger[at](describeFields(fields, at === 'error' || level === 'debug'), text)
    }
    return {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      child: (fields) => wrap(logger.child(fields)),
      hide: (secrets) => {
        redact = makeRedactor(secrets)
      },
      redact: (text) => redact(withoutQueries(text)),
    }
  }
  return wrap(root)
}

/** What stands behind the `?` of a URL may be a token that nobody has named a secret. */
function withoutQueries(text: string): string {
  if (!text.includes('?') && !text.includes('://')) return text
  return text.replace(URL_IN_TEXT, '$1$2').replace(PATH_IN_TEXT, '$1')
}

function clean(line: string, redact: Redact): string {
  const short = withoutQueries(line)
  const cut = redact(short)
  if (cut === short) return short
  // Cut value by value: a secret such as 2026 stands in the line's own time and numbers too, and it must stay JSON.
  const { level, time } = JSON.parse(short)
  return `${JSON.stringify({ ...JSON.parse(short, (_key, value) => cutValue(value, redact)), level, time })}\n`
}

function cutValue(value: unknown, redact: Redact): unknown {
  if (typeof value === 'string') return redact(value)
  if (typeof value === 'number') return redact(String(value)) === CUT ? CUT : value
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [redact(key), inner]))
}

function describeFields(fields: object, withStack: boolean): object {
  if (fields instanceof Error) return { error: describeError(fields, withStack) }
  const described: { [field: string]: unknown } = {}
  for (const [field, value] of Object.entries(fields))
    described[field] = value instanceof Error ? describeError(value, withStack) : value
  return described
}

interface DescribedError {
  readonly name: string
  readonly message: string
  readonly code?: unknown
  readonly stack?: string | undefined
  readonly cause?: unknown
  readonly errors?: readonly unknown[] | undefined
}

/** An Error as the log writes it. Its other properties are left out: libraries hang whole requests on their errors. */
function describeError(error: unknown, withStack: boolean, depth = 0): DescribedError | string {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : 'something that is not an Error'
  const more = depth < MAX_CAUSES
  return {
    name: error.name,
    ...('code' in error && error.code !== undefined && { code: error.code }),
    message: error.message,
    ...(withStack && { stack: error.stack }),
    ...(more && error.cause !== undefined && { cause: describeError(error.cause, withStack, depth + 1) }),
    ...(more &&
      error instanceof AggregateError && {
        errors: error.errors.map((one) => describeError(one, withStack, depth + 1)),
      }),
  }
}
