/** The list that is on the screen. */
import { batch, computed, signal } from '@preact/signals'
import type { ListName, Row, Rows } from '../api/shapes.ts'
import { makeRowList, type RowList, type View } from './row-list.ts'
import { call } from './server.ts'
import { me } from './session.ts'

const PAGE = 100
/** Whoever goes on writing within this is asked for once. */
const SEARCH_AFTER_MS = 150

export const LISTS: readonly ListName[] = ['mine', 'queue', 'bot', 'all', 'closed']

/** In the queue who waits longest comes first; elsewhere what is new. */
const sortOf = (list: ListName): View['sort'] => (list === 'queue' ? 'waiting' : 'newest')

export const view = signal<View>({ list: 'mine', sort: 'newest' })
/** What stands in the field; the view has it a moment later. */
export const search = signal('')
export const state = signal<'loading' | 'ready' | 'failed'>('loading')

const list = signal<RowList>(makeRowList(view.value, ''))
/** Raised by every change of the list, which changes in place. */
const version = signal(0)
let next: string | undefined
let isLoadingMore = false
/** Answers to what was asked before the view changed are not for it. */
let asked = 0
/** For each page that is on its way, what is told meanwhile: it is newer than what the page says of these rows. */
const meanwhile = new Set<{ readonly rows: Map<string, Row>; readonly gone: Set<string> }>()

/** Which rows are shown, from above. */
export const order = computed<readonly string[]>(() => {
  version.value
  return list.value.order
})
export const fresh = computed(() => {
  version.value
  return list.value.fresh
})
export const isFiltered = computed(
  () => view.value.channel !== undefined || view.value.team !== undefined || view.value.search !== undefined,
)
/** With the version, so that who shows rows is told of each change. */
export const shown = computed(() => ({ rows: list.value, version: version.value }))

export const rowIn = (id: string): Row | undefined => list.value.row(id)

export function show(change: Partial<View>): void {
  const changed = { ...view.value, ...change }
  view.value = change.list === undefined || change.sort ? changed : { ...changed, sort: sortOf(change.list) }
  list.value = makeRowList(view.value, me.value?.name ?? '')
  state.value = 'loading'
  version.value++
  void listAgain()
}

export function clearFilters(): void {
  search.value = ''
  show({ channel: undefined, team: undefined, search: undefined })
}

/** Loads the first page. What is shown stays until it is there. */
export async function listAgain(): Promise<void> {
  const mine = ++asked
  // No page behind the old first one is asked for: it would not join the new one.
  const nextBefore = next
  next = undefined
  try {
    const [page, told] = await pageAfter(undefined)
    if (mine !== asked) return
    next = page.next
    batch(() => {
      if (list.value.order.length === 0) list.value = makeRowList(view.value, me.value?.name ?? '')
      list.value.reset(page.rows, page.next === undefined)
      state.value = 'ready'
      told()
      version.value++
    })
  } catch {
    if (mine !== asked) return
    next = nextBefore
    state.value = 'failed'
  }
}

/** A page, and what applies all that was told of its rows meanwhile. */
async function pageAfter(cursor: string | undefined): Promise<readonly [page: Rows, told: () => void]> {
  const told = { rows: new Map<string, Row>(), gone: new Set<string>() }
  meanwhile.add(told)
  try {
    const page = await call('GET /conversations', { query: { ...view.value, limit: PAGE, cursor } })
    return [page, () => applyToList([...told.rows.values()], [...told.gone])]
  } finally {
    meanwhile.delete(told)
  }
}

/** Loads the next page, if there is one. */
export async function loadMore(): Promise<void> {
  if (isLoadingMore || next === undefined) return
  isLoadingMore = true
  const mine = asked
  try {
    const [page, told] = await pageAfter(next)
    if (mine !== asked) return
    next = page.next
    list.value.append(page.rows, page.next === undefined)
    told()
    version.value++
  } catch {
    // It is asked for again when somebody scrolls on.
  } finally {
    isLoadingMore = false
  }
}

let searching = 0
/** Looks for a name in the list that is shown, and in each that is shown from now on. */
export function searchFor(text: string): void {
  search.value = text
  clearTimeout(searching)
  searching = window.setTimeout(() => show({ search: text.trim() || undefined }), SEARCH_AFTER_MS)
}

export function applyToList(rows: readonly Row[], gone: readonly string[]): void {
  for (const told of meanwhile) {
    for (const id of gone) {
      told.rows.delete(id)
      told.gone.add(id)
    }
    for (const row of rows) {
      told.gone.delete(row.id)
      told.rows.set(row.id, row)
    }
  }
  if (state.value === 'loading') return
  for (const id of gone) list.value.remove(id)
  for (const row of rows) list.value.update(row)
  drawSoon()
}

let isToBeDrawn = false
/** However much is told between two pictures, the list is drawn once. */
function drawSoon(): void {
  if (isToBeDrawn) return
  isToBeDrawn = true
  requestAnimationFrame(() => {
    isToBeDrawn = false
    version.value++
  })
}

export function holdList(): void {
  list.value.hold()
}

export function settleList(): void {
  list.value.settle()
  version.value++
}
