import { signal, useSignalEffect } from '@preact/signals'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { ListName, Row } from '../api/shapes.ts'
import { open, openId } from './chats.ts'
import { take } from './commands.ts'
import { counts, myself, now } from './desk.ts'
import { Icon } from './icon.tsx'
import { useKeys } from './keys.ts'
import {
  clearFilters,
  fresh,
  holdList,
  isFiltered,
  LISTS,
  listAgain,
  loadMore,
  order,
  rowIn,
  search,
  searchFor,
  settleList,
  show,
  shown,
  state,
  view,
} from './lists.ts'
import { RowView } from './row.tsx'
import { call } from './server.ts'
import { toastRefusal } from './toasts.ts'
import { words } from './words/words.ts'

/** The height of a row, as the styles have it. All are the same, so that which ones are seen is arithmetic. */
const ROW_PX = 76
/** So many more are drawn above and below what is seen. */
const MORE_ROWS = 6

/** Which row the keyboard is at. */
const cursor = signal<string | undefined>(undefined)

export function ListPane() {
  const { lists } = words.value
  const searchField = useRef<HTMLInputElement>(null)
  useKeys({
    '/': () => searchField.current?.focus(),
    j: () => step(1),
    k: () => step(-1),
    'Alt+ArrowDown': () => step(1),
    'Alt+ArrowUp': () => step(-1),
    q: () => void takeNext(),
    ...Object.fromEntries(LISTS.map((list, index) => [`Alt+${index + 1}`, () => show({ list })])),
  })
  return (
    <section class="list-pane" aria-label={lists.label}>
      <Tabs />
      <div class="filters">
        <label class="search">
          <span class="unseen">{lists.search}</span>
          <Icon name="search" />
          <input
            ref={searchField}
            type="search"
            placeholder={lists.search}
            value={search.value}
            onInput={({ currentTarget }) => searchFor(currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === 'Escape') searchFor('')
            }}
          />
        </label>
        <Filter
          label={lists.channel}
          all={lists.everyChannel}
          options={now.value.channels}
          value={view.value.channel}
          onChange={(channel) => show({ channel })}
        />
        <Filter
          label={lists.team}
          all={lists.everyTeam}
          options={now.value.teams.map(({ name }) => name)}
          value={view.value.team}
          onChange={(team) => show({ team })}
        />
        {view.value.list !== 'closed' && (
          <label class="filter">
            <span class="unseen">{lists.sort}</span>
            <select
              value={view.value.sort}
              onChange={({ currentTarget }) => show({ sort: currentTarget.value === 'waiting' ? 'waiting' : 'newest' })}
            >
              <option value="newest">{lists.newest}</option>
              <option value="waiting">{lists.waiting}</option>
            </select>
          </label>
        )}
      </div>
      <Rows />
    </section>
  )
}

function Tabs() {
  const { tabs, label } = words.value.lists
  const ofCounts = counts.value
  const countOf = (list: ListName) => (list === 'closed' || !ofCounts ? undefined : ofCounts[list])
  return (
    <nav class="tabs" aria-label={label}>
      {LISTS.map((list) => {
        const count = countOf(list)
        return (
          <button
            type="button"
            key={list}
            aria-current={view.value.list === list ? 'true' : undefined}
            onClick={() => show({ list })}
          >
            {tabs[list]}
            {count !== undefined && count > 0 && (
              <span class={list === 'queue' ? 'count urgent' : 'count'}>{count > 999 ? '999+' : count}</span>
            )}
          </button>
        )
      })}
    </nav>
  )
}

function Filter(of: {
  readonly label: string
  readonly all: string
  readonly options: readonly string[]
  readonly value: string | undefined
  readonly onChange: (value: string | undefined) => void
}) {
  // With one there is nothing to choose.
  if (of.options.length < 2) return null
  return (
    <label class="filter">
      <span class="unseen">{of.label}</span>
      <select
        class={of.value === undefined ? '' : 'chosen'}
        value={of.value ?? ''}
        onChange={({ currentTarget }) => of.onChange(currentTarget.value || undefined)}
      >
        <option value="">{of.all}</option>
        {of.options.map((option) => (
          <option key={option} value={option}>
            {option}
          </option>
        ))}
      </select>
    </label>
  )
}

