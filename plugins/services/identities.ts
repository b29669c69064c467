import { type Actor, type Identity, service } from '#core'

/** The sides of the square copies of an avatar, in pixels: for lists, and for sharp screens. */
export type AvatarPixels = 96 | 192

/** The names and faces under which people and bots are seen. */
export interface Identities {
  /** All that are declared, in the order of the YAML, and whether anybody can be seen under them on this channel. */
  list(channel: string): readonly (Identity & { readonly isSeen: boolean })[]
  /** As whom somebody is seen on a channel; `undefined`: without a name. `team`: which has the conversation. */
  seenAs(by: Actor, on: { readonly channel: string; readonly team?: string | undefined }): Identity | undefined
  /** A copy of the avatar, as PNG, for a platform that keeps its own; `undefined` when there is none. */
  avatar(id: string, pixels: AvatarPixels): Promise<Uint8Array | undefined>
  /**
   * The avatar as a JPEG of 640 pixels a side, on white, for a platform that takes nothing else. It is made each time;
   * `avatarUrl` of the identity tells whether it would be another one than before. Rejects when it cannot be made.
   */
  portrait(id: string): Promise<Uint8Array<ArrayBuffer> | undefined>
}
export const identities = service<Identities>('identities')
