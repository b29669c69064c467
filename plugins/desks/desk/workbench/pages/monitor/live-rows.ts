/** Rows of a list that stay true while they are shown. */
import { useEffect, useState } from 'preact/hooks'
import type { Frame, Row } from '../../../api/shapes.ts'
import { onFrame } from '../../desk.ts'
import { makeRowList, type View } from '../../row-list.ts'
import { call, Refusal } from '../../server.ts'
import { me } from '../../session.ts'
import { toastRefusal } from '../../toasts.ts'

/** As many as one answer has. */
export const MOST_ROWS = 100

type RowsTold = Extract<Frame, { type: 'rows' }>

/** The first ones of the list, in its order. `isWhole`: there are no others. */
export interface LiveRows {
  readonly rows: readonly Row[]
  readonly isWhole: boolean
}

/** A list that was refused is asked for again after so long, and then after twice as long, up to the most. */
const RETRY_MS = 1_000
const MAX_RETRY_MS = 30_000

/** Keeps a list true and draws it whenever it is another, until the function that is returned is called. */
export function followRows({ list, sort, person }: View, draw: (shown: LiveRows) => void): () => void {
  const all = makeRowList({ list, sort, person }, me.value?.name ?? '')
  let isWhole = true
  let isHere = false
  let picture = 0
  /** What is told while an answer is on its way, and is newer than that. */
  let told: RowsTold[] | undefined
  let isAskedAgain = false
  let isStopped = false
  let retryMs = RETRY_MS
  let retry: ReturnType<typeof setTimeout> | undefined

  /** However much is told between two pictures, it is drawn once. */
  function drawSoon(): void {
    if (picture !== 0 || !isHere) return
    picture = requestAnimationFrame(() => {
      picture = 0
      draw({ rows: all.order.flatMap((id) => all.row(id) ?? []).slice(0, MOST_ROWS), isWhole })
    })
  }

  function apply({ rows, gone }: RowsTold): void {
    for (const id of gone) all.remove(id)
    for (const row of rows) all.update(row)
  }

  /** What asks for it while an answer is on its way is served by one more answer, once that is here. */
  async function load(): Promise<void> {
    if (told) {
      isAskedAgain = true
      return
    }
    clearTimeout(retry)
    const newer: RowsTold[] = []
    told = newer
    isAskedAgain = false
    try {
      const page = await call('GET /conversations', { query: { list, sort, person, limit: MOST_ROWS } })
      if (isStopped) return
      isWhole = page.next === undefined
      isHere = true
      retryMs = RETRY_MS
      all.reset(page.rows, isWhole)
      newer.forEach(apply)
      drawSoon()
    } catch (error) {
      if (isStopped) return
      // Said once: it goes on trying.
      if (retryMs === RETRY_MS) toastRefusal(error)
      if (error instanceof Refusal && error.isPassing) {
        retry = setTimeout(() => void load(), retryMs)
        retryMs = Math.min(2 * retryMs, MAX_RETRY_MS)
      }
      // Whoever asked meanwhile is served by the next try.
      isAskedAgain = false
    } finally {
      told = undefined
    }
    if (isAskedAgain) void load()
  }

  void load()
  const stop = onFrame((frame) => {
    if (frame.type === 'hello') void load()
    if (frame.type !== 'rows') return
    told?.push(frame)
    apply(frame)
    // Behind the first ones come others, which are not here.
    if (!isWhole && all.order.length < MOST_ROWS / 2) void load()
    drawSoon()
  })
  return () => {
    isStopped = true
    stop()
    clearTimeout(retry)
    cancelAnimationFrame(picture)
  }
}

/** `undefined`: not here yet. */
export function useLiveRows({ list, sort, person }: View): LiveRows | undefined {
  const [shown, setShown] = useState<LiveRows>()
  useEffect(() => followRows({ list, sort, person }, setShown), [list, sort, person])
  return shown
}
