/** What becomes of customers beside their messages: what they are called, what is known of them, and that they leave. */
import type { Kysely } from 'kysely'
import { type ChannelContext, type Context, type InboundEvent, type Json, type KnownAs, messageOf } from '#core'
import type { Blacklist } from '../../../services/blacklist.ts'
import type { AccountState } from '../account-state.ts'
import { type Background, tellOnce } from '../background.ts'
import type { Api } from '../sending/api.ts'
import { type BlockedTables, blockedTables, bringBlacklistUp, laterBlockedTables } from './blocking.ts'
import { ACCOUNT_DELETED, type LeavingTables, leavingTables, makeLeaving } from './leaving.ts'
import { laterProfileTables, makeProfiles, type ProfileTables, profileTables } from './profiles.ts'

/** The platform has taken away a name or picture, or the customer what a web page was allowed to know. */
const PROFILE_CHANGED: ReadonlySet<string> = new Set(['user_info_modified', 'user_authorization_revoke'])

export type CustomerTables = ProfileTables & BlockedTables & LeavingTables
/** To be spread into the channel's `tables`. */
export const customerTables = { ...profileTables, ...blockedTables, ...leavingTables } as const
export const laterCustomerTables = { ...laterProfileTables, ...laterBlockedTables } as const

export interface Customers {
  /** As the context's, with what the customer is called, and with what follows from who does what. */
  readonly receive: ChannelContext['receive']
  /** Goes on with what was left undone. */
  start(): void
  erase(customer: KnownAs): Promise<void>
  kept(customer: KnownAs): Promise<Json | undefined>
}

export function makeCustomers(
  tools: Background &
    Pick<Context<unknown, CustomerTables>, 'journal' | 'customers' | 'command' | 'schedule' | 'name'> &
    Pick<ChannelContext, 'receive'> & {
      readonly api: Pick<Api, 'get'>
      readonly accountState: Pick<AccountState, 'bringUp'>
      readonly sql: Kysely<CustomerTables>
      /** As the journal calls it. */
      readonly account: string
      readonly config: { readonly nicknameFallback: string; readonly tags: boolean; readonly blacklist: boolean }
      readonly blacklist: Blacklist | undefined
    },
): Customers {
  const { sql, name, account, accountState, config, blacklist, log, schedule } = tools
  const profiles = makeProfiles({ ...tools, tags: config.tags })
  const leaving = makeLeaving(tools)
  const tellOfBlacklist = tellOnce(log, 'The account’s blacklist could not be brought up to ours')
  // Also where it is switched off: whom we have put there is taken off again.
  const listed = config.blacklist ? blacklist : undefined
  schedule('5m', () =>
    accountState.bringUp((api) => bringBlacklistUp({ ...tools, api, blacklist: listed })).catch(tellOfBlacklist),
  )

  /** The platform tells no names: they are called so until our side knows better. */
  const nameOf = (openId: string) =>
    config.nicknameFallback.replaceAll('{account}', name).replaceAll('{openId}', openId)

  function afterwards({ type, chat }: InboundEvent, kind: string | undefined): void {
    if (kind === ACCOUNT_DELETED) leaving.start()
    else if (kind !== undefined && PROFILE_CHANGED.has(kind)) watch(profiles.changed(chat))
    else if (type === 'unfollow') watch(profiles.unfollowed(chat))
    else if (type === 'follow') watch(profiles.changed(chat))
    else if (type !== 'other') profiles.heardOf(chat)
  }

  function watch(work: Promise<void>): void {
    work.catch((error: unknown) => {
      log.error({ error }, `What is known of a customer could not be noted: ${messageOf(error)}`)
    })
  }

  /** Of the customer's chats, those of this account. */
  const openIdsOf = ({ chats }: KnownAs) =>
    chats.filter((chat) => chat.account === account).map(({ externalId }) => externalId)

  return {
    async receive(event, options) {
      const kind = event.type === 'other' ? event.kind : undefined
      if (kind === ACCOUNT_DELETED) await leaving.note(event.chat)
      const isKnown = event.sender?.name !== undefined || event.type === 'other'
      const sender = isKnown ? event.sender : { ...event.sender, name: nameOf(event.chat) }
      const write = event.type === 'unfollow' ? profiles.noteUnfollowed(event.chat) : undefined
      const delivery = await tools.receive({ ...event, sender }, { ...options, write })
      afterwards(event, kind)
      return delivery
    },
    start() {
      leaving.start()
      watch(profiles.start())
    },
    async erase(customer) {
      const openIds = openIdsOf(customer)
      if (openIds.length === 0) return
      // Whom we have blocked on WeChat stays noted until that is undone: in five minutes, as nobody lists them any more.
      await profiles.forget(openIds)
      await sql.deleteFrom('leaving').where('open_id', 'in', openIds).execute()
    },
    async kept(customer) {
      const openIds = openIdsOf(customer)
      if (openIds.length === 0) return undefined
      const rows = await sql.selectFrom('profile').selectAll().where('open_id', 'in', openIds).execute()
      return rows.length > 0 ? rows.map((row) => ({ ...row })) : undefined
    },
  }
}
