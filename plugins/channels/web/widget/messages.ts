/** The list of messages: what the log has, what is on its way, and what is being written. */
import type { Item } from '../protocol.ts'
import { lineOf, nameOf } from './avatar.ts'
import type { Outgoing, View } from './chat.ts'
import type { Context } from './context.ts'
import { button, make, say, set } from './dom.ts'
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
  const greeting = make('div', 'row ours head')
  const draft = make('div', 'row ours head')
  const draftBubble = make('div')
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
  /** The number of the last message that is shown. */
  let last = 0
  let unreadFrom: number | undefined

  list.addEventListener('scroll', () => {
    look()
    onScroll()
    context.use('more', ({ bringOlder }) => bringOlder(list, context, () => quietly(() => arrange(chat.view))))
  })
  context.onGrown = () => {
    context.here.files?.settleChoices(rows)
    keepEnd()
  }
  // The keyboard of a phone, a longer text below.
  new ResizeObserver(keepEnd).observe(list)

  function look(): void {
    isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_PX
    if (isAtEnd) newer.hidden = true
  }

  /** What has grown does not push the end out of sight. */
  function keepEnd(): void {
    if (isAtEnd) toEnd()
  }

  function toEnd(): void {
    list.scrollTop = list.scrollHeight
    look()
  }

  /** What is inserted meanwhile is no news, and is not announced. */
  function quietly(change: () => void): void {
    set(list, 'aria-live', 'off')
    change()
    setTimeout(() => isCaughtUp && set(list, 'aria-live', 'polite'), 100)
  }

  /** The rows in their order. Those that stay are not touched, and what has come into the log stays the row that it was. */
  function arrange(view: View): void {
    const now: Row[] = []
    let before: Element = greeting
    for (const entry of context.here.files?.inOrder(view) ?? [...view.items, ...view.outbox]) {
      const row = rowOf(entry)
      if (!row) continue
      row.follow(now[now.length - 1], row.seq !== undefined && row.seq === unreadFrom)
      now.push(row)
      if (before.nextElementSibling !== row.element) before.after(row.element)
      before = row.element
    }
    rows = now
    for (const [id, row] of byId) {
      if (rows.includes(row)) continue
      row.element.remove()
      byId.delete(id)
    }
    context.here.files?.settleChoices(rows)
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

  /** Above the first message. */
  function showGreeting({ hasOlder }: View): void {
    const text = context.settings.greeting
    greeting.hidden = hasOlder || !text
    if (!text || greeting.firstChild) return
    const author = make('div', 'author', nameOf(undefined, context))
    greeting.append(lineOf(undefined, context, author, make('div', 'bubble text', context.text(text))))
  }

  /** Below the last one: what is being written. */
  function showDraft({ draft: text, isTyping, snapshot }: View): void {
    draft.hidden = !text && !isTyping
    if (draft.hidden) draft.replaceChildren()
    else if (!draft.firstChild) draft.append(lineOf(snapshot?.face, context, draftBubble))
    draftBubble.className = text ? 'bubble text' : 'bubble dots'
    say(draftBubble, text)
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
    },
    show(view, firstUnread) {
      const { words } = context
      const former = rows
      const lastFormer = last
      last = view.items[view.items.length - 1]?.seq ?? 0
      if (last < lastFormer) isCaughtUp = false
      const wasAtEnd = isAtEnd
      unreadFrom = firstUnread
      set(list, 'aria-label', words.messages)
      say(newer, words.newMessages)

      showGreeting(view)
      showDraft(view)
      if (isCaughtUp) arrange(view)
      else quietly(() => arrange(view))
      isCaughtUp ||= view.snapshot !== undefined && last >= view.snapshot.head

      const newest = rows[rows.length - 1]
      const isOwn = newest?.author === 'visitor' && !former.includes(newest)
      if (wasAtEnd || isOwn) toEnd()
      else if (last > lastFormer) newer.hidden = false
    },
  }
}
