/** Who is signed in on this page. */
import { signal } from '@preact/signals'
import type { Me } from '../api/shapes.ts'

/** Stays when the session ends: what is on the page is theirs. `undefined`: nobody has been signed in yet. */
export const me = signal<Me | undefined>(undefined)

/** `asking`: not known yet. `expired`: somebody was, and has to sign in again to go on. */
export const session = signal<'asking' | 'none' | 'open' | 'expired'>('asking')
