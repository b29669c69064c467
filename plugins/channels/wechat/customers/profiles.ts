/**
 * What the platform tells of a customer: asked for in the background, when they are first heard of and each day on which
 * they are heard of again.
 * Source: https://developers.weixin.qq.com/doc/service/api/usermanage/userinfo/api_userinfo.html, read 2026-11-20: since
 * 2021-12-27 neither names nor pictures are told.
 */
import type { Compilable, Kysely } from 'kysely'
import { type Context, type CustomerPatch, type Json, messageOf, z } from '#core'
import type { Background } from '../background.ts'
import type { Api } from '../sending/api.ts'
import { isAboutCustomer, WeChatError } from '../sending/errors.ts'

const INFO = '/cgi-bin/user/info'
const TAGS = '/cgi-bin/tags/get'
/** Those that the platform itself has made: starred and the like. */
const SYSTEM_TAGS: ReadonlySet<number> = new Set([0, 1, 2])

const HOUR_MS = 60 * 60 * 1_000
const DAY_MS = 24 * HOUR_MS
/** Asked for beside each other; and how many may wait: whoever finds no place is asked for with their next message. */
const MAX_AT_ONCE = 4
const MAX_WAITING = 1_000
/** After so many failures one after the other it is the platform, and not what it tells of one customer. */
const MAX_FAILURES = 3
/** Of so many it is known without looking that their profile is fresh. */
const MAX_REMEMBERED = 50_000

/** What the platform told of a customer last, as far as it matters when it tells something else. */
export interface ProfileRow {
  readonly open_id: string
  readonly fetched_at: number
  readonly remark: string
  readonly language: string
  /** The names of the tags that they have only from there. */
  readonly tags_json: string
}
export interface ProfileTables {
  readonly profile: ProfileRow
  /** Who has left, and of whom that is not noted on the customer yet. */
  readonly unfollowed: { readonly open_id: string }
}

export const profileTables = {
  'profiles-1': `CREATE TABLE profile (open_id TEXT PRIMARY KEY, fetched_at INTEGER NOT NULL, remark TEXT NOT NULL,
    language TEXT NOT NULL, tags_json TEXT NOT NULL) WITHOUT ROWID`,
} as const
export const laterProfileTables = {
  'profiles-2': 'CREATE TABLE unfollowed (open_id TEXT PRIMARY KEY) WITHOUT ROWID',
} as const

const Names = z.array(z.string())
/** What cannot be read is not known; the rest is. */
const short = (maxChars: number) => z.string().max(maxChars).optional().catch(undefined)
const Info = z.object({
  subscribe: z.union([z.literal(0), z.literal(1)]),
  language: z.string().max(32).catch(''),
  subscribe_time: z.int().nonnegative().max(1e11).optional().catch(undefined),
  unionid: short(128),
  remark: z.string().max(512).catch(''),
  tagid_list: z.array(z.int()).max(100).catch([]),
  subscribe_scene: short(128),
  qr_scene_str: short(256),
})
type Info = z.output<typeof Info>
const TagList = z.object({ tags: z.array(z.object({ id: z.int(), name: z.string().max(128) })).max(1_000) })

export interface Profiles {
  /** This customer was heard of: what the platform tells of them is asked for, unless it was today. */
  heardOf(openId: string): void
  /** What is known is no longer true, and is asked for again. */
  changed(openId: string): Promise<void>
  /** To be written in the transaction that accepts it: that they follow no longer. */
  noteUnfollowed(openId: string): Compilable
  /** They follow no longer: the platform tells nothing more of them. */
  unfollowed(openId: string): Promise<void>
  /** Goes on with what a crash has left undone. */
  start(): Promise<void>
  /** They are erased: nothing is kept of them, and nothing that is under way is written any more. */
  forget(openIds: readonly string[]): Promise<void>
}

interface TagNames {
  readonly untilMs: number
  readonly byId: Promise<ReadonlyMap<number, string>>
  /** Tags of customers that the list does not have, though it was fetched for them. */
  readonly unknown: Set<number>
}

type CustomerContext = Pick<Context<unknown, unknown>, 'journal' | 'customers'>

/** The chat of a customer in the journal; `undefined`: nobody by this id has been here. */
export async function chatOf(
  journal: CustomerContext['journal'],
  account: string,
  openId: string,
): Promise<{ readonly chat: string; readonly customer: string; readonly isNamedByUs: boolean } | undefined> {
  const chat = journal.selectFrom('chat').innerJoin('customer', 'customer.id', 'chat.customer')
  const row = await chat
    .select(['chat.id as chat', 'customer', 'name_is_ours'])
    .where('account', '=', account)
    .where('external_id', '=', openId)
    .executeTakeFirst()
  return row && { chat: row.chat, customer: row.customer, isNamedByUs: row.name_is_ours === 1 }
}

