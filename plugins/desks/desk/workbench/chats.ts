/** The conversation that is open on the screen, and what happened in its chat. */
import { batch, computed, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import type { Entry, Row, Stretch, Suggestion } from '../api/shapes.ts'
import { askAfter, type Line, linesOf, longOnTheirWay, merged } from './chat-log.ts'
import { rowIn } from './lists.ts'
import { call, Refusal } from './server.ts'
import { isSameDay } from './times.ts'

/** What happened in one chat, as far as it is loaded. */
export interface Chat {
  readonly id: string
  readonly lines: ReadonlySignal<readonly Line[]>
  /** What the bot would say to what nobody has answered yet. */
  readonly suggestions: ReadonlySignal<readonly Suggestion[]>
  readonly hasOlder: Signal<boolean>
  readonly state: Signal<'loading' | 'ready' | 'failed'>
  /** Until when the customer is typing, as far as is known. */
  readonly typingUntilMs: Signal<number>
  /** The number of the last entry. */
  readonly head: ReadonlySignal<number>
  /** The customer has read all that was there then. */
  readonly readSeq: Signal<number>
  /** One of its conversations is another than before: it may have ended without a word. */
  meet(row: Row): void
  /** Asks for what is new. */
  refresh(): Promise<void>
  /** Asks for what was before. */
  older(): Promise<void>
}

/** So many chats are kept: whoever goes back to one sees it at once. */
const KEPT = 20
const PAGE = 60
/** After an absence so many pages are asked for, and then it is begun again with the last. */
const PAGES_TO_CATCH_UP = 5
/** Customers who type say so again and again; who is silent so long does not. */
const TYPING_MS = 6_000

const kept = new Map<string, Chat>()

/** The id of the conversation, as the address of the page has it. */
export const openId = signal<string | undefined>(undefined)
/** `undefined`: none is open, or it is not loaded yet. */
export const openRow = signal<Row | undefined>(undefined)
/** It cannot be seen. */
export const isMissing = signal(false)
export const openChat = computed<Chat | undefined>(() => {
  const id = openRow.value?.chat
  return id === undefined ? undefined : chatOf(id)
})

export async function open(conversation: string | undefined): Promise<void> {
  if (conversation === openId.value) return
  batch(() => {
    openId.value = conversation
    openRow.value = conversation === undefined ? undefined : rowIn(conversation)
    isMissing.value = false
  })
  await refreshOpenChat()
}

/** Asks again for the row and for what is new. */
export async function refreshOpenChat(): Promise<void> {
  const conversation = openId.value
  if (conversation === undefined) return
  const told = timesTold
  try {
    const asking = openChat.value?.refresh()
    const row = await call('GET /conversations/:conversation', { params: { conversation } })
    if (openId.value !== conversation) return
    // What the line has told meanwhile is newer.
    if (told === timesTold) {
      openRow.value = row
      openChat.value?.meet(row)
    }
    await (asking ?? openChat.value?.refresh())
  } catch (error) {
    const isNotTheirs = error instanceof Refusal && (error.status === 404 || error.status === 403)
    if (isNotTheirs && openId.value === conversation && !openRow.value) isMissing.value = true
  }
}

/** How often the line has told something of the conversation that is open. */
let timesTold = 0

export function applyRows(rows: readonly Row[], gone: readonly string[]): void {
  const id = openId.value
  if (id === undefined) return
  if (gone.includes(id)) {
    timesTold++
    batch(() => {
      openRow.value = undefined
      isMissing.value = true
    })
    return
  }
  for (const row of rows) {
    if (row.id === id) {
      timesTold++
      openRow.value = row
    }
    // Another conversation of the same chat has its entries here, too.
    if (row.chat !== openChat.value?.id) continue
    openChat.value.meet(row)
    void openChat.value.refresh()
  }
}

export function applyLive(id: string, what: 'typing' | 'read'): void {
  const chat = kept.get(id)
  if (!chat) return
  if (what === 'typing') chat.typingUntilMs.value = Date.now() + TYPING_MS
  else chat.readSeq.value = chat.head.value
}

function chatOf(id: string): Chat {
  const chat = kept.get(id) ?? makeChat(id)
  kept.delete(id)
  kept.set(id, chat)
  for (const old of kept.keys()) if (kept.size > KEPT) kept.delete(old)
  return chat
}

function makeChat(id: string): Chat {
  const entries = signal<readonly Entry[]>([])
  const stretches = signal<ReadonlyMap<string, Stretch>>(new Map())
  const suggestions = signal<readonly Suggestion[]>([])
  const hasOlder = signal(false)
  const state = signal<Chat['state']['value']>('loading')
  const typingUntilMs = signal(0)
  const readSeq = signal(0)
  let isAsking = false
  let isAskedAgain = false
  let isAskingOlder = false
  /** Raised when it is begun again: a page that would have come above what was there joins nothing any more. */
  let beginnings = 0

  const ask = (query: { readonly after?: number; readonly before?: number; readonly limit?: number }) =>
    call('GET /chats/:chat/entries', { params: { chat: id }, query: { limit: PAGE, ...query } })

  function add(more: readonly Entry[], conversations: readonly Stretch[]): void {
    batch(() => {
      entries.value = merged(entries.value, more)
      keep(conversations)
      if (more.some(({ by }) => by.kind === 'customer')) typingUntilMs.value = 0
    })
  }

  function keep(conversations: readonly Stretch[]): void {
    if (conversations.length === 0) return
    stretches.value = new Map([...stretches.value, ...conversations.map((one) => [one.id, one] as const)])
  }

  async function begin(): Promise<void> {
    const page = await ask({})
    beginnings++
    batch(() => {
      entries.value = []
      add(page.entries, page.conversations)
      suggestions.value = page.suggestions
      hasOlder.value = page.more
      state.value = 'ready'
    })
  }

  async function catchUp(): Promise<void> {
    const long = longOnTheirWay(entries.value, PAGE)
    for (const seq of long) add((await ask({ after: seq - 1, limit: 1 })).entries, [])
    let after = askAfter(entries.value, PAGE)
    for (let pages = 0; pages < PAGES_TO_CATCH_UP; pages++) {
      const page = await ask({ after })
      add(page.entries, page.conversations)
      suggestions.value = page.suggestions
      state.value = 'ready'
      if (!page.more) return
      after = Math.max(after, page.entries.at(-1)?.seq ?? 0)
    }
    // Too much has happened: the last page, and from there upward.
    await begin()
  }

  return {
    id,
    lines: computed(() => linesOf(entries.value, stretches.value, hasOlder.value, isSameDay)),
    suggestions,
    hasOlder,
    state,
    typingUntilMs,
    readSeq,
    head: computed(() => entries.value.at(-1)?.seq ?? 0),
    meet: ({ closed, ...row }) =>
      keep([
        {
          ...row,
          ...(closed && {
            closedAtMs: closed.atMs,
            closeReason: closed.reason,
            summary: closed.summary,
            rating: closed.rating,
          }),
        },
      ]),
    async refresh() {
      // What changes while it is being asked is asked for afterwards, once.
      if (isAsking) {
        isAskedAgain = true
        return
      }
      isAsking = true
      try {
        do {
          isAskedAgain = false
          await (entries.value.length === 0 ? begin() : catchUp())
        } while (isAskedAgain)
      } catch {
        if (entries.value.length === 0) state.value = 'failed'
      } finally {
        isAsking = false
      }
    },
    async older() {
      const first = entries.value[0]
      if (isAskingOlder || !hasOlder.value || !first) return
      isAskingOlder = true
      const mine = beginnings
      try {
        const page = await ask({ before: first.seq })
        if (mine !== beginnings) return
        batch(() => {
          add(page.entries, page.conversations)
          hasOlder.value = page.more
        })
      } catch {
        // It is asked for again when somebody scrolls up again.
      } finally {
        isAskingOlder = false
      }
    },
  }
}
