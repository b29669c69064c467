/**
 * The customer-service accounts of the platform, under which people and bots are seen: made, renamed and given avatars
 * as the YAML says, in the background. None is ever deleted: it may be used by others, and is done away with by hand.
 *
 * Source: https://developers.weixin.qq.com/doc/subscription/en/api/customer/servicermanage/api_addkfaccount.html and the
 * pages beside it, read 2026-11-20.
 */
import { createHash } from 'node:crypto'
import type { Kysely } from 'kysely'
import { type Identity, type Log, messageOf, z } from '#core'
import type { Identities } from '../../../services/identities.ts'
import type { AccountApi, AccountState } from '../account-state.ts'
import type { Api } from '../sending/api.ts'
import { WeChatError } from '../sending/errors.ts'
import type { Settings } from '../settings.ts'
import { nicknameOf, prefixOf, wechatIdProblem } from './names.ts'
import type { OwnIdentities } from './settings.ts'

const LIST = '/cgi-bin/customservice/getkflist'
const ADD = '/customservice/kfaccount/add'
const UPDATE = '/customservice/kfaccount/update'
const AVATAR = '/customservice/kfaccount/uploadheadimg'
/** Somebody else has made it meanwhile, or the answer to our own call was lost. */
const IS_THERE: ReadonlySet<number> = new Set([65406, 61453])
/** An account that the platform has refused is looked for again so much later. */
const LOOK_AGAIN_MS = 10 * 60_000

/** What we know of one customer-service account. */
export interface IdentityRow {
  /** `sales@my-shop`. */
  readonly account: string
  /** The identity that it stands for; of the YAML. */
  readonly identity: string
  readonly nickname: string
  /** Which picture it has; empty: none of ours. */
  readonly avatar: string
  /** When we made it, or first saw it there: 0. It can be sent with once that has spread over the platform. */
  readonly made_at: number
  /** When anything of it was changed last. */
  readonly changed_at: number
}
export interface IdentityTables {
  readonly identity: IdentityRow
}

/** To be spread into the channel's `tables`. */
export const identityTables = {
  'identities-1': `CREATE TABLE identity (account TEXT PRIMARY KEY, identity TEXT NOT NULL, nickname TEXT NOT NULL,
    avatar TEXT NOT NULL, made_at INTEGER NOT NULL, changed_at INTEGER NOT NULL) WITHOUT ROWID`,
} as const

const Listed = z.object({
  kf_account: z.string(),
  kf_nick: z.string().default(''),
  kf_headimgurl: z.string().default(''),
})
const List = z.object({ kf_list: z.array(Listed).max(1_000).default([]) })
const Done = z.object({})
type Listed = z.output<typeof Listed>

/** What one identity is to be on the platform. */
export interface Wanted {
  readonly id: string
  readonly account: string
  readonly nickname: string
  /** Tells one picture from another; empty: it has none. */
  readonly avatar: string
}

export interface IdentitySettings {
  readonly wechatId?: string | undefined
  readonly identities: OwnIdentities
}

/** The customer-service account of an identity: `sales@my-shop`. */
function accountOf({ wechatId, identities: own }: IdentitySettings, id: string): string {
  return `${own[id]?.kfAccount ?? prefixOf(id)}@${wechatId}`
}

/**
 * The accounts that the identities seen on this channel need. Nobody is seen under the others, so they are not made; and
 * none where all that is said is said inside responses, which show no face.
 */
