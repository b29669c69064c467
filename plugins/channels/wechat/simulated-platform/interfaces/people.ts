/** Those who follow the account: what is known of them, their tags, and who is blocked. */
import { type Json, z } from '#core'
import type { Account, Person } from '../account.ts'
import { Refused } from '../refused.ts'
import { type Interfaces, OK, posted } from './interface.ts'

/**
 * Tags of an account, bytes of a name, tags of one person, and how many are tagged or blocked at once.
 * Source: https://developers.weixin.qq.com/doc/service/api/usermanage/tags/api_createtag.html, read 2026-11-22.
 */
const MAX_TAGS = 100
const MAX_TAG_BYTES = 30
const MAX_TAGS_OF_ONE = 20
const MAX_TAGGED = 50
const MAX_BLOCKED = 20
const MAX_PAGE = 1_000
const MAX_BATCH = 100
/** Those below are the platform’s own. */
const FIRST_TAG = 100

const OpenIds = z.array(z.string())
const TagOnly = z.strictObject({ tag: z.strictObject({ id: z.int() }) })
const Tagging = z.strictObject({ openid_list: OpenIds, tagid: z.int() })
const Blocking = z.strictObject({ openid_list: OpenIds })

/** Source: https://developers.weixin.qq.com/doc/service/api/usermanage/userinfo/api_userinfo.html, read 2026-11-22: neither names nor pictures since 2021-12-27. */
function infoOf(person: Person): Json {
  const unionid = person.unionId === undefined ? {} : { unionid: person.unionId }
  if (!person.follows) return { subscribe: 0, openid: person.openId, ...unionid }
  return {
    ...{ subscribe: 1, openid: person.openId, language: person.language, ...unionid },
    subscribe_time: Math.floor(person.followedAtMs / 1000),
    ...{ remark: person.remark, groupid: 0, tagid_list: [...person.tags] },
    subscribe_scene: person.scene === '' ? 'ADD_SCENE_SEARCH' : 'ADD_SCENE_QR_CODE',
    ...{ qr_scene: 0, qr_scene_str: person.scene },
  }
}

function known(account: Account, openId: string): Person {
  const person = account.people.get(openId)
  if (!person) throw new Refused(40003)
  return person
}

/** All of them, or none. */
function allKnown(account: Account, openIds: readonly string[], max: number): readonly Person[] {
  if (openIds.length === 0 || openIds.length > max) throw new Refused(40032)
  return openIds.map((openId) => {
    const person = account.people.get(openId)
    if (!person) throw new Refused(49003)
    return person
  })
}

function ownTag(account: Account, id: number): void {
  if (id < FIRST_TAG) throw new Refused(45058)
  if (!account.tags.has(id)) throw new Refused(45159)
}

function checkTagName(account: Account, name: string): void {
  if (Buffer.byteLength(name) > MAX_TAG_BYTES) throw new Refused(45158)
  if (name === '' || [...account.tags.values()].includes(name)) throw new Refused(45157)
}

/** As much of the list as one answer holds, behind `after`. */
function pageOf(openIds: readonly string[], after: string, max: number): Json {
  const rest = after === '' ? openIds : openIds.slice(openIds.indexOf(after) + 1)
  const page = rest.slice(0, max)
  return { total: openIds.length, count: page.length, data: { openid: [...page] }, next_openid: page.at(-1) ?? '' }
}

