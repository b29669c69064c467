/** The customers that are listed: kept while the page is left for one of them, so that whoever comes back is where they were. */
import { signal } from '@preact/signals'
import type { ListedCustomer } from '../../../api/customers-shapes.ts'
import type { QueryOf } from '../../../api/routes.ts'
import { now } from '../../desk.ts'
import type { Asked } from '../../location.ts'
import { call, Refusal } from '../../server.ts'
import { plusDays, startOf } from '../days.ts'

export interface Found {
  /** What was asked for. */
  readonly key: string
  readonly state: 'loading' | 'ready' | Refusal
  readonly customers: readonly ListedCustomer[]
  readonly next: string | undefined
  /** Who first came in this time is listed. */
  readonly created: { readonly fromMs: number; readonly untilMs: number } | undefined
  readonly isLoadingMore: boolean
  /** When it was asked for, in ms since 1970. */
  readonly atMs: number
}

const NOTHING: Found = {
  key: '',
  state: 'loading',
  customers: [],
  next: undefined,
  created: undefined,
  isLoadingMore: false,
  atMs: 0,
}

export const found = signal<Found>(NOTHING)
/** How far it was scrolled, and what the address asked then. */
export const left: { top: number; asked: Asked } = { top: 0, asked: {} }

export const SORTS = ['newest', 'oldest', 'last-message', 'longest-silent'] as const
export type Sort = (typeof SORTS)[number]
export const sortOf = ({ sort }: Asked): Sort => SORTS.find((one) => one === sort) ?? 'newest'

/** What the address asks for, as the desk is asked. */
function queryOf(asked: Asked): QueryOf<'GET /customers'> {
  const { search, tag, channel, blocked, came, from, to } = asked
  const { timeZone } = now.value
  return {
    ...(search !== undefined && { search }),
    ...(tag !== undefined && { tag }),
    ...(channel !== undefined && { channel }),
    ...(blocked !== undefined && { blocked: 'yes' }),
    ...(from !== undefined && to !== undefined
      ? { from: startOf(from, timeZone), until: startOf(plusDays(to, 1), timeZone) }
      : (came === 'ever' || came === 'this-week') && { came }),
    sort: sortOf(asked),
  }
}

/** So long whoever looks at one customer comes back to the same list. */
const FRESH_MS = 5 * 60_000

/** Lists what is asked for, unless that is what is listed and still fresh. */
export async function find(asked: Asked): Promise<void> {
  const query = queryOf(asked)
  const key = JSON.stringify(query)
  const { state, atMs } = found.value
  if (found.value.key === key && state === 'ready' && Date.now() - atMs < FRESH_MS) return
  // What was there before stays until it is known what comes in its place.
  found.value = { ...found.value, key, state: 'loading', next: undefined, isLoadingMore: false, atMs: Date.now() }
  try {
    const { customers, next, created } = await call('GET /customers', { query })
    if (found.value.key === key) found.value = { ...found.value, state: 'ready', customers, next, created }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    if (found.value.key === key) found.value = { ...NOTHING, key, state: error }
  }
}

export async function findMore(asked: Asked): Promise<void> {
  const { key, next, isLoadingMore } = found.value
  if (next === undefined || isLoadingMore) return
  found.value = { ...found.value, isLoadingMore: true }
  try {
    const page = await call('GET /customers', { query: { ...queryOf(asked), cursor: next } })
    if (found.value.key !== key) return
    // Whoever has written meanwhile may come a second time, where they were before.
    const known = new Set(found.value.customers.map(({ id }) => id))
    const more = page.customers.filter(({ id }) => !known.has(id))
    found.value = { ...found.value, customers: [...found.value.customers, ...more], next: page.next }
  } catch {
    // It is asked for again by the same button.
  } finally {
    if (found.value.key === key) found.value = { ...found.value, isLoadingMore: false }
  }
}

/** Something is another now: the list is asked for anew. */
export function forgetFound(): void {
  found.value = NOTHING
}
