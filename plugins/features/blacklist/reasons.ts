import type { Chat, Context, Customer } from '#core'
import type { Entries } from './entries.ts'
import type { InYaml } from './in-yaml.ts'
import { openChats } from './open-chats.ts'

interface Somebody {
  readonly chat: Chat
  readonly customer: Pick<Customer, 'id'>
}

/** Why somebody is turned away. At once, and nothing, for nearly everybody: then no table is asked. */
export type ReasonFor = (somebody: Somebody) => Promise<string | undefined> | undefined

export function makeReasons(inYaml: InYaml, entries: Entries): ReasonFor {
  return ({ chat, customer }) =>
    inYaml.has({ account: chat.account, id: chat.externalId })
      ? Promise.resolve('in the YAML')
      : entries.find(chat, customer)
}

/** Whoever is in the YAML from now on, or was listed just before the process ended, may have something open. */
export async function turnAwayOpen(
  journal: Context<unknown, unknown>['journal'],
  reasonFor: ReasonFor,
  entries: Entries,
): Promise<void> {
  for await (const somebody of openChats(journal))
    if (await reasonFor(somebody)) await entries.turnAway([somebody.chat.id])
}
