/** A person's browser at the desk in a test, or a program with a token: it speaks to the API as the workbench does. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import WebSocket from 'ws'
import { eventStream, z } from '#core'
import {
  type MemoryChannel,
  manualClock,
  memoryChannel,
  type TestConfig,
  type TestOptions,
  type TestRuntime,
  testRuntime,
} from '#core/testing'
import { makePasswords } from './access/secrets.ts'
import type { AnswerOf, BodyOf, ParamsOf, QueryOf, RouteKey } from './api/routes.ts'
import { Frame } from './api/shapes.ts'
import desk from './index.ts'

/** How long a test waits, in real time, for something that must happen: on a busy machine a disk alone takes seconds. */
const PATIENCE_MS = 20_000
/** The origin that `testRuntime` counts as the server's own. */
export const OWN_ORIGIN = 'http://localhost'
export const PASSWORD = 'correct horse battery'

export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The code of a refusal. */
  readonly code: string | undefined
}

type Call<K extends RouteKey> = {
  readonly params?: ParamsOf<K>
  readonly query?: QueryOf<K>
  readonly body?: BodyOf<K>
}

export interface SimulatedScreen {
  /** The cookies that it has. */
  readonly cookies: Map<string, string>
  /** Asks for anything, by path: `GET`, unless it has a body. */
  ask(path: string, init?: RequestInit): Promise<Answered>
  /** Calls a route; throws unless it is answered. */
  call<K extends RouteKey>(key: K, call?: Call<K>): Promise<AnswerOf<K>>
  /** Calls a route that is to be refused, and gives the code. */
  refused<K extends RouteKey>(key: K, call?: Call<K>): Promise<string>
  /** Opens the stream. */
  looks(by?: 'socket' | 'events'): Promise<SimulatedStream>
}

export interface SimulatedStream {
  readonly frames: readonly Frame[]
  /** The `connection` of its hello. */
  readonly connection: string
  /** How it ended: of a WebSocket `1012 0`, of an event stream `end`. */
  readonly ended: Promise<string>
  /** Waits for a frame (one that is there already counts) and gives it. */
  until<T extends Frame['type']>(
    type: T,
    isIt?: (frame: Extract<Frame, { type: T }>) => boolean,
  ): Promise<Extract<Frame, { type: T }>>
  /** What came before counts no more for `until`. */
  forget(): void
  close(): void
}

export const deskOf = (bot: TestRuntime, name = 'support') => `${bot.runtime.url}/${name}`

const PEOPLE = {
  amy: { name: 'Amy', role: 'administrator' },
  sue: { name: 'Sue', role: 'supervisor' },
  bo: { name: 'Bo' },
  cai: { name: '蔡' },
  dan: { name: 'Dan' },
}
const TEAMS = {
  presale: { members: ['bo', 'sue'], sources: ['memory'], assign: 'by-hand' },
  aftersale: { members: ['cai'], sources: ['other'], assign: 'by-hand' },
}

/** The channel of the other team, as `memory` is that of the first. */
export const other = (): MemoryChannel => memoryChannel({ name: 'other' })

/** A runtime that listens, with a desk of an administrator, a supervisor, and agents in two teams and in none. */
export function deskRuntime(
  config: TestConfig = {},
  options: TestOptions & { readonly other?: MemoryChannel } = {},
): Promise<TestRuntime> {
  const { plugin } = options.other ?? other()
  return testRuntime(
    {
      channels: { other: { use: plugin } },
      desks: { support: { use: desk, people: PEOPLE, teams: TEAMS } },
      texts: { handedOver: '', offline: '' },
      ...config,
    },
    { clock: manualClock(Date.UTC(2026, 0, 1, 12)), listen: true, ...options },
  )
}

const Line = z.object({ msg: z.string() })