export const people: Interfaces = {
  '/cgi-bin/user/info': {
    method: 'GET',
    verified: true,
    perDay: 5_000_000,
    answer: ({ query }, account) => infoOf(known(account, query.get('openid') ?? '')),
  },
  '/cgi-bin/user/info/batchget': {
    method: 'POST',
    verified: true,
    perDay: 5_000_000,
    answer({ json }, account) {
      const one = z.strictObject({ openid: z.string(), lang: z.string().optional() })
      const { user_list } = posted(z.strictObject({ user_list: z.array(one) }), json)
      if (user_list.length === 0 || user_list.length > MAX_BATCH) throw new Refused(40032)
      return { user_info_list: user_list.map(({ openid }) => infoOf(known(account, openid))) }
    },
  },
  '/cgi-bin/user/get': {
    method: 'GET',
    verified: true,
    perDay: 500,
    answer({ query }, account) {
      const following = [...account.people.values()].filter(({ follows }) => follows).map(({ openId }) => openId)
      return pageOf(following, query.get('next_openid') ?? '', 10_000)
    },
  },
  '/cgi-bin/user/info/updateremark': {
    method: 'POST',
    verified: true,
    perDay: 10_000,
    answer({ json }, account) {
      const { openid, remark } = posted(z.strictObject({ openid: z.string(), remark: z.string().max(29) }), json)
      known(account, openid).remark = remark
      return OK
    },
  },
  '/cgi-bin/tags/create': {
    method: 'POST',
    verified: true,
    perDay: 1_000,
    answer({ json }, account) {
      const { name } = posted(z.strictObject({ tag: z.strictObject({ name: z.string() }) }), json).tag
      if (account.tags.size >= MAX_TAGS) throw new Refused(45056)
      checkTagName(account, name)
      const id = Math.max(FIRST_TAG - 1, ...account.tags.keys()) + 1
      account.tags.set(id, name)
      return { tag: { id, name } }
    },
  },
  '/cgi-bin/tags/get': {
    method: 'GET',
    verified: true,
    perDay: 1_000,
    answer(_call, account) {
      const count = (id: number) => [...account.people.values()].filter(({ tags }) => tags.has(id)).length
      return { tags: [...account.tags].map(([id, name]) => ({ id, name, count: count(id) })) }
    },
  },
  '/cgi-bin/tags/update': {
    method: 'POST',
    verified: true,
    perDay: 1_000,
    answer({ json }, account) {
      const { id, name } = posted(z.strictObject({ tag: z.strictObject({ id: z.int(), name: z.string() }) }), json).tag
      ownTag(account, id)
      checkTagName(account, name)
      account.tags.set(id, name)
      return OK
    },
  },
  '/cgi-bin/tags/delete': {
    method: 'POST',
    verified: true,
    perDay: 1_000,
    answer({ json }, account) {
      const { id } = posted(TagOnly, json).tag
      ownTag(account, id)
      account.tags.delete(id)
      for (const { tags } of account.people.values()) tags.delete(id)
      return OK
    },
  },
  '/cgi-bin/tags/members/batchtagging': {
    method: 'POST',
    verified: true,
    perDay: 100_000,
    answer({ json }, account) {
      const { openid_list, tagid } = posted(Tagging, json)
      if (!account.tags.has(tagid)) throw new Refused(45159)
      const tagged = allKnown(account, openid_list, MAX_TAGGED)
      if (tagged.some(({ tags }) => !tags.has(tagid) && tags.size >= MAX_TAGS_OF_ONE)) throw new Refused(45059)
      for (const { tags } of tagged) tags.add(tagid)
      return OK
    },
  },
  '/cgi-bin/tags/members/batchuntagging': {
    method: 'POST',
    verified: true,
    perDay: 100_000,
    answer({ json }, account) {
      const { openid_list, tagid } = posted(Tagging, json)
      if (!account.tags.has(tagid)) throw new Refused(45159)
      for (const { tags } of allKnown(account, openid_list, MAX_TAGGED)) tags.delete(tagid)
      return OK
    },
  },
  '/cgi-bin/tags/getidlist': {
    method: 'POST',
    verified: true,
    answer({ json }, account) {
      const { openid } = posted(z.strictObject({ openid: z.string() }), json)
      return { tagid_list: [...known(account, openid).tags] }
    },
  },
  '/cgi-bin/tags/members/getblacklist': {
    method: 'POST',
    verified: true,
    answer({ json }, account) {
      const { begin_openid } = posted(z.strictObject({ begin_openid: z.string() }), json)
      const blocked = [...account.people.values()].filter(({ isBlocked }) => isBlocked).map(({ openId }) => openId)
      return pageOf(blocked, begin_openid, MAX_PAGE)
    },
  },
  '/cgi-bin/tags/members/batchblacklist': {
    method: 'POST',
    verified: true,
    answer({ json }, account) {
      const { openid_list } = posted(Blocking, json)
      for (const person of allKnown(account, openid_list, MAX_BLOCKED)) person.isBlocked = true
      return OK
    },
  },
  '/cgi-bin/tags/members/batchunblacklist': {
    method: 'POST',
    verified: true,
    answer({ json }, account) {
      const { openid_list } = posted(Blocking, json)
      for (const person of allKnown(account, openid_list, MAX_BLOCKED)) person.isBlocked = false
      return OK
    },
  },
}
