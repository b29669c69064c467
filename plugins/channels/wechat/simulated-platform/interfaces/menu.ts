/** The menu below the chat. */
import { z } from '#core'
import type { MenuButton } from '../account.ts'
import { Refused } from '../refused.ts'
import { type Interfaces, OK, posted } from './interface.ts'

/**
 * How many buttons, and how long what stands in them may be, in bytes.
 * Source: https://developers.weixin.qq.com/doc/subscription/api/custommenu/api_createcustommenu.html, read 2026-11-22.
 */
const MAX_BUTTONS = 3
const MAX_SUB_BUTTONS = 5
const MAX_NAME_BYTES = 16
const MAX_SUB_NAME_BYTES = 60
const MAX_KEY_BYTES = 128
const MAX_URL_BYTES = 1024

/** What a button of each type must have. */
const NEEDS: {
  readonly [type: string]: readonly ('key' | 'url' | 'media_id' | 'article_id' | 'appid' | 'pagepath')[]
} = {
  click: ['key'],
  view: ['url'],
  miniprogram: ['url', 'appid', 'pagepath'],
  scancode_push: ['key'],
  scancode_waitmsg: ['key'],
  pic_sysphoto: ['key'],
  pic_photo_or_album: ['key'],
  pic_weixin: ['key'],
  location_select: ['key'],
  media_id: ['media_id'],
  view_limited: ['media_id'],
  article_id: ['article_id'],
  article_view_limited: ['article_id'],
}

const text = z.string()
const fields = {
  name: text,
  type: text.optional(),
  key: text.optional(),
  url: text.optional(),
  media_id: text.optional(),
  article_id: text.optional(),
  appid: text.optional(),
  pagepath: text.optional(),
}
const Leaf = z.strictObject({ ...fields, sub_button: z.array(z.never()).optional() })
const Menu = z.strictObject({
  button: z.array(z.strictObject({ ...fields, sub_button: z.array(Leaf).optional() })),
})

function check(button: MenuButton, maxNameBytes: number): void {
  const { name, key = '', url = '', sub_button = [] } = button
  if (name === '' || Buffer.byteLength(name) > maxNameBytes) throw new Refused(40018)
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) throw new Refused(40019)
  if (Buffer.byteLength(url) > MAX_URL_BYTES) throw new Refused(40020)
  if (sub_button.length > MAX_SUB_BUTTONS) throw new Refused(40023)
  for (const one of sub_button) check(one, MAX_SUB_NAME_BYTES)
  if (sub_button.length > 0) return
  const needed = Object.hasOwn(NEEDS, button.type ?? '') ? NEEDS[button.type ?? ''] : undefined
  if (!needed) throw new Refused(40017)
  const missing = needed.find((field) => !button[field])
  if (missing) throw new Refused(missing === 'url' ? 40020 : 40019, `invalid button ${missing} size`)
}

export const menu: Interfaces = {
  '/cgi-bin/menu/create': {
    method: 'POST',
    perDay: 1_000,
    verified: true,
    answer({ json }, account) {
      const { button } = posted(Menu, json)
      if (button.length === 0 || button.length > MAX_BUTTONS) throw new Refused(40016)
      for (const one of button) check(one, MAX_NAME_BYTES)
      account.menu = button
      return OK
    },
  },
  '/cgi-bin/menu/get': {
    method: 'GET',
    perDay: 10_000,
    verified: true,
    answer(_call, { menu: now }) {
      if (!now) throw new Refused(46003)
      return { menu: { button: now.map((one) => ({ ...asJson(one), sub_button: one.sub_button?.map(asJson) ?? [] })) } }
    },
  },
  '/cgi-bin/menu/delete': {
    method: 'GET',
    perDay: 1_000,
    verified: true,
    answer(_call, account) {
      account.menu = undefined
      return OK
    },
  },
  '/cgi-bin/get_current_selfmenu_info': {
    method: 'GET',
    answer(_call, { menu: now }) {
      const button = (now ?? []).map((one) =>
        one.sub_button?.length ? { name: one.name, sub_button: { list: one.sub_button.map(asJson) } } : asJson(one),
      )
      return { is_menu_open: now ? 1 : 0, selfmenu_info: { button } }
    },
  },
}

/** Without what is not there. */
function asJson({ sub_button: _, ...button }: MenuButton): { readonly [field: string]: string } {
  const given: { [field: string]: string } = {}
  for (const [field, value] of Object.entries(button)) if (value !== undefined) given[field] = value
  return given
}