export function wantedOf(
  settings: IdentitySettings & Pick<Settings, 'replyBy'>,
  declared: readonly (Identity & { readonly isSeen: boolean })[],
): readonly Wanted[] {
  if (settings.replyBy === 'passive' || wechatIdProblem(settings.wechatId)) return []
  return declared
    .filter(({ isSeen }) => isSeen)
    .map((identity) => {
      const { nickname, avatar } = settings.identities[identity.id] ?? {}
      return {
        id: identity.id,
        account: accountOf(settings, identity.id),
        nickname: nickname ?? nicknameOf(identity),
        avatar: avatar ? hashOf(avatar.bytes) : addressOf(identity),
      }
    })
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Another picture has another address. Without the server's: that may change, and the picture be the same. */
function addressOf({ avatarUrl }: Identity): string {
  return avatarUrl === undefined ? '' : new URL(avatarUrl).pathname
}

/** What has to be done on the platform for one identity. */
export interface Plan {
  readonly wanted: Wanted
  readonly create: boolean
  /** The name that it has now, if it is to have another. */
  readonly renameFrom: string | undefined
  readonly setAvatar: boolean
}

/** `known`: what we gave each account last; the platform tells no more of a picture than that there is one. */
export function planOf(
  wanted: readonly Wanted[],
  there: readonly Listed[],
  known: readonly Pick<IdentityRow, 'account' | 'avatar'>[],
): readonly Plan[] {
  const byAccount = new Map(there.map((one) => [one.kf_account.toLowerCase(), one]))
  return wanted.map((one) => {
    const found = byAccount.get(one.account.toLowerCase())
    const avatar = known.find(({ account }) => account === one.account)?.avatar
    return {
      wanted: one,
      create: found === undefined,
      renameFrom: found && found.kf_nick !== one.nickname ? found.kf_nick : undefined,
      setAvatar: one.avatar !== '' && avatar !== one.avatar,
    }
  })
}

export async function listAccounts(api: Pick<Api, 'get'>): Promise<readonly Listed[]> {
  return (await api.get(LIST, {}, List)).kf_list
}

export interface OwnAccounts {
  /**
   * The customer-service account to send with; `undefined`: without one, under the account's own name and logo, since
   * there is no identity or the platform does not know it yet.
   */
  accountOf(identity: Identity | undefined): string | undefined
  /** The platform does not take this account: it is not sent with until it has been looked for again. */
  refused(account: string): void
  /** Begins to bring the platform up to what the YAML says. Resolves never: it goes on in the background. */
  start(): void
}

export async function openIdentities(tools: {
  readonly accountState: AccountState
  readonly sql: Kysely<IdentityTables>
  readonly config: IdentitySettings & Pick<Settings, 'replyBy' | 'propagation'>
  readonly channel: string
  readonly identities: Identities | undefined
}): Promise<OwnAccounts> {
  const { accountState, sql, config, channel, identities } = tools
  const { clock, log, signal } = accountState
  const declared = identities?.list(channel) ?? []
  const wanted = new Map(wantedOf(config, declared).map((one) => [one.id, one]))
  const known = new Map<string, IdentityRow>()
  await readKnown()
  const refused = new Set<string>()
  /** Accounts of which the operator has been told: once, until they were made again. */
  const told = new Set<string>()
  let isLooking = false

  async function readKnown(): Promise<void> {
    for (const row of await sql.selectFrom('identity').selectAll().execute()) known.set(row.account, row)
  }

  /** Writes what is done as soon as it is done: nothing of it is done again after a crash. */
  async function note(row: IdentityRow): Promise<void> {
    known.set(row.account, row)
    await sql.insertInto('identity').values(row).orReplace().execute()
  }

  /** Goes on behind one that WeChat does not take, or whose picture cannot be made: the others are not to wait for it. */
  async function bringUp(api: AccountApi): Promise<void> {
    // The instance before this one may have done something since this one was set up.
    await readKnown()
    const plans = planOf([...wanted.values()], await listAccounts(api), [...known.values()])
    const failures: string[] = []
    for (const plan of plans) {
      signal.throwIfAborted()
      try {
        await carryOut(plan, api)
        refused.delete(plan.wanted.account)
      } catch (error) {
        failures.push(`${plan.wanted.id}: ${reasonOf(error)}`)
      }
    }
    if (failures.length > 0) throw new Error(failures.join(' '))
    isLooking = false
  }

  function look(): void {
    isLooking = true
    accountState.bringUpUntilDone('The customer-service accounts could not be brought up to date', bringUp)
  }

  function lookAgainLater(): void {
    // Whoever is still looking comes by this account too.
    if (isLooking) return
    isLooking = true
    const cancel = clock.after(LOOK_AGAIN_MS, () => {
      signal.removeEventListener('abort', cancel)
      look()
    })
    signal.addEventListener('abort', cancel, { once: true })
  }

  async function carryOut(
    { wanted: one, create, renameFrom, setAvatar }: Plan,
    api: Pick<Api, 'post' | 'upload'>,
  ): Promise<void> {
    const { account, nickname } = one
    const before = known.get(account)
    let row: IdentityRow = {
      account,
      identity: one.id,
      nickname,
      // Until another one is there nobody knows which it has: WeChat does not tell.
      avatar: create || setAvatar ? '' : (before?.avatar ?? ''),
      made_at: before?.made_at ?? 0,
      changed_at: before?.changed_at ?? 0,
    }
    const did: string[] = []
    if (create) {
      await add(api, account, nickname)
      told.delete(account)
      did.push('made')
      row = { ...row, made_at: clock.now(), changed_at: clock.now() }
    } else if (renameFrom !== undefined) {
      await api.post(UPDATE, { kf_account: account, nickname }, Done)
      did.push(`renamed from "${renameFrom}"`)
      row = { ...row, changed_at: clock.now() }
    }
    if (before?.avatar !== row.avatar || did.length > 0) await note(row)
    if (create || setAvatar) {
      const picture = await pictureOf(one)
      if (picture) {
        await api.upload(AVATAR, { kf_account: account }, { body: picture, name: 'avatar.jpg' }, Done)
        did.push('given its picture')
        await note({ ...row, avatar: one.avatar, changed_at: clock.now() })
      }
    }
    if (did.length > 0)
      log.info({ account, nickname }, `The customer-service account ${account} was ${did.join(' and ')}.`)
  }

  async function add(api: Pick<Api, 'post'>, account: string, nickname: string): Promise<void> {
    try {
      await api.post(ADD, { kf_account: account, nickname }, Done)
    } catch (error) {
      if (!(error instanceof WeChatError && IS_THERE.has(error.errcode))) throw error
    }
  }

  async function pictureOf({ id, avatar }: Wanted): Promise<Blob | undefined> {
    if (avatar === '') return undefined
    const bytes = config.identities[id]?.avatar?.bytes ?? (await identities?.portrait(id))
    return bytes && new Blob([new Uint8Array(bytes)], { type: 'image/jpeg' })
  }

  return {
    accountOf(identity) {
      const account = identity && wanted.get(identity.id)?.account
      const row = account === undefined ? undefined : known.get(account)
      if (!row || refused.has(row.account)) return undefined
      return row.made_at + config.propagation <= clock.now() ? row.account : undefined
    },
    refused(account) {
      refused.add(account)
      if (!told.has(account)) sayRefused(log, account)
      told.add(account)
      lookAgainLater()
    },
    start() {
      if (wanted.size === 0) return
      if (config.wechatId !== undefined) sayChanged(log, config.wechatId, [...known.keys()])
      look()
    },
  }
}

/** Without the platform's handle of the call: the same reason is the same text at each try, and told once. */
function reasonOf(error: unknown): string {
  return error instanceof WeChatError ? `${error.says.en} (${error.errcode})` : messageOf(error)
}

/** Once: when an account has been made under the new WeChat ID, nothing more is said. */
function sayChanged(log: Log, wechatId: string, accounts: readonly string[]): void {
  const [before] = accounts
  const isUnder = (account: string) => account.toLowerCase().endsWith(`@${wechatId.toLowerCase()}`)
  if (before === undefined || accounts.some(isUnder)) return
  log.warn(
    { wechatId, before },
    `wechatId is ${wechatId} now, and the customer-service accounts so far are called after another, as ${before} is. WeChat lets a WeChat ID be changed only once a year: compare it with mp.weixin.qq.com, Account information. New accounts are made under ${wechatId}, and none is deleted.`,
  )
}

function sayRefused(log: Log, account: string): void {
  log.error(
    { account },
    `WeChat does not take the customer-service account ${account} (any more). Messages go out under the account’s own name and logo. It is looked for again every ${LOOK_AGAIN_MS / 60_000} minutes, and made if it is gone; switchboard doctor tells what is there.`,
  )
}
