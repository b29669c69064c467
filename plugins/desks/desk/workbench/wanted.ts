/** By which ways somebody wants to be told of what: kept in this browser, which has the loudspeaker. */
import { EVENTS, type NoticeEvent } from './notices.ts'

export const WAYS = ['sound', 'desktop'] as const
export type Way = (typeof WAYS)[number]
export type Wanted = { readonly [event in NoticeEvent]: { readonly [way in Way]: boolean } }

/** In most teams who waits comes to somebody by itself, who is told of it then. */
const isWantedAtFirst = (event: NoticeEvent) => event !== 'waiting'

/** Of what `written` has made. What is missing in it, or is something else, is as at first. */
export function readWanted(text: string | undefined): Wanted {
  const kept = new Map(Object.entries(parsed(text)))
  const wantedOf = (event: NoticeEvent, way: Way) => {
    const one = kept.get(`${event} ${way}`)
    return typeof one === 'boolean' ? one : isWantedAtFirst(event)
  }
  const of = (event: NoticeEvent) => ({ sound: wantedOf(event, 'sound'), desktop: wantedOf(event, 'desktop') })
  return { assigned: of('assigned'), message: of('message'), waiting: of('waiting'), reminder: of('reminder') }
}

export function written(wanted: Wanted): string {
  const all = EVENTS.flatMap((event) => WAYS.map((way) => [`${event} ${way}`, wanted[event][way]] as const))
  return JSON.stringify(Object.fromEntries(all))
}

export const wantsSound = (wanted: Wanted): boolean => EVENTS.some((event) => wanted[event].sound)

function parsed(text: string | undefined): object {
  try {
    const value: unknown = JSON.parse(text ?? '{}')
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    // Somebody else has written there.
    return {}
  }
}
