/** `switchboard simulate wechat`: the simulated platform with a page on which people play its customers. */
import { readFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { capped, messageOf, type Simulating, type Simulation } from '#core'
import { testServer } from '#core/testing'
import { policyOf } from '../policies.ts'
import { modeOf, type Settings } from '../settings.ts'
import { startWeChat } from './index.ts'
import type { Doing } from './page/state.ts'
import { makePlayground, Posted } from './playground.ts'

/** What the page may load: its own, and pictures of its own. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
const GUARDED = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
}
/** Longer than a picture of 2 MB in base64. */
const MAX_POSTED_BYTES = 3_100_000
/** Changes that come together are shown together. */
const SHOWN_AFTER_MS = 30
/** The page’s files, by their addresses. */
const FILES = {
  '/': ['page.html', 'text/html; charset=utf-8'],
  '/page.css': ['page.css', 'text/css; charset=utf-8'],
  '/page.ts': ['page.ts', 'text/javascript; charset=utf-8'],
  '/chat.ts': ['chat.ts', 'text/javascript; charset=utf-8'],
  '/dom.ts': ['dom.ts', 'text/javascript; charset=utf-8'],
  '/words.ts': ['words.ts', 'text/javascript; charset=utf-8'],
} as const

/** Starts the platform for one account, and its page; both are reached from this machine only. */
export async function simulate(config: Settings, by: Simulating): Promise<Simulation<Settings>> {
  await using opened = new AsyncDisposableStack()
  const { appId, appSecret, token, encodingAesKey, originalId } = config
  const mode = modeOf(config)
  const wechat = opened.use(
    await startWeChat({
      ...{ clock: by.clock, mode, appId, appSecret, token, encodingAesKey, originalId },
      // One that is not chosen yet is none here either.
      wechatId: config.wechatId,
      // The rules that the channel goes by: which ones hold for an account, its operator knows.
      rules: policyOf(config.policy).later,
    }),
  )
  const listening = new Set<() => void>()
  let telling: NodeJS.Timeout | undefined
  const changed = () => {
    telling ??= setTimeout(() => {
      telling = undefined
      for (const tell of listening) tell()
    }, SHOWN_AFTER_MS)
  }
  opened.defer(() => clearTimeout(telling))
  wechat.account.changed = changed
  let serverUrl: string | undefined
  const playground = makePlayground(wechat, {
    ...{ name: by.name, mode, canEncrypt: encodingAesKey !== undefined, changed },
    advance: by.advance,
    setMode: (next) => serverUrl !== undefined && wechat.connect(serverUrl, next),
  })
  const files = new Map(await Promise.all(Object.entries(FILES).map(loadFile)))

  const page = opened.use(
    await testServer(async (request) => {
      const url = new URL(request.url)
      // Whoever is led here under another name is a page of somebody else’s.
      if (url.hostname !== '127.0.0.1') return new Response('', { status: 421 })
      const file = files.get(url.pathname)
      if (request.method === 'GET' && file)
        return new Response(file.text, { headers: { ...GUARDED, 'content-type': file.type } })
      if (request.method === 'GET' && url.pathname === '/events') return events()
      if (request.method === 'GET' && url.pathname === '/why') return why(url.searchParams.get('customer') ?? '')
      if (request.method === 'GET' && url.pathname.startsWith('/files/'))
        return keptFile(url.pathname.slice('/files/'.length))
      if (request.method === 'POST' && url.pathname === '/do') return act(request, url.origin)
      return new Response('', { status: 404 })
    }),
  )

  /** The whole state, and again whenever it has changed. */
  function events(): Response {
    const encoder = new TextEncoder()
    let tell: () => void
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        tell = () => controller.enqueue(encoder.encode(`data: ${JSON.stringify(playground.state())}\n\n`))
        listening.add(tell)
        tell()
      },
      // Not by the request's signal: that one is forgotten with the request.
      cancel: () => void listening.delete(tell),
    })
    return new Response(body, { headers: { ...GUARDED, 'content-type': 'text/event-stream' } })
  }

  async function why(customer: string): Promise<Response> {
    const told = await by.why(customer)
    return new Response(told ?? '', { headers: { ...GUARDED, 'content-type': 'text/plain; charset=utf-8' } })
  }

  function keptFile(name: string): Response {
    const file = playground.file(decodeURIComponent(name))
    if (!file) return new Response('', { status: 404 })
    return new Response(file.body, { headers: { ...GUARDED, 'content-type': file.mimeType } })
  }

  async function act(request: Request, origin: string): Promise<Response> {
    if (request.headers.get('origin') !== origin) return new Response('', { status: 403 })
    let doing: Doing
    try {
      doing = Posted.parse(await capped(new Response(request.body), MAX_POSTED_BYTES).json())
    } catch (error) {
      return refused(400, messageOf(error))
    }
    try {
      await playground.does(doing)
      changed()
      return new Response(null, { status: 204, headers: GUARDED })
    } catch (error) {
      return refused(409, messageOf(error))
    }
  }

  const all = opened.move()
  return {
    settings: { ...config, apiBase: wechat.apiBase },
    hosts: [wechat.host],
    url: page.url,
    async started(url) {
      serverUrl = url
      await wechat.connect(url, mode)
      changed()
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

function refused(status: number, message: string): Response {
  return Response.json({ message }, { status, headers: GUARDED })
}

async function loadFile([address, [name, type]]: readonly [string, readonly [string, string]]) {
  const text = await readFile(new URL(`page/${name}`, import.meta.url), 'utf8')
  return [address, { type, text: name.endsWith('.ts') ? withoutTypes(text) : text }] as const
}

/** As browsers read it. Node warns that what does this may change: that is nothing for whoever plays. */
function withoutTypes(text: string): string {
  const { emitWarning } = process
  process.emitWarning = () => undefined
  try {
    return stripTypeScriptTypes(text)
  } finally {
    process.emitWarning = emitWarning
  }
}