/** The code of the link that was told at the first start. */
export function firstLink({ logged }: TestRuntime): string | undefined {
  const told = logged.map((line) => Line.safeParse(JSON.parse(line)).data?.msg ?? '')
  return told.map((text) => /good once: #link=(\S+)$/.exec(text)?.[1]).findLast((link) => link !== undefined)
}

/** Worked out once, and in no time: as somebody may have put it into the document by hand. */
const kept = makePasswords({ memory: 64, passes: 1 }).hash(PASSWORD)

/** Amy and these people, each signed in on a screen of their own. Amy's first link is good no more. */
export async function staffOf<P extends string = never>(
  bot: TestRuntime,
  ...people: readonly P[]
): Promise<{ readonly [N in P | 'amy']: SimulatedScreen }> {
  const file = join(bot.folder, 'documents', 'support', 'accounts.json')
  const { key } = z.object({ key: z.string() }).parse(JSON.parse(await readFile(file, 'utf8')))
  const account = { password: await kept, version: 1 }
  const accounts = Object.fromEntries(['amy', ...people].map((person) => [person, account]))
  await writeFile(file, JSON.stringify({ people: accounts, key }))
  const screens: { [N in P | 'amy']?: SimulatedScreen } = {}
  for (const person of ['amy', ...people] as const) {
    const screen = screenOf(deskOf(bot))
    await screen.call('POST /sign-in', { body: { person, password: PASSWORD } })
    screens[person] = screen
  }
  const areAll = (some: typeof screens): some is { [N in P | 'amy']: SimulatedScreen } =>
    people.every((person) => some[person])
  assert.ok(areAll(screens))
  return screens
}

/** A browser in which nobody is signed in yet; with a token, a program. `headers`: what it says besides. */
export function screenOf(
  address: string,
  options: { readonly token?: string; readonly headers?: { readonly [name: string]: string } } = {},
): SimulatedScreen {
  const cookies = new Map<string, string>()
  const { token, headers: more } = options

  function headers(): { [name: string]: string } {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    return {
      ...(token !== undefined ? { authorization: `Bearer ${token}` } : { origin: OWN_ORIGIN }),
      ...(cookie !== '' && { cookie }),
      ...more,
    }
  }

  async function ask(path: string, init: RequestInit = {}): Promise<Answered> {
    const response = await fetch(`${address}/${path}`, {
      ...init,
      headers: { ...headers(), ...Object.fromEntries(new Headers(init.headers)) },
    })
    for (const set of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? []
      if (value === '') cookies.delete(name)
      else cookies.set(name, value)
    }
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, code: codeOf(text) }
  }

  function send<K extends RouteKey>(key: K, call: Call<K> = {}): Promise<Answered> {
    const [method = '', path = ''] = key.split(' ')
    const params = new Map(Object.entries<string>(call.params ?? {}))
    const there = path.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(params.get(name) ?? name))
    const query = new URLSearchParams(
      Object.entries(call.query ?? {}).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
    )
    const body = call.body === undefined ? undefined : JSON.stringify(call.body)
    return ask(`api${there}${query.size > 0 ? `?${query}` : ''}`, {
      method,
      ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }),
    })
  }

  return {
    cookies,
    ask,
    async call(key, call) {
      const { status, text } = await send(key, call)
      assert.equal(status, 200, `${key}: ${text}`)
      return JSON.parse(text)
    },
    async refused(key, call) {
      const { status, text, code } = await send(key, call)
      assert.ok(status >= 400, `${key} was answered: ${text}`)
      return code ?? text
    },
    looks: (by = 'socket') =>
      by === 'socket' ? lookBySocket(address, headers()) : lookByEvents(`${address}/api/stream`, headers()),
  }
}

function codeOf(text: string): string | undefined {
  try {
    return z.object({ code: z.string() }).safeParse(JSON.parse(text)).data?.code
  } catch {
    // A page or a file.
    return undefined
  }
}

/** A command's id, as a screen makes it. */
export const newId = (): string => randomUUID()

/** A WebSocket as a screen opens it, before it is known whether it is let in. */
export function openSocket(address: string, headers: { readonly [name: string]: string }): WebSocket {
  return new WebSocket(`${address.replace(/^http/, 'ws')}/api/stream`, { headers })
}

async function lookBySocket(address: string, headers: { readonly [name: string]: string }): Promise<SimulatedStream> {
  const socket = openSocket(address, headers)
  const stream = makeStream(() => socket.terminate())
  socket.on('message', (data) => stream.take(String(data)))
  socket.on('close', (code, reason) => stream.end(`${code} ${reason}`))
  await once(socket, 'open')
  await stream.until('hello')
  return stream
}

async function lookByEvents(url: string, headers: { readonly [name: string]: string }): Promise<SimulatedStream> {
  const abort = new AbortController()
  const response = await fetch(url, { headers: { ...headers, accept: 'text/event-stream' }, signal: abort.signal })
  assert.equal(response.status, 200)
  const stream = makeStream(() => abort.abort())
  const read = async () => {
    for await (const data of eventStream(response)) stream.take(data)
  }
  read().then(
    () => stream.end('end'),
    () => stream.end('cut'),
  )
  await stream.until('hello')
  return stream
}

function makeStream(close: () => void) {
  const frames: Frame[] = []
  let from = 0
  const waiting = new Set<() => void>()
  const ended = Promise.withResolvers<string>()
  return {
    frames,
    get connection() {
      const hello = frames.find(({ type }) => type === 'hello')
      return hello?.type === 'hello' ? hello.connection : ''
    },
    ended: ended.promise,
    close,
    forget() {
      from = frames.length
    },
    take(text: string) {
      frames.push(Frame.parse(JSON.parse(text)))
      for (const look of [...waiting]) look()
    },
    end: ended.resolve,
    async until<T extends Frame['type']>(
      type: T,
      isIt: (frame: Extract<Frame, { type: T }>) => boolean = () => true,
    ): Promise<Extract<Frame, { type: T }>> {
      const isOfType = (frame: Frame): frame is Extract<Frame, { type: T }> => frame.type === type
      const found = Promise.withResolvers<Extract<Frame, { type: T }>>()
      const look = () => {
        const frame = frames.slice(from).filter(isOfType).find(isIt)
        if (frame) found.resolve(frame)
      }
      const timer = setTimeout(
        () => found.reject(new Error(`No ${type} came, but: ${JSON.stringify(frames.slice(from))}`)),
        PATIENCE_MS,
      )
      waiting.add(look)
      look()
      return found.promise.finally(() => {
        clearTimeout(timer)
        waiting.delete(look)
      })
    },
  }
}
