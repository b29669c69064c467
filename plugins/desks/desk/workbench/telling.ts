/** Tells whoever works here of what comes, by sounds, by notifications of their system, and by the tab of the browser. */
import { effect, signal } from '@preact/signals'
import type { Frame, Row } from '../api/shapes.ts'
import { openId } from './chats.ts'
import { myself, onFrame } from './desk.ts'
import { place, showConversations } from './location.ts'
import { makeNotices, type Notice, type NoticeEvent } from './notices.ts'
import { call } from './server.ts'
import { me } from './session.ts'
import { isLocked, play, unlock } from './sounds.ts'
import { recall, remember } from './storage.ts'
import { isSilent, taken, unread } from './told.ts'
import { makeVoice } from './voice.ts'
import { readWanted, type Wanted, type Way, wantsSound, written } from './wanted.ts'
import { words } from './words/words.ts'

/** More often nothing is heard: the first one calls, and the others are on the screen. */
const SILENT_MS = 1_500
/** As many as lists give at once. */
const PAGE = 100

type RowsTold = Extract<Frame, { type: 'rows' }>

/** Read again whenever it matters: another tab may have changed it. */
const now = () => readWanted(recall('notices'))
export const wanted = signal(now())

export function want(event: NoticeEvent, way: Way, isWanted: boolean): void {
  const before = now()
  const next: Wanted = { ...before, [event]: { ...before[event], [way]: isWanted } }
  remember('notices', written(next))
  wanted.value = next
}

/** What the browser says of notifications; `none`: it has none, as on pages without https. */
export const permission = signal<NotificationPermission | 'none'>(
  typeof Notification === 'undefined' || !isSecureContext ? 'none' : Notification.permission,
)

/** To be called by a click: browsers ask nobody else. */
export async function allowNotifications(): Promise<void> {
  permission.value = await Notification.requestPermission()
}

const voice = makeVoice(navigator.locks, `desk:${location.pathname}:voice`)
let heardAtMs = 0

/** Everything that the settings have for an event, so that it can be heard and seen what it is like. */
export async function tryOut(event: NoticeEvent): Promise<void> {
  await unlock()
  if (wanted.value[event].sound) play(event)
  if (wanted.value[event].desktop) notify({ event })
}

function tell(notices: readonly Notice[]): void {
  if (!voice.isMine) return
  const asked = now()
  const news = notices.filter(({ row }) => !row || !isBeforeThem(row))
  if (!document.hasFocus()) for (const notice of news) if (asked[notice.event].desktop) notify(notice)
  const first = news.find(({ event }) => asked[event].sound)
  if (!first || Date.now() - heardAtMs < SILENT_MS) return
  heardAtMs = Date.now()
  play(first.event)
}

/** They look at it: nothing has to call them. */
const isBeforeThem = ({ id }: Row) => document.hasFocus() && !place.value && openId.value === id

function notify({ event, row }: Notice): void {
  if (permission.value !== 'granted') return
  const { row: said, notices } = words.value
  const text = row?.last?.text || (row?.last ? said.parts[row.last.part] : '')
  const who = row ? (row.customer.name ?? said.noName) : ''
  const shown = new Notification(row ? `${notices[event]}: ${who}` : notices[event], {
    body: event === 'reminder' ? notices.reminderHint : text,
    // A second one of the same conversation takes the place of the first.
    tag: row?.id ?? event,
  })
  shown.onclick = () => {
    window.focus()
    if (row) showConversations(row.id)
    shown.close()
  }
}

let hasBegun = false

/** Somebody is signed in: from now on, until the page goes. For somebody else the page is loaded anew. */
export function beginTelling(): void {
  if (hasBegun) return
  hasBegun = true
  const notices = makeNotices(me.value?.name ?? '', taken)
  /** What was told while the lists were on their way: it is newer than they are. */
  let behind: RowsTold[] | undefined

  const show = () => {
    unread.value = notices.unread
  }

  async function meet(): Promise<void> {
    const newer: RowsTold[] = []
    behind = newer
    const list = (name: 'mine' | 'queue') =>
      call('GET /conversations', { query: { list: name, sort: 'newest', limit: PAGE } })
    try {
      const [mine, queue] = await Promise.all([list('mine'), list('queue')])
      // They have been asked for again since: what is told goes there.
      if (behind !== newer) return
      tell(notices.meet([...mine.rows, ...queue.rows]))
      for (const { rows, gone } of newer) tell(notices.apply(rows, gone))
      show()
    } catch {
      // With the next connection it is asked for again.
    } finally {
      if (behind === newer) behind = undefined
    }
  }

  onFrame((frame) => {
    if (frame.type === 'hello') void meet()
    if (frame.type !== 'rows') return
    if (behind) behind.push(frame)
    else tell(notices.apply(frame.rows, frame.gone))
    show()
  })
  void meet()
  effect(() => {
    if (myself.value) tell(notices.meetMyself(myself.value))
    show()
  })

  addEventListener('focus', voice.take)
  if (document.hasFocus()) voice.take()
  for (const gesture of ['click', 'keydown']) addEventListener(gesture, () => void unlock(), { capture: true })
  effect(() => {
    isSilent.value = isLocked.value && wantsSound(wanted.value)
  })
}