/** The rows that are seen, and a few more, each at its place in a box as high as all of them. */
function Rows() {
  const box = useRef<HTMLDivElement>(null)
  const [range, setRange] = useState({ from: 0, to: 20 })
  const ids = order.value
  const { rows } = shown.value

  function look(): void {
    const element = box.current
    if (!element) return
    const from = Math.max(0, Math.floor(element.scrollTop / ROW_PX) - MORE_ROWS)
    const to = Math.ceil((element.scrollTop + element.clientHeight) / ROW_PX) + MORE_ROWS
    setRange((now) => (now.from === from && now.to === to ? now : { from, to }))
    if (to > order.value.length - MORE_ROWS) void loadMore()
  }
  useLayoutEffect(look, [ids])
  useEffect(() => {
    const observer = new ResizeObserver(look)
    if (box.current) observer.observe(box.current)
    return () => observer.disconnect()
  }, [])
  useSignalEffect(() => {
    view.value
    if (box.current) box.current.scrollTop = 0
  })
  // Whoever goes through the rows by the keyboard sees the one they are at.
  useSignalEffect(() => {
    const index = cursor.value === undefined ? -1 : order.peek().indexOf(cursor.value)
    const element = box.current
    if (index < 0 || !element) return
    const top = index * ROW_PX
    if (top < element.scrollTop) element.scrollTop = top
    else if (top + ROW_PX > element.scrollTop + element.clientHeight)
      element.scrollTop = top + ROW_PX - element.clientHeight
  })

  const drawn = ids.slice(range.from, range.to)
  const at = cursor.value !== undefined && drawn.includes(cursor.value) ? cursor.value : (openId.value ?? drawn[0])
  return (
    <div
      class="rows"
      ref={box}
      onScroll={look}
      onPointerEnter={holdList}
      onPointerLeave={() => {
        if (!box.current?.contains(document.activeElement)) settleList()
      }}
      onFocusIn={holdList}
      onFocusOut={({ relatedTarget }) => {
        const isInside = relatedTarget instanceof Node && box.current?.contains(relatedTarget)
        if (!isInside && !box.current?.matches(':hover')) settleList()
      }}
    >
      {fresh.value > 0 && (
        <button
          type="button"
          class="fresh"
          onClick={() => {
            settleList()
            box.current?.scrollTo(0, 0)
          }}
        >
          {words.value.lists.fresh(fresh.value)} <Icon name="up" />
        </button>
      )}
      {ids.length === 0 ? (
        <Empty />
      ) : (
        <ul class="all-rows" style={{ height: `${ids.length * ROW_PX}px` }}>
          {drawn.map((id, index) => {
            const row = rows.row(id)
            return (
              row && (
                <RowView
                  key={id}
                  row={row}
                  top={(range.from + index) * ROW_PX}
                  place={range.from + index + 1}
                  count={ids.length}
                  isOpen={id === openId.value}
                  isGone={rows.isGone(id)}
                  isAt={id === at || (at === undefined && index === 0)}
                />
              )
            )
          })}
        </ul>
      )}
    </div>
  )
}

function Empty() {
  const { lists } = words.value
  const { list } = view.value
  if (state.value === 'loading')
    return (
      <p class="empty" role="status">
        {lists.loading}
      </p>
    )
  if (state.value === 'failed')
    return (
      <div class="empty" role="alert">
        <p>{lists.failed}</p>
        <button type="button" class="button" onClick={() => void listAgain()}>
          {lists.again}
        </button>
      </div>
    )
  if (isFiltered.value)
    return (
      <div class="empty">
        <p>{lists.emptyHint.filtered}</p>
        <button type="button" class="button" onClick={clearFilters}>
          {lists.clearFilters}
        </button>
      </div>
    )
  const waiting = counts.value?.queue ?? 0
  const withBot = counts.value?.bot ?? 0
  const hint =
    list === 'mine'
      ? waiting > 0
        ? lists.emptyHint.mineWaiting(waiting)
        : myself.value?.status.isForChats
          ? lists.emptyHint.mineOnline
          : lists.emptyHint.mineAway
      : list === 'queue' && withBot > 0
        ? lists.emptyHint.withBot(withBot)
        : lists.emptyHint.none
  return (
    <div class="empty">
      <span class="empty-mark">
        <Icon name={list === 'closed' ? 'check' : 'chats'} />
      </span>
      <strong>{lists.empty[list]}</strong>
      <p>{hint}</p>
      {list === 'mine' && waiting > 0 && (
        <button type="button" class="button" onClick={() => show({ list: 'queue' })}>
          {lists.toQueue}
        </button>
      )}
      {list === 'queue' && withBot > 0 && (
        <button type="button" class="button" onClick={() => show({ list: 'bot' })}>
          {lists.toBot}
        </button>
      )}
    </div>
  )
}

/** Goes to the next row or the one before, and opens it. */
function step(by: 1 | -1): void {
  const ids = order.value
  const at = ids.indexOf(cursor.value ?? openId.value ?? '')
  const next = ids[at < 0 ? 0 : Math.min(Math.max(at + by, 0), ids.length - 1)]
  if (next === undefined) return
  holdList()
  cursor.value = next
  void open(next)
  // When the row is drawn, the focus is at it.
  requestAnimationFrame(() => document.querySelector<HTMLElement>('.row[aria-current] .row-open')?.focus())
}

/** The customer who waits longest, whichever list is shown. */
async function takeNext(): Promise<void> {
  const { list, channel, team } = view.value
  const first = list === 'queue' ? order.value.map(rowIn).find((row) => row?.state === 'queued') : undefined
  const next = first ?? (await longestWaiting({ channel, team }))
  if (next && (await take(next))) {
    show({ list: 'mine' })
    await open(next.id)
  }
}

async function longestWaiting(filter: {
  readonly channel: string | undefined
  readonly team: string | undefined
}): Promise<Row | undefined> {
  try {
    const page = await call('GET /conversations', { query: { list: 'queue', sort: 'waiting', limit: 1, ...filter } })
    return page.rows[0]
  } catch (error) {
    toastRefusal(error)
    return undefined
  }
}
