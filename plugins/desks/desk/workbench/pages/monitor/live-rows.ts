/** Rows of a list that stay true while they are shown. */
import { useEffect, useState } from 'preact/hooks'
import type { Frame, Row } from '../../../api/shapes.ts'
import { onFrame } from '../../desk.ts'
import { makeRowList, type View } from '../../row-list.ts'
import { call } from '../../server.ts'
import { me } from '../../session.ts'
import { toastRefusal } from '../../toasts.ts'

/** As many as one answer has. */
export const MOST_ROWS = 100

type RowsTold = Extract<Frame, { type: 'rows' }>

/** The first ones of the list, in its order. `isWhole`: there are no others. `undefined`: not here yet. */
export function useLiveRows({
  list,
  sort,
  person,
}: View): { readonly rows: readonly Row[]; readonly isWhole: boolean } | undefined {
  const [shown, setShown] = useState<{ readonly rows: readonly Row[]; readonly isWhole: boolean }>()
  useEffect(() => {
    const all = makeRowList({ list, sort, person }, me.value?.name ?? '')
    let isWhole = true
    let isHere = false
    let picture = 0
    /** What is told while an answer is on its way, and is newer than that. */
    let told: RowsTold[] | undefined

    /** However much is told between two pictures, it is drawn once. */
    function drawSoon(): void {
      if (picture !== 0 || !isHere) return
      picture = requestAnimationFrame(() => {
        picture = 0
        setShown({ rows: all.order.flatMap((id) => all.row(id) ?? []).slice(0, MOST_ROWS), isWhole })
      })
    }

    function apply({ rows, gone }: RowsTold): void {
      for (const id of gone) all.remove(id)
      for (const row of rows) all.update(row)
    }

    async function load(): Promise<void> {
      const newer: RowsTold[] = []
      told = newer
      try {
        const page = await call('GET /conversations', { query: { list, sort, person, limit: MOST_ROWS } })
        isWhole = page.next === undefined
        isHere = true
        all.reset(page.rows, isWhole)
        newer.forEach(apply)
        drawSoon()
      } catch (error) {
        toastRefusal(error)
      }
      if (told === newer) told = undefined
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
      stop()
      cancelAnimationFrame(picture)
    }
  }, [list, sort, person])
  return shown
}
