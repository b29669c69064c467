/**
 * Whoever is on our blacklist is on the platform's too, so that what they write does not even come in. Only those whom
 * we have put there are taken off again: the platform's own entries are not ours.
 * Source: https://developers.weixin.qq.com/doc/subscription/api/usermanage/userinfo/api_getblacklist.html, read 2026-11-20.
 */
import type { Kysely } from 'kysely'
import { type Context, z } from '#core'
import type { Blacklist } from '../../../services/blacklist.ts'
import type { Api } from '../sending/api.ts'

const BLOCK = '/cgi-bin/tags/members/batchblacklist'
const UNBLOCK = '/cgi-bin/tags/members/batchunblacklist'
const MAX_AT_ONCE = 20
/** Of a longer list, the latest are on the platform's. */
const MAX_LISTED = 10_000
/** How many customers one query names. */
const MAX_IN_QUERY = 500
const Done = z.object({})

export interface BlockedTables {
  /** Whom we have put on the platform's list. */
  readonly blocked: { readonly open_id: string }
}

export const blockedTables = {
  'blocking-1': 'CREATE TABLE blocked (open_id TEXT PRIMARY KEY) WITHOUT ROWID',
} as const

/** Brings the platform's list up to ours. What is done is noted at once, so that a failure later loses nothing. */
export async function bringBlacklistUp(tools: {
  readonly api: Pick<Api, 'post'>
  readonly sql: Kysely<BlockedTables>
  readonly journal: Context<unknown, unknown>['journal']
  readonly blacklist: Blacklist
  /** As the journal calls it. */
  readonly account: string
}): Promise<void> {
  const { api, sql, blacklist } = tools
  const listed = await openIdsOf(await blacklist.customers(MAX_LISTED), tools)
  const ours = (await sql.selectFrom('blocked').select('open_id').execute()).map(({ open_id }) => open_id)
  const [toBlock, toUnblock] = [new Set(listed).difference(new Set(ours)), new Set(ours).difference(new Set(listed))]
  for (const openIds of batches([...toBlock], MAX_AT_ONCE)) {
    await api.post(BLOCK, { openid_list: openIds }, Done)
    await sql
      .insertInto('blocked')
      .values(openIds.map((open_id) => ({ open_id })))
      .orIgnore()
      .execute()
  }
  for (const openIds of batches([...toUnblock], MAX_AT_ONCE)) {
    await api.post(UNBLOCK, { openid_list: openIds }, Done)
    await sql.deleteFrom('blocked').where('open_id', 'in', openIds).execute()
  }
}

async function openIdsOf(
  customers: readonly string[],
  { journal, account }: Pick<Parameters<typeof bringBlacklistUp>[0], 'journal' | 'account'>,
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