export function makeProfiles(
  tools: Background &
    CustomerContext & {
      readonly api: Pick<Api, 'get'>
      readonly sql: Kysely<ProfileTables>
      /** As the journal calls it. */
      readonly account: string
      /** Whether the platform's tags become ours. */
      readonly tags: boolean
    },
): Profiles {
  const { api, sql, journal, customers, clock, signal, log, account } = tools
  /** Until when a profile is fresh, as far as is known without looking. */
  const freshUntil = new Map<string, number>()
  /** Aborted when what is told then is no longer true, or must not be kept. */
  const underWay = new Map<string, AbortController>()
  const waiting = new Set<string>()
  let restsUntilMs = 0
  let failures = 0
  let tagNames: TagNames | undefined

  function ask(openId: string): void {
    if (underWay.has(openId) || waiting.size >= MAX_WAITING || signal.aborted) return
    waiting.add(openId)
    askNext()
  }

  function askNext(): void {
    for (const openId of waiting) {
      if (underWay.size >= MAX_AT_ONCE) return
      waiting.delete(openId)
      if (clock.now() < restsUntilMs) continue
      const asking = new AbortController()
      underWay.set(openId, asking)
      void askFor(openId, asking.signal).finally(() => {
        if (underWay.get(openId) === asking) underWay.delete(openId)
        askNext()
      })
    }
  }

  /** Ends what is under way for them. */
  function stop(openId: string): void {
    waiting.delete(openId)
    underWay.get(openId)?.abort()
    underWay.delete(openId)
    freshUntil.delete(openId)
  }

  async function askFor(openId: string, ended: AbortSignal): Promise<void> {
    try {
      const before = await sql.selectFrom('profile').selectAll().where('open_id', '=', openId).executeTakeFirst()
      const isFresh = before !== undefined && before.fetched_at + DAY_MS > clock.now()
      if (!isFresh) await fetchProfile(openId, before, ended)
      ended.throwIfAborted()
      remember(openId, (isFresh ? before.fetched_at : clock.now()) + DAY_MS)
    } catch (error) {
      if (!signal.aborted && !ended.aborted) refused(openId, error)
    }
  }

  async function fetchProfile(openId: string, before: ProfileRow | undefined, ended: AbortSignal): Promise<void> {
    const info = await api.get(INFO, { openid: openId, lang: 'zh_CN' }, Info, { signal: ended })
    const tags = tools.tags ? await namesOf(info.tagid_list) : []
    failures = 0
    // Only now: while the platform was asked they may have been erased.
    const found = await chatOf(journal, account, openId)
    const customer = found && (await customers.get(found.customer))
    if (!found || !customer) return
    ended.throwIfAborted()
    await customers.patch(found.customer, patchOf(info, before, found.isNamedByUs))
    const had = Names.parse(JSON.parse(before?.tags_json ?? '[]'))
    // Those that our side gave stay ours, though the platform has one of the same name.
    const own = customer.tags.filter((tag) => !had.includes(tag))
    const theirs = tags.filter((tag) => !own.includes(tag))
    const change = {
      add: theirs.filter((tag) => !had.includes(tag)),
      remove: had.filter((tag) => !theirs.includes(tag)),
    }
    ended.throwIfAborted()
    if (change.add.length + change.remove.length > 0) await customers.tag(found.customer, change)
    const { remark, language } = info
    const tags_json = JSON.stringify(theirs)
    const now: ProfileRow = { open_id: openId, fetched_at: clock.now(), remark, language, tags_json }
    ended.throwIfAborted()
    await sql.insertInto('profile').values(now).orReplace().execute()
  }

  /** For a tag that has been made since, the names are fetched anew; for one that is in no list, once an hour. */
  async function namesOf(ids: readonly number[]): Promise<readonly string[]> {
    const own = ids.filter((id) => !SYSTEM_TAGS.has(id))
    if (own.length === 0) return []
    const asked = tagNames && tagNames.untilMs > clock.now() ? tagNames : fetchNames()
    const names = await asked.byId
    const missing = own.filter((id) => !names.has(id) && !asked.unknown.has(id))
    if (missing.length === 0) return own.flatMap((id) => names.get(id) ?? [])
    // Others may have found the same meanwhile.
    const again = tagNames && tagNames !== asked ? tagNames : fetchNames()
    const now = await again.byId
    for (const id of missing) if (!now.has(id)) again.unknown.add(id)
    return own.flatMap((id) => now.get(id) ?? [])
  }

  function fetchNames(): TagNames {
    const byId = api.get(TAGS, {}, TagList).then(({ tags }) => new Map(tags.map(({ id, name }) => [id, name])))
    const fetched = { untilMs: clock.now() + HOUR_MS, byId, unknown: new Set<number>() }
    byId.catch(() => {
      if (tagNames === fetched) tagNames = undefined
    })
    tagNames = fetched
    return fetched
  }

  /** The oldest are forgotten first: for them the table is looked at. */
  function remember(openId: string, untilMs: number): void {
    freshUntil.delete(openId)
    freshUntil.set(openId, untilMs)
    const [oldest] = freshUntil.keys()
    if (freshUntil.size > MAX_REMEMBERED && oldest !== undefined) freshUntil.delete(oldest)
  }

  /** What went wrong with one customer is for them to wait out; nobody is asked for while it is the platform. */
  function refused(openId: string, error: unknown): void {
    const isTheirs = isAboutCustomer(error)
    remember(openId, clock.now() + (isTheirs ? DAY_MS : HOUR_MS))
    if (isTheirs) return
    failures += 1
    const mayBeTheirs = !(error instanceof WeChatError) || error.action === 'retry'
    if ((mayBeTheirs && failures < MAX_FAILURES) || clock.now() < restsUntilMs) return
    failures = 0
    restsUntilMs = clock.now() + HOUR_MS
    log.warn({ error }, `WeChat tells nothing of customers, and is asked again in an hour: ${messageOf(error)}`)
  }

  async function unfollowed(openId: string): Promise<void> {
    stop(openId)
    await makeOld(openId)
    const found = await chatOf(journal, account, openId)
    if (found) await customers.patch(found.customer, { fields: { subscribed: false } })
    await sql.deleteFrom('unfollowed').where('open_id', '=', openId).execute()
  }

  async function makeOld(openId: string): Promise<void> {
    await sql.updateTable('profile').set({ fetched_at: 0 }).where('open_id', '=', openId).execute()
  }

  return {
    heardOf(openId) {
      if ((freshUntil.get(openId) ?? 0) <= clock.now()) ask(openId)
    },
    async changed(openId) {
      stop(openId)
      await makeOld(openId)
      ask(openId)
    },
    noteUnfollowed: (openId) => sql.insertInto('unfollowed').values({ open_id: openId }).orIgnore(),
    unfollowed,
    async start() {
      for (const { open_id } of await sql.selectFrom('unfollowed').selectAll().execute()) await unfollowed(open_id)
    },
    async forget(openIds) {
      for (const openId of openIds) stop(openId)
      for (const table of ['profile', 'unfollowed'] as const)
        await sql.deleteFrom(table).where('open_id', 'in', openIds).execute()
    },
  }
}

