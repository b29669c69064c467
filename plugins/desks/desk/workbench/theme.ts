/** Light or dark: as the system has it, unless somebody has chosen. */
import { effect, signal } from '@preact/signals'
import { recall, remember } from './storage.ts'

export const THEMES = ['auto', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

export const theme = signal<Theme>(THEMES.find((one) => one === recall('theme')) ?? 'auto')

export function setTheme(next: Theme): void {
  theme.value = next
  remember('theme', next === 'auto' ? undefined : next)
}

effect(() => {
  const root = document.documentElement
  if (theme.value === 'auto') root.removeAttribute('data-theme')
  else root.dataset.theme = theme.value
})
