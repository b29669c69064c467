/** A visitor's browser in a test: it speaks to the channel as the widget does. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import WebSocket from 'ws'
import { eventStream } from '#core'
import type { TestRuntime } from '#core/testing'
import type { Frame, Item, Page, SendMessage, Sent, Session, Uploaded } from './protocol.ts'

/** How long a test waits, in real time, for something that must happen: on a busy machine a disk alone takes seconds. */
const PATIENCE_MS = 20_000

/** A page that looks on. */
export interface Looking {
  /** All that was sent to it, in order. */
  readonly frames: readonly Frame[]
  readonly items: readonly Item[]
  /** How it ended: of a WebSocket `1012 0`, of an event stream `end`. */
  readonly ended: Promise<string>
  /** Waits for a frame (one that is there already counts) and gives it. */
  until<T extends Frame['type']>(
    type: T,
    isIt?: (frame: Extract<Frame, { type: T }>) => boolean,
  ): Promise<Extract<Frame, { type: T }>>
  /** Waits until so many items are there. */
  untilItems(count: number): Promise<readonly Item[]>
  close(): void
  /** Takes nothing more out of the network, until `wake`. */
  sleep(): void
  wake(): void
}

export interface SimulatedVisitor {
  readonly token: string
  /** The visitor's id, which is that of the chat. */
  readonly chat: string
  /** Asks for anything, with the token. */
  ask(path: string, init?: RequestInit): Promise<Response>
  post(path: string, body: unknown): Promise<Response>
  /** Sends a message; throws unless it is taken. */
  says(text: string, more?: Partial<SendMessage>): Promise<Sent>
  uploads(name: string, body: Uint8Array<ArrayBuffer> | string): Promise<Uploaded>
  page(query?: string): Promise<Page>
  /** All that was ever said, page by page. */
  log(): Promise<readonly Item[]>
  /** Is signed in from now on; throws unless the identity is taken. */
  signsIn(identity: string): Promise<SimulatedVisitor>
  looks(how?: { readonly by?: 'socket' | 'events'; readonly after?: number }): Promise<Looking>
}

/** Where the channel `site` of this runtime is. */
export function siteOf(bot: TestRuntime): string {
  return `${bot.runtime.url}/site`
}

/** The origin that `testRuntime` counts as the server's own. */
export const OWN_ORIGIN = 'http://localhost'

