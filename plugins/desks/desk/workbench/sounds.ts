/** The sounds: each a few notes, made when they are played, so that no file has to be loaded. */
import { signal } from '@preact/signals'
import type { NoticeEvent } from './notices.ts'

/** Frequencies in Hz, one after another. They go up for what is theirs, and stay where nobody is meant in particular. */
const NOTES: { readonly [event in NoticeEvent]: readonly number[] } = {
  assigned: [659, 880, 1109],
  message: [784],
  waiting: [523, 523],
  reminder: [880, 659, 880],
}
const NOTE_S = 0.14
const LOUDNESS = 0.14
/** As soft as what `exponentialRampToValueAtTime` takes: it takes no 0. */
const SILENCE = 0.0001

let context: AudioContext | undefined

/** Browsers let a page be heard only after somebody has clicked or typed in it. */
export const isLocked = signal(true)

/** To be called by a click or key. */
export async function unlock(): Promise<void> {
  // Where there is none nothing is ever heard, and the screen shows all that there is to hear.
  if (typeof AudioContext === 'undefined') return
  context ??= new AudioContext()
  await context.resume()
  isLocked.value = context.state !== 'running'
}

/** Nothing is heard as long as it is locked. */
export function play(event: NoticeEvent): void {
  if (context?.state !== 'running') return
  for (const [index, hz] of NOTES[event].entries()) {
    const from = context.currentTime + index * NOTE_S
    const note = new OscillatorNode(context, { frequency: hz })
    const loudness = new GainNode(context, { gain: SILENCE })
    loudness.gain.setValueAtTime(SILENCE, from)
    loudness.gain.exponentialRampToValueAtTime(LOUDNESS, from + 0.02)
    loudness.gain.exponentialRampToValueAtTime(SILENCE, from + 2 * NOTE_S)
    note.connect(loudness).connect(context.destination)
    note.start(from)
    note.stop(from + 2 * NOTE_S)
  }
}
