/**
 * A desk's API as a browser sees it, with as much in it as a test wants and no runtime behind it: what takes thousands of
 * conversations, or a state that is hard to come to, is shown here.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import fastify from 'fastify'
import { WebSocket, WebSocketServer } from 'ws'
import { makeLog } from '#core/testing'
import type { AnswerOf, RouteKey } from '../../plugins/desks/desk/api/routes.ts'
import type { Entry, Frame, ListName, Me, Row } from '../../plugins/desks/desk/api/shapes.ts'
import { servePages } from '../../plugins/desks/desk/pages.ts'

export interface DeskWire extends AsyncDisposable {
  /** Where the workbench is. */
  readonly address: string
  readonly rows: Map<string, Row>
  /** What it answers; what is not there is 404. */
  readonly answers: { [K in RouteKey]?: (params: readonly string[], query: URLSearchParams) => AnswerOf<K> }
  /** Tells it to every screen. */
  tell(frame: Frame): void
}

export const ME: Me = {
  name: 'amy',
  title: 'Amy Chen',
  role: 'agent',
  teams: ['presale', 'aftersale'],
  desk: 'support',
  failedSignIns: 0,
}
const REPLIES = [
  {
    id: 'reply-hello',
    isShared: true,
    shortcut: 'hello',
    texts: {
      en: 'Hello {customer}, I am {agent}. How can I help?',
      'zh-CN': '{customer}您好，我是{agent}，请问有什么可以帮您？',
    },
    revision: '1',
    used: 41,
  },
  {
    id: 'reply-thanks',
    isShared: false,
    shortcut: '谢谢',
    texts: { 'zh-CN': '感谢您的耐心等待！' },
    revision: '1',
    used: 7,
  },
] as const
const SUGGESTIONS = [
  { id: 's1', text: 'You may keep the broken cup: there is no need to send it back.' },
  { id: 's2', text: 'I am sorry about the cup. A new one is on its way to you.' },
]
const NOW = Date.now()
const MINUTE = 60_000

export function rowOf(index: number, changes: Partial<Row> = {}): Row {
  return {
    id: `c${index}`,
    chat: `chat${index}`,
    customer: { id: `u${index}`, name: `Customer ${index}` },
    channel: index % 3 === 0 ? 'shop-wechat' : 'site',
    team: 'presale',
    state: 'queued',
    origin: 'customer',
    lease: 1,
    openedAtMs: NOW - index * MINUTE,
    queuedAtMs: NOW - index * MINUTE,
    head: 2,
    last: { by: { kind: 'customer' }, text: `Message ${index}`, part: 'text', atMs: NOW - index * MINUTE },
    waitingSinceMs: NOW - index * MINUTE,
    unread: index % 4,
    isBlocked: false,
    failed: 0,
    lookers: [],
    ...changes,
  }
}

const inList = ({ state, person }: Row, list: ListName) =>
  ({
    mine: state === 'assigned' && person === ME.name,
    queue: state === 'queued',
    bot: state === 'bot',
    all: state !== 'closed',
    closed: state === 'closed',
  })[list]

