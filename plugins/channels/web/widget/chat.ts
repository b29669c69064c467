/** The visitor's side of the chat, without a page: what is held, what waits to be sent, and what changes. */
import type { Frame, Item, SendMessage, Snapshot, WidgetSettings } from '../protocol.ts'
import { type Browser, backoffMs, makeId } from './browser.ts'
import type { Fetch } from './fetched.ts'
import { placesOf, readCount, readPage, readSession } from './frames.ts'
import { prefixOf, TOKEN } from './known.ts'
import { makeLog } from './log.ts'
import { makeOutbox } from './outbox.ts'
import { isTemporary, makeRequests, refusal, refusalOf } from './requests.ts'
import { makeStore } from './storage.ts'
import { makeStream } from './stream.ts'

/** How long somebody is shown as typing after the last sign of it. */
const TYPING_SHOWN_MS = 6_000
const TYPING_TOLD_MS = 3_000
/** About one frame of the screen, so that a hundred messages that come at once are shown at once. */
const TELL_AFTER_MS = 16
const READ_TOLD_MS = 1_000
/** How long a message that the server has may take to come by the stream before it is asked for. */
const ECHO_LIMIT_MS = 2_000
/** Longest address of a page that is sent. */
const MAX_ADDRESS_CHARS = 2_000

/** A message on its way to the server. It stays until the log has it, also over reloads of the page (not its file). */
export interface Outgoing {
  readonly id: string
  readonly text: string
  readonly choice?: string | undefined
  readonly file?: File | undefined
  /** `waiting`: for the network, or for those before it. `failed`: the server does not take it; see `error`. */
  readonly state: 'waiting' | 'sending' | 'failed'
  /** Of a file, from 0 to 1. */
  readonly progress?: number | undefined
  /** The server's code, such as `FILE_TOO_LARGE`: the face has the words. */
  readonly error?: string | undefined
}

type Message = Pick<SendMessage, 'id' | 'text' | 'choice' | 'file' | 'contact'>

export type Connection = 'off' | 'connecting' | 'online' | 'reconnecting'

/** What is to be shown. `items` and `outbox` are replaced by new lists when they change, their members are not. */
export interface View {
  readonly connection: Connection
  /** By rising numbers, and without a gap. */
  readonly items: readonly Item[]
  /** Whether older items can be loaded. */
  readonly hasOlder: boolean
  readonly outbox: readonly Outgoing[]
  readonly snapshot: Snapshot | undefined
  /** The answer so far of a bot that is still writing. */
  readonly draft: string
  /** Somebody of ours is typing. */
  readonly isTyping: boolean
  /** Items of ours behind the one that was read last. */
  readonly unread: number
}

export interface Chat {
  readonly view: View
  /** Called after changes, at most once in 16 ms. */
  onChange(listener: (now: View) => void): void
  /** Connects, now and again until `stop`. Opens a session where there is none. */
  start(): void
  /** Lets go of the connection, the timers and the listeners on the page; what waits to be sent stays. Twice is safe. */
  stop(): void
  /** Whether this browser has been here before: then there may be something unread. */
  readonly isKnown: boolean
  send(text: string): void
  choose(choice: { readonly id: string; readonly label: string }): void
  /** `error`: the code of what is wrong with it, if that is known already. */
  sendFile(file: File, error?: string): void
  /** Sends at once, past what waits. Rejects with an error whose `code` is the server's, or `OFFLINE`. */
  post(message: Message): Promise<void>
  retry(id: string): void
  cancel(id: string): void
  /** Does nothing where there are none. Twice at once brings no more than once; where it fails nothing changes. */
  loadOlder(): Promise<void>
  /** All that is held is seen. Told to the server at most once in a second. */
  markRead(): void
  /** The visitor is typing. Told to the server at most once in 3 s. */
  typing(): void
  /** Tries until the server has an answer, or somebody else is named. Rejects as `post` does. */
  identify(identity: string): Promise<void>
  /** Forgets this visitor on this browser: somebody else may sit down. */
  forget(): void
  /** Called when somebody else sits there, here or in another tab: what was being written is not for his eyes. */
  onStranger: () => void
  setLanguage(language: string): void
}

interface Options {
  /** The channel's address, with a `/` at the end. */
  readonly base: string
  readonly settings: WidgetSettings
  readonly language: string
  /** Brings what is not needed at first. */
  readonly fetch: Fetch
}

