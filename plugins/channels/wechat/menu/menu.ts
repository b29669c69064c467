/** Brings the account's menu up to what the YAML says. Nothing is written when it is so already. */
import { createHash } from 'node:crypto'
import type { Kysely } from 'kysely'
import { type Json, type Log, z } from '#core'
import type { Api } from '../sending/api.ts'
import { WeChatError } from '../sending/errors.ts'
import type { Button, Menu } from './settings.ts'

const GET = '/cgi-bin/menu/get'
/** Also of a menu that was made in the console, which `GET` does not tell of. */
const CURRENT = '/cgi-bin/get_current_selfmenu_info'
const CREATE = '/cgi-bin/menu/create'
/** There is no menu that an interface has made. */
const NO_MENU = 46003

/** What the account's menu was when we wrote it last. */
interface MenuRow {
  readonly app_id: string
  readonly sha256: string
}
export interface MenuTables {
  readonly menu: MenuRow
}

/** To be spread into the channel's `tables`. */
export const menuTables = {
  'menu-1': 'CREATE TABLE menu (app_id TEXT PRIMARY KEY, sha256 TEXT NOT NULL) WITHOUT ROWID',
} as const

/** One button as the platform has it; what it says beside this is none of the menu's. */
const Leaf = z.object({
  type: z.string().optional(),
  name: z.string(),
  key: z.string().optional(),
  url: z.string().optional(),
  appid: z.string().optional(),
  pagepath: z.string().optional(),
  media_id: z.string().optional(),
  article_id: z.string().optional(),
})
const Branch = Leaf.extend({ sub_button: z.array(Leaf).optional() })
const Got = z.object({
  menu: z.object({ button: z.array(Branch) }),
  conditionalmenu: z.array(z.unknown()).optional(),
})
const Done = z.object({})

/** A menu of the console has types of its own, with a text or file as `value`. What is odd in it keeps nothing else from being told. */
const ConsoleLeaf = Leaf.extend({ name: z.string().default(''), value: z.string().optional().catch(undefined) })
const Current = z.object({
  is_menu_open: z.int().catch(0),
  selfmenu_info: z
    .object({
      button: z.array(ConsoleLeaf.extend({ sub_button: z.object({ list: z.array(ConsoleLeaf) }).optional() })),
    })
    .optional()
    .catch(undefined),
})

/** A menu in the platform's own words. */
export type Wire = readonly z.output<typeof Branch>[]

/** The menu of the YAML, in the platform's words. */
export function toWire(menu: Menu): Wire {
  return menu.map((button) =>
    button.type === 'submenu' ? { name: button.name, sub_button: button.buttons.map(leafOf) } : leafOf(button),
  )
}

function leafOf(button: Exclude<Button, { readonly type: 'submenu' }>): z.output<typeof Leaf> {
  const { type, name } = button
  if ('key' in button) return { type, name, key: button.key }
  if ('mediaId' in button) return { type, name, media_id: button.mediaId }
  if ('articleId' in button) return { type, name, article_id: button.articleId }
  if ('appId' in button) return { type, name, url: button.url, appid: button.appId, pagepath: button.path }
  return { type, name, url: button.url }
}

/** What the platform shows now. */
export interface Shown {
  /** `undefined`: there is none. */
  readonly menu: Wire | undefined
  /** Menus that some customers see in its place; made by others, and left alone. */
  readonly conditional: number
}

export async function readMenu(api: Pick<Api, 'get'>): Promise<Shown> {
  try {
    const { menu, conditionalmenu = [] } = await api.get(GET, {}, Got)
    return { menu: menu.button, conditional: conditionalmenu.length }
  } catch (error) {
    if (!(error instanceof WeChatError) || error.errcode !== NO_MENU) throw error
    return { menu: await readConsoleMenu(api), conditional: 0 }
  }
}

