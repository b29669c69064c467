/** What the platform still takes from us in a chat, as the composer shows it. */
import { useEffect, useState } from 'preact/hooks'
import type { Sendable } from '../api/shapes.ts'
import { call } from './server.ts'
import { fullTime } from './times.ts'
import { words } from './words/words.ts'

/** The clocks of screen and desk may differ: at the end it is asked so often until the desk says so. */
const SHORTEST_WAIT_MS = 5_000
/** Browsers wait no longer than this at a time. */
const LONGEST_WAIT_MS = 2 ** 31 - 1

/**
 * Asked anew with each entry of the chat, since what is said counts and what the customer writes counts anew, and when
 * the time runs out. `undefined`: not known, and so nothing stands in the way.
 */
export function useSendable(chat: string, head: number, isAsked: boolean): Sendable | undefined {
  const [known, setKnown] = useState<{ readonly chat: string; readonly sendable: Sendable }>()
  const [rounds, setRounds] = useState(0)
  const sendable = known?.chat === chat ? known.sendable : undefined
  useEffect(() => {
    if (!isAsked) return
    let isOver = false
    call('GET /chats/:chat/sendable', { params: { chat } }).then(
      (next) => !isOver && setKnown({ chat, sendable: next }),
      // Whoever sends is told by the desk.
      () => undefined,
    )
    return () => {
      isOver = true
    }
  }, [chat, head, isAsked, rounds])
  const endsAtMs = sendable?.closed === undefined ? sendable?.untilMs : undefined
  useEffect(() => {
    if (endsAtMs === undefined) return
    const waitMs = Math.min(Math.max(endsAtMs - Date.now(), SHORTEST_WAIT_MS), LONGEST_WAIT_MS)
    const timer = setTimeout(() => setRounds((round) => round + 1), waitMs)
    return () => clearTimeout(timer)
  }, [endsAtMs, rounds])
  return isAsked ? sendable : undefined
}

/** Only where there is a limit: how many of how many are left, and until when; or why there are none. */
export function allowanceText({ left, max, untilMs, closed }: Sendable): string | undefined {
  const { window } = words.value.composer
  const until = untilMs === undefined ? undefined : fullTime(untilMs)
  if (closed === 'over') return until === undefined ? window.over : window.overSince(until)
  if (closed !== undefined) return window[closed]
  if (left === undefined || max === undefined) return until === undefined ? undefined : window.until(until)
  return until === undefined ? window.left(left, max) : window.leftUntil(left, max, until)
}
