/** The list of messages: what the log has, what is on its way, and what is being written. */
import type { Item } from '../protocol.ts'
import { avatarOf, nameOf } from './avatar.ts'
import type { Outgoing, View } from './chat.ts'
import type { Context } from './context.ts'
import { button, make, say, set } from './dom.ts'
import { DOWN, icon } from './icons.ts'
import { makeRow, type Row } from './row.ts'

/** So near to an end of the list counts as being there. */
const NEAR_PX = 60

export interface Messages {
  readonly element: HTMLElement
  /** Shows what there is now. `firstUnread`: the number of the message before which a line stands. */
  show(view: View, firstUnread: number | undefined): void
  /** Begins anew, in another language. */
  reset(): void
  readonly isAtEnd: boolean
  /** To where the unread ones begin, else to the end. */
  toUnread(): void
}

/** `onScroll` is called when the visitor has moved. */
export function makeMessages(context: Context, onScroll: () => void): Messages {
  const { chat } = context
  const greeting = make('div')
  const draft = make('div', 'row ours head')
  const draftText = make('div', 'bubble text')
  const dots = make('div', 'bubble dots', make('i'), make('i'), make('i'))
  const list = make('div', 'list', greeting, draft)
  const newer = button('newer', toEnd)
  const element = make('div', 'messages', list, newer)
  list.tabIndex = 0
  set(list, 'role', 'log')
  set(draft, 'aria-live', 'off')
  newer.hidden = true

  /** By rising numbers; then those on their way. */
  let rows: Row[] = []
  const byId = new Map<string, Row>()
  let isAtEnd = true
  let isCaughtUp = false
  let now: View | undefined
  let unreadFrom: number | undefined

  list.addEventListener('scroll', () => {
    look()
    onScroll()
    context.use('more', ({ bringOlder }) => bringOlder(list, context, () => quietly(() => arrange(chat.view))))
  })
  // The keyboard of a phone, a longer text below, a picture: the end stays in sight.
  context.onGrown = () => isAtEnd && toEnd()
  new ResizeObserver(context.onGrown).observe(list)

  function look(): void {
    isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_PX
    if (isAtEnd) newer.hidden = true
  }

  function toEnd(): void {
    list.scrollTop = list.scrollHeight
    isAtEnd = true
    newer.hidden = true
  }

  /** What is inserted meanwhile is no news, and is not announced. */
  function quietly(change: () => void): void {
    set(list, 'aria-live', 'off')
    change()
    setTimeout(() => isCaughtUp && set(list, 'aria-live', 'polite'), 100)
  }

  /** The rows in their order. Those that stay are not touched, and what has come into the log stays the row that it was. */
  function arrange({ items, outbox }: View): void {
    rows = []
    let before: Element = greeting
    let asking: readonly Row[] = []
    for (const entry of [...items, ...outbox]) {
      const row = rowOf(entry)
      if (!row) continue
      row.follow(rows[rows.length - 1], row.seq !== undefined && row.seq === unreadFrom)
      rows.push(row)
      if (before.nextElementSibling !== row.element) before.after(row.element)
      before = row.element
      if (row.author === 'visitor') {
        const choice = 'choice' in entry ? entry.choice : undefined
        // What is on its way answers what it was picked from. Whether it came after others, the log will say.
        asking = asking.filter((question) => {
          const isOpen = row.seq === undefined && !question.offers?.includes(choice)
          if (!isOpen) question.settle(true, choice)
          return isOpen
        })
      } else if (row.offers) asking = [...asking, row]
    }
    for (const question of asking) question.settle(false, undefined)
    for (const [id, row] of byId) {
      if (rows.includes(row)) continue
      row.element.remove()
      byId.delete(id)
    }
  }

  function rowOf(entry: Item | Outgoing): Row | undefined {
    const id = 'by' in entry && entry.by !== 'visitor' ? `us ${entry.id}` : entry.id
    try {
      const row = byId.get(id) ?? makeRow(entry, context)
      byId.set(id, row)
      row.update(entry)
      return row
    } catch {
      // Something in it is not as the protocol has it. The others are shown.
      return undefined
    }
  }

  function showGreeting(view: View): void {
    const text = context.settings.greeting
    if (!text || view.hasOlder) greeting.replaceChildren()
    if (!text || view.hasOlder || greeting.childElementCount > 0) return
    greeting.className = 'row ours head'
    const author = make('div', 'author', nameOf(undefined, context))
    const bubble = make('div', 'bubble text', context.text(text))
    greeting.append(make('div', 'line', avatarOf(undefined, context), make('div', 'content', author, bubble)))
  }

  function showDraft(view: View): void {
    const isShown = view.draft !== '' || view.isTyping
    draft.hidden = !isShown
    if (!isShown) {
      draft.replaceChildren()
      return
    }
    const bubble = view.draft === '' ? dots : draftText
    say(draftText, view.draft)
    if (bubble.isConnected) return
    const { face } = view.snapshot ?? {}
    draft.replaceChildren(make('div', 'line', avatarOf(face, context), make('div', 'content', bubble)))
  }

  return {
    element,
    get isAtEnd() {
      return isAtEnd
    },
    toUnread() {
      toEnd()
      list.querySelector('.unread')?.scrollIntoView({ block: 'nearest' })
      look()
    },
    reset() {
      for (const row of rows) row.element.remove()
      rows = []
      byId.clear()
      greeting.replaceChildren()
      draft.replaceChildren()
      isCaughtUp = false
      if (now) this.show(now, unreadFrom)
    },
    show(view, firstUnread) {
      const { words } = context
      const former = rows
      const lastFormer = Math.max(0, ...former.map(({ seq = 0 }) => seq))
      const last = view.items[view.items.length - 1]?.seq ?? 0
      if (last < lastFormer) isCaughtUp = false
      const isUnchanged = now?.items === view.items && now.outbox === view.outbox && unreadFrom === firstUnread
      const wasAtEnd = isAtEnd
      now = view
      unreadFrom = firstUnread
      set(list, 'aria-label', words.messages)
      newer.replaceChildren(icon(DOWN), words.newMessages)

      showGreeting(view)
      showDraft(view)
      if (!isUnchanged || rows.length === 0) {
        if (isCaughtUp) arrange(view)
        else quietly(() => arrange(view))
      }
      isCaughtUp ||= view.snapshot !== undefined && last >= view.snapshot.head

      const newest = rows[rows.length - 1]
      const isOwn = newest?.author === 'visitor' && !former.includes(newest)
      if (wasAtEnd || isOwn) toEnd()
      else if (last > lastFormer) newer.hidden = false
    },
  }
}