/** Opens a session; with a token, goes on with it. */
export async function visit(site: string, token?: string): Promise<SimulatedVisitor> {
  const response = await fetch(`${site}/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  })
  assert.equal(response.status, 200, `The session was refused: ${await response.clone().text()}`)
  const session: Session = JSON.parse(await response.text())
  return visitorWith(site, session.token)
}

/** A browser that has this token, good or not. */
export function visitorWith(site: string, token: string): SimulatedVisitor {
  const authorization = `Bearer ${token}`
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`${site}/${path}`, { ...init, headers: { authorization, ...Object.fromEntries(new Headers(init.headers)) } })
  const post = (path: string, body: unknown) =>
    ask(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

  async function read<T>(asked: Promise<Response>): Promise<T> {
    const response = await asked
    const text = await response.text()
    assert.equal(response.status, 200, text)
    return JSON.parse(text)
  }

  const page = (query = '') => read<Page>(ask(`v1/events${query}`))
  return {
    token,
    chat: token.split('.')[0] ?? '',
    ask,
    post,
    page,
    says: (text, more) => read<Sent>(post('v1/messages', { id: randomUUID(), text, language: 'en', ...more })),
    uploads: (name, body) => read<Uploaded>(ask(`v1/files?${new URLSearchParams({ name })}`, { method: 'POST', body })),
    async log() {
      const items: Item[] = []
      for (;;) {
        const next = await page(`?after=${items.at(-1)?.seq ?? 0}`)
        items.push(...next.items)
        if (!next.more) return items
      }
    },
    signsIn: async (identity) => visitorWith(site, (await read<Session>(post('v1/identify', { identity }))).token),
    looks: ({ by = 'socket', after = 0 } = {}) =>
      by === 'socket' ? lookBySocket(site, token, after) : lookByEvents(ask, after),
  }
}

async function lookBySocket(site: string, token: string, after: number): Promise<Looking> {
  const socket = openSocket(site, token, { after })
  const looking = makeLooking({
    close: () => socket.terminate(),
    sleep: () => socket.pause(),
    wake: () => socket.resume(),
  })
  socket.on('message', (data) => looking.take(String(data)))
  socket.on('close', (code, reason) => looking.end(`${code} ${reason}`))
  await once(socket, 'open')
  return looking
}

/** A WebSocket as the widget opens it, before it is known whether it is let in. */
export function openSocket(
  site: string,
  token: string,
  {
    after = 0,
    origin = OWN_ORIGIN,
    autoPong = true,
  }: { readonly after?: number; readonly origin?: string | undefined; readonly autoPong?: boolean } = {},
): WebSocket {
  const address = `${site}/v1/events?after=${after}`.replace('http', 'ws')
  return new WebSocket(address, ['switchboard.1', `token.${token}`], {
    perMessageDeflate: false,
    autoPong,
    ...(origin && { origin }),
  })
}

async function lookByEvents(ask: SimulatedVisitor['ask'], after: number): Promise<Looking> {
  const gone = new AbortController()
  const response = await ask(`v1/events?after=${after}`, {
    headers: { accept: 'text/event-stream' },
    signal: gone.signal,
  })
  assert.equal(response.status, 200, response.ok ? '' : await response.text())
  let awake = Promise.resolve()
  let wakeUp = () => {}
  const looking = makeLooking({
    close: () => gone.abort(),
    sleep() {
      const sleeping = Promise.withResolvers<void>()
      awake = sleeping.promise
      wakeUp = sleeping.resolve
    },
    wake: () => wakeUp(),
  })
  void (async () => {
    try {
      for await (const data of eventStream(response)) {
        looking.take(data)
        await awake
      }
      looking.end('end')
    } catch {
      looking.end('cut')
    }
  })()
  return looking
}

function makeLooking(does: Pick<Looking, 'close' | 'sleep' | 'wake'>) {
  const frames: Frame[] = []
  const ended = Promise.withResolvers<string>()
  let news = Promise.withResolvers<void>()
  const wake = () => {
    news.resolve()
    news = Promise.withResolvers()
  }
  const items = () => frames.flatMap((frame) => (frame.type === 'item' ? frame.item : []))

  async function wait<T>(find: () => T | undefined): Promise<T> {
    const untilMs = performance.now() + PATIENCE_MS
    for (;;) {
      const found = find()
      if (found !== undefined) return found
      const leftMs = untilMs - performance.now()
      if (leftMs <= 0)
        return assert.fail(`It never came. There were:\n${frames.map((one) => JSON.stringify(one)).join('\n')}`)
      const timer = setTimeout(wake, leftMs)
      await news.promise
      clearTimeout(timer)
    }
  }

  return {
    frames,
    get items() {
      return items()
    },
    ended: ended.promise,
    async until<T extends Frame['type']>(
      type: T,
      isIt: (frame: Extract<Frame, { type: T }>) => boolean = () => true,
    ): Promise<Extract<Frame, { type: T }>> {
      return wait(() => frames.find((frame): frame is Extract<Frame, { type: T }> => isOf(frame, type) && isIt(frame)))
    },
    untilItems: (count: number) => wait(() => (items().length >= count ? items() : undefined)),
    ...does,
    take(data: string) {
      frames.push(JSON.parse(data))
      wake()
    },
    end(how: string) {
      ended.resolve(how)
      wake()
    },
  }
}

function isOf<T extends Frame['type']>(frame: Frame, type: T): frame is Extract<Frame, { type: T }> {
  return frame.type === type
}