/**
 * A remark is a name that our side has given, in the platform's own console: it counts as one given at the desk, and of
 * the two the later. How old one is that is heard of for the first time nobody knows: there the desk's counts. The UnionID is a field and not the customer's `userId`: it is known only after the first message,
 * and who a customer is does not change in the middle of a conversation. Operators make one of two.
 */
function patchOf(info: Info, before: ProfileRow | undefined, isNamedByUs: boolean): CustomerPatch {
  const { remark, unionid, subscribe, subscribe_time, subscribe_scene, qr_scene_str } = info
  const language = info.language === before?.language ? undefined : tagOf(info.language)
  const fields: { [field: string]: Json } = { subscribed: subscribe === 1 }
  if (unionid) fields.unionId = unionid
  if (subscribe_time !== undefined) fields.subscribedAt = new Date(subscribe_time * 1_000).toISOString()
  if (subscribe_scene) fields.subscribedBy = subscribe_scene
  if (qr_scene_str) fields.subscribedByCode = qr_scene_str
  const isNew = before ? remark !== before.remark : !isNamedByUs
  return { name: remark !== '' && isNew ? remark : undefined, language, fields }
}

/** `zh_CN` as `zh-CN`. What is no language is none. */
function tagOf(language: string): string | undefined {
  const tag = language.replaceAll('_', '-')
  return /^[a-z]{2,3}(-[A-Za-z]{2,4})?$/.test(tag) ? tag : undefined
}