/** Makes the chat of one channel; nothing is asked before `start`. */
export function makeChat({ base, settings, language, fetch }: Options, browser: Browser = window): Chat {
  const prefix = prefixOf(base)
  const store = makeStore(browser, prefix)
  let log = makeLog()
  const requests = makeRequests(browser, base, store, {
    onVisitor: (isStranger) => (isStranger ? clear() : beginAnew()),
    onSnapshot: (snapshot) => show({ snapshot }),
  })
  const outbox = makeOutbox(browser, store, {
    post: ({ id, text, choice }, file) => sent({ id, text: text || undefined, choice, file }),
    async upload(file, signal, onProgress) {
      const { upload } = await fetch('files')
      return upload({ file, uploads: settings.uploads }, { browser, base, requests }, signal, onProgress)
    },
    onChange: () => show(),
    onSent: expectUpTo,
  })
  const stream = makeStream(browser, store, {
    base,
    fetch,
    token: requests.token,
    refused: requests.refused,
    after() {
      askedAfter = log.last
      return askedAfter
    },
    onFrame,
    onLost: () => show({ connection: view.connection === 'connecting' ? 'connecting' : 'reconnecting' }),
  })

  let view: View = {
    connection: 'off',
    items: [],
    hasOlder: false,
    outbox: [],
    snapshot: undefined,
    draft: '',
    isTyping: false,
    unread: 0,
  }
  const listeners: ((now: View) => void)[] = []
  const timers = new Map<string, number>()
  let isRunning = false
  let askedAfter = 0
  /** Up to which number there is something, as far as we know. */
  let wanted = 0
  let isFilling = false
  let readTo = 0
  let readTold = 0

  /** Who it is, as the page says, until the server knows. */
  let named: string | undefined
  /** Waits no longer to say so. */
  let nameNow = () => {}

  outbox.adopt(() => false)

  /** Shows what there is now, and these changes. */
  function show(patch: Partial<View> = {}): void {
    const snapshot = patch.snapshot ?? view.snapshot
    const seen = Math.max(readTo, snapshot?.read ?? 0)
    view = {
      ...view,
      ...patch,
      items: log.items,
      hasOlder: log.hasOlder,
      outbox: outbox.list,
      unread: log.items.filter(({ by, seq }) => by === 'us' && seq > seen).length,
    }
    if (timers.has('change')) return
    later('change', TELL_AFTER_MS, () => {
      for (const listener of listeners) listener(view)
    })
  }

  /** Runs it later, instead of what was to run under this name. */
  function later(name: string, ms: number, run: () => void): void {
    browser.clearTimeout(timers.get(name))
    const timer = browser.setTimeout(() => {
      timers.delete(name)
      run()
    }, ms)
    timers.set(name, timer)
  }

  function onFrame(frame: Frame): void {
    switch (frame.type) {
      case 'hello':
        if (frame.token) requests.take(frame.token)
        // The server's log is another one than ours: it was set back, say.
        if (frame.snapshot.head < askedAfter) {
          beginAnew()
          return
        }
        log.dropAside()
        outbox.adopt((id) => log.items.some((item) => item.id === id))
        show({ connection: 'online', snapshot: frame.snapshot, draft: '', isTyping: false })
        outbox.wake()
        nameNow()
        readTold = frame.snapshot.read
        tellRead()
        break
      case 'snapshot':
        show({ snapshot: frame.snapshot })
        void fillUpTo(frame.snapshot.head)
        break
      case 'skip':
        took(log.skipTo(frame.from))
        break
      case 'item':
        took(log.add(placesOf([frame.item])))
        void fillUpTo(readCount(frame.item, 'seq') ?? 0)
        break
      case 'draft':
        show({ draft: frame.text })
        break
      case 'typing':
        later('typing', TYPING_SHOWN_MS, () => show({ isTyping: false }))
        show({ isTyping: true })
        break
    }
  }

  /** What has come is shown in the one change in which it leaves the outbox. */
  function took(items: readonly Item[]): void {
    outbox.settle(
      items.map(({ id }) => id),
      log.last,
    )
    show(items.some(({ by }) => by === 'us') ? { draft: '', isTyping: false } : {})
  }

  /** Asks for what is lacking up to this number. */
  async function fillUpTo(seq: number): Promise<void> {
    wanted = Math.max(wanted, seq)
    if (isFilling || log.last >= wanted) return
    isFilling = true
    // By the time that it is answered there may be another one.
    const asked = log
    try {
      for (let before = -1; isRunning && before < log.last && log.last < wanted; ) {
        before = log.last
        const page = readPage(await requests.get(`v1/events?after=${before}`))
        if (asked !== log || !page) break
        // There is nothing between what was asked for and what came.
        const items = page.places[0] ? log.skipTo(page.places[0].seq) : []
        took([...items, ...log.add(page.places)])
      }
    } catch {
      // The stream goes on, or comes again and brings it.
    }
    isFilling = false
    wanted = 0
    if (isRunning && asked === log && log.hasGap) stream.lose()
  }

  /** The server has a message with this number. Where no stream brings it, it is asked for. */
  function expectUpTo(seq: number): void {
    outbox.settle([], log.last)
    show()
    if (seq > log.last) later('echo', ECHO_LIMIT_MS, () => void fillUpTo(seq))
  }

  /** Another visitor, or another log: what was shown is not theirs. */
  function beginAnew(): void {
    log = makeLog()
    wanted = 0
    readTo = 0
    outbox.leave()
    show({ snapshot: undefined, draft: '', isTyping: false })
    stream.restart()
  }

  /** Somebody else sits there. */
  function clear(): void {
    requests.stop()
    outbox.clear()
    beginAnew()
    chat.onStranger()
  }

  async function sent(message: Message): Promise<number> {
    const surroundings = {
      page: browser.location.href.slice(0, MAX_ADDRESS_CHARS),
      referrer: browser.document.referrer.slice(0, MAX_ADDRESS_CHARS) || undefined,
      timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    }
    const collected = Object.fromEntries(settings.collect.map((what) => [what, surroundings[what]]))
    const whole: SendMessage = { ...message, ...collected, language }
    const seq = readCount(await requests.post('v1/messages', whole), 'seq')
    if (seq === undefined) throw refusal()
    return seq
  }

  function tellRead(): void {
    if (!isRunning || timers.has('read') || readTo <= readTold) return
    readTold = readTo
    // Should it fail, the next `hello` says what the server knows.
    requests.post('v1/read', { seq: readTo }).catch(() => {})
    later('read', READ_TOLD_MS, tellRead)
  }

  function send(message: Pick<Outgoing, 'text' | 'choice' | 'file' | 'error'>): void {
    outbox.add({ ...message, id: makeId(browser) })
    stream.wake()
  }

  function onBack(): void {
    show()
    stream.start()
    stream.wake()
    outbox.wake()
  }

  function onVisible(): void {
    if (browser.document.visibilityState === 'visible') onBack()
  }

  /** A connection of the time before may be dead without a sign. */
  function onOnline(): void {
    stream.restart()
    outbox.wake()
  }

  /** A page with an open connection could not be kept for the way back. */
  function onHide(): void {
    stream.stop()
    show({ connection: 'reconnecting' })
  }

  function onStorage({ key, newValue }: Event & Partial<StorageEvent>): void {
    // Told of each change in turn: by now there may be another token.
    if (key === prefix + TOKEN && newValue === null) forget()
    // The page has emptied the storage, for reasons of its own.
    if (key === null) requests.keep()
    requests.look()
  }

  function forget(): void {
    named = undefined
    requests.forget()
    clear()
  }

  const listened = [
    [browser, 'focus', () => show()],
    [browser, 'online', onOnline],
    [browser, 'pageshow', onBack],
    [browser, 'pagehide', onHide],
    [browser, 'storage', onStorage],
    [browser.document, 'visibilitychange', onVisible],
  ] as const

  const chat: Chat = {
    get view() {
      return view
    },
    onChange: (listener) => listeners.push(listener),
    start() {
      if (isRunning) return
      isRunning = true
      for (const [target, type, listener] of listened) target.addEventListener(type, listener)
      show({ connection: 'connecting' })
      stream.start()
      outbox.start()
    },
    stop() {
      if (!isRunning) return
      isRunning = false
      for (const [target, type, listener] of listened) target.removeEventListener(type, listener)
      stream.stop()
      outbox.stop()
      requests.stop()
      for (const timer of timers.values()) browser.clearTimeout(timer)
      timers.clear()
      show({ connection: 'off', isTyping: false, draft: '' })
    },
    get isKnown() {
      return requests.isKnown || outbox.list.length > 0
    },
    send(text) {
      if (text.trim() !== '') send({ text })
    },
    choose: ({ id, label }) => send({ text: label, choice: id }),
    sendFile: (file, error) => send({ text: '', file, error }),
    async post(message) {
      expectUpTo(await sent(message))
    },
    retry: outbox.retry,
    cancel: outbox.cancel,
    async loadOlder() {
      if (!view.hasOlder) return
      // By the time that it is answered there may be another one.
      const asked = log
      try {
        const page = readPage(await requests.get(`v1/events?before=${log.first}`))
        if (page && asked === log) {
          log.addOlder(page.places, page.more)
          show()
        }
      } catch {
        // Told by what does not change.
      }
    },
    markRead() {
      if (view.unread === 0) return
      readTo = log.last
      show()
      tellRead()
    },
    typing() {
      if (view.connection !== 'online' || timers.has('typed')) return
      later('typed', TYPING_TOLD_MS, () => {})
      requests.post('v1/typing').catch(() => {})
    },
    async identify(identity) {
      named = identity
      nameNow()
      for (let failures = 0; named === identity; failures++) {
        try {
          const session = readSession(await requests.post('v1/identify', { identity }))
          if (!session) throw refusal()
          if (named !== identity) return
          named = undefined
          requests.take(session.token)
          show({ snapshot: session.snapshot })
        } catch (error) {
          const refused = refusalOf(error)
          if (!isTemporary(refused)) throw error
          if (named !== identity) return
          await new Promise<void>((resolve) => {
            nameNow = resolve
            if (isRunning) later('name', refused.retryAfterMs ?? backoffMs(failures), resolve)
          })
        }
      }
    },
    forget() {
      store.remove(TOKEN)
      forget()
    },
    onStranger() {},
    setLanguage(next) {
      language = next
    },
  }
  return chat
}
