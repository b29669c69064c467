/**
 * Whoever is on our blacklist is on the platform's too, so that what they write does not even come in. Only those whom
 * we have put there are taken off again: the platform's own entries are not ours.
 * Source: https://developers.weixin.qq.com/doc/subscription/api/usermanage/userinfo/api_getblacklist.html, read 2026-11-20.
 */
import type { Kysely } from 'kysely'
import { type Context, z } from '#core'
import type { Blacklist } from '../../../services/blacklist.ts'
import type { Api } from '../sending/api.ts'
import { isAboutCustomer } from '../sending/errors.ts'

const LISTED = '/cgi-bin/tags/members/getblacklist'
const BLOCK = '/cgi-bin/tags/members/batchblacklist'
const UNBLOCK = '/cgi-bin/tags/members/batchunblacklist'
const MAX_AT_ONCE = 20
/** Of a longer list, the latest are on the platform's. */
const MAX_LISTED = 10_000
/** How many customers one query names. */
const MAX_IN_QUERY = 500
/** Of the platform's list, with 1,000 on each. */
const MAX_PAGES = 100
const Done = z.object({})
const Page = z.object({
  data: z.object({ openid: z.array(z.string()).max(10_000).default([]) }).optional(),
  next_openid: z.string().default(''),
})

export interface BlockedTables {
  /**
   * Whom our list has, and what was done about it. `begun`: they are being put on the platform's. `ours`: we have put them
   * there. `not-ours`: they were there before, or the platform does not take them; they are not taken off.
   */
  readonly blocked: { readonly open_id: string; readonly state: 'begun' | 'ours' | 'not-ours' }
}

export const blockedTables = {
  'blocking-1': 'CREATE TABLE blocked (open_id TEXT PRIMARY KEY) WITHOUT ROWID',
} as const
export const laterBlockedTables = {
  'blocking-2': "ALTER TABLE blocked ADD COLUMN state TEXT NOT NULL DEFAULT 'ours'",
} as const

interface Tools {
  readonly api: Pick<Api, 'post'>
  readonly sql: Kysely<BlockedTables>
  readonly journal: Context<unknown, unknown>['journal']
  /** Left out: nobody is on our list any more. */
  readonly blacklist: Blacklist | undefined
  /** As the journal calls it. */
  readonly account: string
}

/**
 * Brings the platform's list up to ours. What is done is noted at once, so that a failure later loses nothing; whoever is
 * to be heard again comes first. One whom the platform does not take holds up nobody.
 */
export async function bringBlacklistUp({ api, sql, journal, blacklist, account }: Tools): Promise<void> {
  const listed = new Set(blacklist ? await openIdsOf(await blacklist.customers(MAX_LISTED), { journal, account }) : [])
  const rows = await sql.selectFrom('blocked').selectAll().execute()
  const before = new Map(rows.map(({ open_id, state }) => [open_id, state]))

  const gone = rows.filter(({ open_id }) => !listed.has(open_id))
  await forget(gone.filter(({ state }) => state === 'not-ours').map(({ open_id }) => open_id))
  const toUnblock = gone.filter(({ state }) => state !== 'not-ours').map(({ open_id }) => open_id)
  // Whom the platform does not know any more, it cannot block either.
  await inBatches(UNBLOCK, toUnblock, { done: forget, refused: forget })

  const unseen = [...listed].filter((openId) => !before.has(openId))
  const there = unseen.length > 0 ? await listedByPlatform() : new Set<string>()
  await note(
    unseen.filter((openId) => there.has(openId)),
    'not-ours',
  )
  // A crash between the platform's answer and our note: without this they would count as the account's own from then on.
  const fresh = unseen.filter((openId) => !there.has(openId))
  await note(fresh, 'begun')
  const begun = [...listed].filter((openId) => before.get(openId) === 'begun')
  await inBatches(BLOCK, [...begun, ...fresh], {
    done: (openIds) => note(openIds, 'ours'),
    refused: (openIds) => note(openIds, 'not-ours'),
  })

  /** One by one, where the platform refuses them together. */
  async function inBatches(path: string, openIds: readonly string[], then: Then): Promise<void> {
    for (const some of batches(openIds, MAX_AT_ONCE)) {
      const refused = await refusalOf(path, some)
      if (!refused) await then.done(some)
      else if (some.length === 1) await then.refused(some)
      else for (const one of some) await ((await refusalOf(path, [one])) ? then.refused([one]) : then.done([one]))
    }
  }

  /** Whether the platform does not take one of them; any other failure is thrown. */
  async function refusalOf(path: string, openIds: readonly string[]): Promise<boolean> {
    try {
      await api.post(path, { openid_list: openIds }, Done)
      return false
    } catch (error) {
      if (isAboutCustomer(error)) return true
      throw error
    }
  }

  async function listedByPlatform(): Promise<ReadonlySet<string>> {
    const found = new Set<string>()
    let begin_openid = ''
    for (let page = 0; page < MAX_PAGES; page++) {
      const { data, next_openid } = await api.post(LISTED, { begin_openid }, Page)
      for (const openId of data?.openid ?? []) found.add(openId)
      if (next_openid === '' || next_openid === begin_openid) break
      begin_openid = next_openid
    }
    return found
  }

  async function note(openIds: readonly string[], state: BlockedTables['blocked']['state']): Promise<void> {
    for (const some of batches(openIds, MAX_IN_QUERY)) {
      const values = some.map((open_id) => ({ open_id, state }))
      await sql.insertInto('blocked').values(values).orReplace().execute()
    }
  }

  async function forget(openIds: readonly string[]): Promise<void> {
    for (const some of batches(openIds, MAX_IN_QUERY))
      await sql.deleteFrom('blocked').where('open_id', 'in', some).execute()
  }
}

interface Then {
  readonly done: (openIds: readonly string[]) => Promise<void>
  readonly refused: (openIds: readonly string[]) => Promise<void>
}

async function openIdsOf(
  customers: readonly string[],
  { journal, account }: Pick<Tools, 'journal' | 'account'>,
): Promise<readonly string[]> {
  const found: string[] = []
  for (const some of batches(customers, MAX_IN_QUERY)) {
    const chats = journal.selectFrom('chat').select('external_id').where('account', '=', account)
    found.push(...(await chats.where('customer', 'in', some).execute()).map(({ external_id }) => external_id))
  }
  return found
}

function batches<T>(all: readonly T[], size: number): readonly T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, n) => all.slice(n * size, (n + 1) * size))
}
