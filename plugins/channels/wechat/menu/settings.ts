/**
 * The menu as it stands in the YAML, within the platform's limits.
 * Source: https://developers.weixin.qq.com/doc/subscription/api/custommenu/api_createcustommenu.html, read 2026-11-20.
 */
import { z } from '#core'

const MAX_BUTTONS = 3
const MAX_IN_SUBMENU = 5
/** In UTF-8 bytes. Of a name at the bottom four Chinese characters are shown, of one in a submenu eight. */
const MAX_NAME_BYTES = 16
const MAX_NAME_BYTES_IN_SUBMENU = 60
const MAX_KEY_BYTES = 128
const MAX_URL_BYTES = 1_024

function text(maxBytes: number) {
  return z
    .string()
    .min(1)
    .superRefine((value, context) => {
      const bytes = Buffer.byteLength(value)
      if (bytes <= maxBytes) return
      const message = `"${value}" has ${bytes} bytes, and WeChat takes ${maxBytes}: a Chinese character has three.`
      context.addIssue({ code: 'custom', message })
    })
}

const key = text(MAX_KEY_BYTES).describe('What comes in when it is pressed.')
const url = text(MAX_URL_BYTES)
  .refine((value) => URL.canParse(value) && /^https?:/.test(value), {
    error: 'An address begins with https:// or http://.',
  })
  .describe('The page that opens.')

/** Told at the first that is too many, and beside all else that is wrong with them: zod’s own `max` tells nothing else. */
function atMost<T extends z.ZodType<readonly unknown[]>>(max: number, list: T, error: string): T {
  const when = ({ value }: { readonly value: unknown }) => Array.isArray(value)
  return list.refine((all) => all.length <= max, { error, path: [max], when }).meta({ maxItems: max })
}

/** With a key: pressing these tells us. The names are the platform's. */
const KEYED = [
  'click',
  'scancode_push',
  'scancode_waitmsg',
  'pic_sysphoto',
  'pic_photo_or_album',
  'pic_weixin',
  'location_select',
] as const

function buttons(maxNameBytes: number) {
  const name = text(maxNameBytes).describe('What stands on it.')
  return [
    z.strictObject({ type: z.enum(KEYED), name, key }),
    z.strictObject({ type: z.literal('view'), name, url }),
    z.strictObject({
      type: z.literal('miniprogram'),
      name,
      appId: z.string().min(1).describe('Of the mini program, which must be linked to the account.'),
      path: z.string().min(1).describe('Its page.'),
      url: url.describe('What opens where there are no mini programs.'),
    }),
    z.strictObject({
      type: z.enum(['media_id', 'view_limited']),
      name,
      mediaId: z.string().min(1).describe('Of permanent material of the account.'),
    }),
    z.strictObject({
      type: z.enum(['article_id', 'article_view_limited']),
      name,
      articleId: z.string().min(1).describe('Of a published article of the account.'),
    }),
  ] as const
}

const submenu = z.strictObject({
  type: z.literal('submenu'),
  name: text(MAX_NAME_BYTES).describe('What stands on it.'),
  buttons: atMost(
    MAX_IN_SUBMENU,
    z.array(z.discriminatedUnion('type', buttons(MAX_NAME_BYTES_IN_SUBMENU))).min(1),
    `A submenu has at most ${MAX_IN_SUBMENU} buttons, and this is one more. Take one away.`,
  ).describe('What opens above it.'),
})

export const menu = atMost(
  MAX_BUTTONS,
  z.array(z.discriminatedUnion('type', [...buttons(MAX_NAME_BYTES), submenu])).min(1),
  `A menu has at most ${MAX_BUTTONS} buttons, and this is one more. Put some into a submenu.`,
)
export type Menu = z.output<typeof menu>
export type Button = Menu[number]

/** What its clicks come in as. */
export function keysOf(menu: Menu): readonly string[] {
  const buttons = menu.flatMap((button) => (button.type === 'submenu' ? button.buttons : [button]))
  return buttons.flatMap((button) => ('key' in button ? [button.key] : []))
}
