/** Short notices of what was done or refused, gone by themselves. */
import { signal } from '@preact/signals'
import { Refusal } from './server.ts'
import { refusalText } from './words/words.ts'

export interface Toast {
  readonly id: number
  readonly text: string
  readonly isError: boolean
}

export const toasts = signal<readonly Toast[]>([])
const SHOWN_MS = 6_000
let last = 0

/** What was done once more takes the place of what was said before; each refusal is another one. */
export function toast(text: string, isError = false): void {
  const id = ++last
  const others = toasts.value.filter((one) => isError || one.text !== text)
  toasts.value = [...others.slice(-2), { id, text, isError }]
  setTimeout(() => dismiss(id), SHOWN_MS)
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((one) => one.id !== id)
}

/** Says in words why something was not done. */
export function toastRefusal(error: unknown): void {
  if (!(error instanceof Refusal)) throw error
  // Whoever is signed out is asked to sign in, by a dialog.
  if (error.status !== 401) toast(refusalText(error), true)
}