export async function startDeskWire(
  given: readonly Row[],
  entriesOf: (chat: string) => readonly Entry[] = () => [],
): Promise<DeskWire> {
  const rows = new Map(given.map((row) => [row.id, row]))
  const count = (list: ListName) => [...rows.values()].filter((row) => inList(row, list)).length
  const answers: DeskWire['answers'] = {
    'GET /me': () => ME,
    'GET /counts': () => ({ mine: count('mine'), queue: count('queue'), bot: count('bot'), all: count('all') }),
    'GET /now': () => ({
      people: [
        person('amy', 'Amy Chen', 'online', 3, true),
        person('bo', 'Bo van Dyke', 'online', 5, true),
        person('cai', '蔡明', 'online', 1, true),
        person('dan', 'Dan Osei', 'meeting', 2, { code: 'status', params: { status: 'meeting' } }),
        person('eva', 'Eva Lind', 'online', 0, { code: 'not-connected' }),
      ],
      teams: [
        { name: 'presale', members: ['amy', 'bo'], isOpen: true, waiting: count('queue') },
        { name: 'aftersale', members: ['amy', 'cai'], isOpen: true, waiting: 0 },
        { name: 'night', members: ['dan'], isOpen: false, waiting: 0 },
      ],
      statuses: [
        { name: 'online', title: { 'zh-CN': '在线', en: 'Online' }, isForChats: true },
        { name: 'busy', title: { 'zh-CN': '忙碌', en: 'Busy' }, isForChats: false },
        { name: 'away', title: { 'zh-CN': '离开', en: 'Away' }, isForChats: false },
        { name: 'meeting', title: { 'zh-CN': '会议中', en: 'In a meeting' }, isForChats: false },
      ],
      channels: ['shop-wechat', 'site'],
      timeZone: 'Asia/Shanghai',
      customers: {
        isForAgents: false,
        fields: [{ name: 'size', title: { en: 'Shoe size', 'zh-CN': '鞋码' } }],
        hasBlacklist: true,
      },
      summary: [
        {
          name: 'topic',
          title: { 'zh-CN': '问题类型', en: 'Topic' },
          options: [
            { name: 'order', title: { 'zh-CN': '订单', en: 'Order' } },
            { name: 'refund', title: { 'zh-CN': '退款', en: 'Refund' } },
          ],
          isRequired: true,
        },
        { name: 'remark', title: { 'zh-CN': '备注', en: 'Remark' }, isRequired: false },
      ],
    }),
    'GET /replies': () => ({ replies: REPLIES.map((reply) => ({ ...reply, texts: { ...reply.texts } })) }),
    'GET /chats/:chat/sendable': () => ({ left: 3, max: 5, untilMs: NOW + 90 * MINUTE }),
    'GET /conversations': (_, query) => {
      const list = query.get('list')
      const found = [...rows.values()].filter(
        (row) =>
          inList(row, list === 'mine' || list === 'queue' || list === 'bot' || list === 'closed' ? list : 'all') &&
          (query.get('channel') ?? row.channel) === row.channel &&
          (query.get('person') ?? row.person) === row.person &&
          (row.customer.name ?? '').includes(query.get('search') ?? ''),
      )
      return { rows: found }
    },
    'GET /conversations/:conversation': ([id = '']) => rows.get(id) ?? rowOf(0),
    'GET /chats/:chat/entries': ([chat = '']) => {
      const entries = [...entriesOf(chat)]
      return {
        entries,
        more: false,
        head: entries.at(-1)?.seq ?? 0,
        conversations: [],
        suggestions: entries.length > 0 ? [...SUGGESTIONS] : [],
      }
    },
  }

  const server = createServer()
  const web = fastify({ serverFactory: (handler) => server.on('request', handler), forceCloseConnections: true })
  await web.register(
    async (desk) => {
      await servePages(desk, 'support', makeLog({ level: 'silent' }))
      for (const method of ['GET', 'POST'] as const)
        desk.route({
          method,
          url: '/api/*',
          handler({ url }, reply) {
            const { pathname, searchParams } = new URL(url, 'http://127.0.0.1')
            const path = pathname.slice('/support/api'.length).split('/')
            const found = Object.entries(answers).find(([key]) => matches(key, method, path))
            const answer = found?.[1](params(found[0], path), searchParams)
            if (answer === undefined && method === 'POST') return { ok: true }
            return answer ?? reply.code(404).send({ code: 'NOT_FOUND', message: '' })
          },
        })
    },
    { prefix: '/support' },
  )
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => {
    const me = answers['GET /me']?.([], new URLSearchParams()) ?? ME
    socket.send(JSON.stringify({ type: 'hello', connection: 'k1', heartbeatMs: 60_000, me } satisfies Frame))
  })
  await web.ready()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const at = server.address()
  return {
    address: `http://127.0.0.1:${typeof at === 'object' ? at?.port : ''}/support/`,
    rows,
    answers,
    tell(frame) {
      for (const socket of sockets.clients) if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame))
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate()
      await web.close()
      server.closeAllConnections()
      server.close()
    },
  }
}

function person(
  name: string,
  title: string,
  status: string,
  load: number,
  mayChat: true | { readonly code: string; readonly params?: { readonly status: string } },
) {
  return {
    name,
    title,
    role: 'agent' as const,
    status: { name: status, isForChats: status === 'online', sinceMs: NOW - 30 * MINUTE },
    isConnected: mayChat === true,
    teams: ['presale'],
    load,
    capacity: 5,
    mayChat,
  }
}

const matches = (key: string, method: string, path: readonly string[]) => {
  const [wanted = '', pattern = ''] = key.split(' ')
  const parts = pattern.split('/')
  return (
    wanted === method &&
    parts.length === path.length &&
    parts.every((part, i) => part.startsWith(':') || part === path[i])
  )
}
const params = (key: string, path: readonly string[]) =>
  (key.split(' ')[1] ?? '').split('/').flatMap((part, i) => (part.startsWith(':') ? [path[i] ?? ''] : []))