async function readConsoleMenu(api: Pick<Api, 'get'>): Promise<Wire | undefined> {
  const { is_menu_open, selfmenu_info } = await api.get(CURRENT, {}, Current)
  if (is_menu_open === 0 || !selfmenu_info || selfmenu_info.button.length === 0) return undefined
  const leaf = ({ value, ...button }: z.output<typeof ConsoleLeaf>) => ({ ...button, key: button.key ?? value })
  return selfmenu_info.button.map(({ sub_button, ...button }) =>
    sub_button ? { name: button.name, sub_button: sub_button.list.map(leaf) } : leaf(button),
  )
}

/** How two menus differ, button by button; nothing: they are the same. */
export interface MenuDifference {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly isOtherOrder: boolean
}

export function differenceOf(before: Wire | undefined, after: Wire): MenuDifference | undefined {
  const [old, now] = [linesOf(before ?? []), linesOf(after)]
  if (before && old.join('\n') === now.join('\n')) return undefined
  const added = now.filter((line) => !old.includes(line))
  const removed = old.filter((line) => !now.includes(line))
  return { added, removed, isOtherOrder: added.length === 0 && removed.length === 0 }
}

/** Each button as a line: `More > Opening hours: click HOURS`. Two menus with the same lines are the same menu. */
function linesOf(menu: Wire): readonly string[] {
  const opening = menu.filter(({ sub_button = [] }) => sub_button.length > 0)
  return menu.flatMap((button) => {
    const { name, sub_button = [] } = button
    if (sub_button.length === 0) return [lineOf(button)]
    const alike = opening.filter((one) => one.name === name)
    // Of two with one name it counts in which of them a button is.
    const which = alike.indexOf(button) > 0 ? ` (${alike.indexOf(button) + 1})` : ''
    return sub_button.map((one) => `${name}${which} > ${lineOf(one)}`)
  })
}

function lineOf({ name, type = '', ...rest }: z.output<typeof Leaf>): string {
  const { key, url, appid, pagepath, media_id, article_id } = rest
  const target = [key, appid, pagepath, url, media_id, article_id].filter((one) => one !== undefined && one !== '')
  return `${name}: ${[type, ...target].join(' ')}`
}

/** Writes the menu, if it is another one, and says what has changed; and when somebody else had changed it. */
export async function bringMenuUp(
  menu: Menu,
  {
    api,
    sql,
    log,
    appId,
  }: {
    readonly api: Pick<Api, 'get' | 'post'>
    readonly sql: Kysely<MenuTables>
    readonly log: Log
    readonly appId: string
  },
): Promise<void> {
  const wanted = toWire(menu)
  const shown = await readMenu(api)
  const difference = differenceOf(shown.menu, wanted)
  const last = await sql.selectFrom('menu').select('sha256').where('app_id', '=', appId).executeTakeFirst()
  if (difference) {
    if (shown.menu && last?.sha256 !== hashOf(shown.menu)) {
      log.warn(
        { was: linesOf(shown.menu) },
        'Somebody else has made the menu that was there: the console, or another program that may write for this account. The last one to write it wins; it is as the YAML says now.',
      )
    }
    await api.post(CREATE, { button: wanted.map(asJson) }, Done)
    log.info({ ...difference }, 'The menu is as the YAML says now. Customers see it within five minutes.')
  }
  const sha256 = hashOf(wanted)
  if (last?.sha256 === sha256) return
  const row = sql.insertInto('menu').values({ app_id: appId, sha256 })
  await row.onConflict((conflict) => conflict.column('app_id').doUpdateSet({ sha256 })).execute()
}

function hashOf(menu: Wire): string {
  return createHash('sha256').update(linesOf(menu).join('\n')).digest('hex')
}

function asJson({ sub_button, ...button }: Wire[number]): { readonly [key: string]: Json } {
  return { ...leafAsJson(button), ...(sub_button && { sub_button: sub_button.map(leafAsJson) }) }
}

function leafAsJson(button: z.output<typeof Leaf>): { readonly [key: string]: Json } {
  return Object.fromEntries(
    Object.entries(button).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}
