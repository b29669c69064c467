import type { IncomingMessage } from 'node:http'
import { service } from '#core'

/** What somebody at a desk may do: each may do what the ones before it may. */
export type StaffRole = 'agent' | 'supervisor' | 'administrator'

/** Somebody who is signed in at a desk. */
export interface StaffMember {
  /** As the YAML calls them. */
  readonly person: string
  /** What colleagues see. */
  readonly title: string
  readonly role: StaffRole
  /** The teams whose customers are theirs to see; `undefined`: all. */
  readonly teams: readonly string[] | undefined
}

/** Who is signed in: for the routes of other plugins. */
export interface Staff {
  /**
   * Who has made a request (of `web`: `request.raw`); `undefined`: nobody who is signed in. A request that changes
   * something counts only if it comes from a page of ours: another site may make a browser send it.
   */
  signedIn(request: IncomingMessage): Promise<StaffMember | undefined>
}
export const staff = service<Staff>('staff')
