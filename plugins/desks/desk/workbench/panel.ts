/** Whether the customer is shown beside the conversation. */
import { signal } from '@preact/signals'
import { recall, remember } from './storage.ts'

/** Narrower than this there is room for it only when it is asked for. */
const WIDE_PX = 1180

export const isPanelOpen = signal(recall('panel') !== 'closed' && innerWidth >= WIDE_PX)

export function togglePanel(): void {
  isPanelOpen.value = !isPanelOpen.value
  if (innerWidth >= WIDE_PX) remember('panel', isPanelOpen.value ? undefined : 'closed')
}
