/**
 * Whatever customers, bots, agents and operators write stays text. Every string of the list goes into every field that
 * somebody can fill; what becomes of them is watched inside the page, since the widget keeps only the last rows.
 */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Content } from '../../core/message.ts'
import { expectNothingWrong, useChromium } from './chromium.ts'
import { shopPage } from './host.ts'
import { HOSTILE } from './hostile-strings.ts'
import { handOver, ONE_MOMENT, type Script, type Site, startSite } from './site.ts'
import { SOON, type Widget, widgetOf } from './widget.ts'

const lab = useChromium()

/** What the page has seen of the chat, as `page/lab.ts` notes it. */
interface Noted {
  /** `img[alt[src`: every kind of element that was ever there, with the names of its attributes. */
  readonly kinds: readonly string[]
  /** Where something leads or comes from, without what a chat may well lead to. */
  readonly addresses: readonly string[]
  /** The whole text of each element that has any. */
  readonly texts: readonly string[]
  readonly alarms: number
}

const notedBy = (page: Page) => page.evaluate<Noted>('lab.noted()')

/** Several together where a field takes any text, so that it does not take for ever. */
const TOGETHER = Array.from({ length: Math.ceil(HOSTILE.length / 8) }, (_, i) => HOSTILE.slice(i * 8, i * 8 + 8))
const MEDIA = ['image', 'file', 'audio', 'video'] as const

let draft = ''
/** What the bot waits for before it ends its answer. */
let goOn = Promise.withResolvers<void>()
const answers: Script = (turn, next) => {
  if (turn.text === 'person') return handOver(turn, next)
  if (turn.text !== 'draft') return turn.reply('ok')
  return (async function* () {
    yield draft
    await goOn.promise
    return turn.reply('ok')
  })()
}

let site: Site
/** What is noted of a conversation in which nobody means harm. */
let plain: Noted
beforeAll(async () => {
  site = await startSite({ bot: answers })
  plain = await innocent()
})
afterAll(() => site[Symbol.asyncDispose]())

async function visit(where: Site = site): Promise<Widget> {
  const page = await lab.page()
  await page.addInitScript('lab.watchChat()')
  const widget = widgetOf(page)
  await widget.open(where.shop)
  return widget
}

function expectOnlyText(noted: Noted): void {
  expect(noted.alarms).toBe(0)
  expect(noted.addresses).toEqual([])
  // Of the kinds that an innocent conversation has, and no others.
  const elements = new Set(plain.kinds.map((kind) => kind.split('[')[0]))
  expect(noted.kinds.filter((kind) => !elements.has(kind.split('[')[0]))).toEqual([])
  const attributes = new Set(plain.kinds.flatMap((kind) => kind.split('[').slice(1)))
  expect(
    noted.kinds.filter(
      (kind) =>
        !kind
          .split('[')
          .slice(1)
          .every((name) => attributes.has(name)),
    ),
  ).toEqual([])
}

/** Which of them did not stand there just as they are. */
function missing(noted: Noted, strings: readonly string[]): readonly string[] {
  const seen = new Set(noted.texts)
  return strings.filter((text) => !seen.has(text))
}

/** A conversation in which nobody means harm, with everything that a conversation can have. */
async function innocent(): Promise<Noted> {
  const widget = await visit()
  await widget.says('person')
  await widget.sees(ONE_MOMENT)
  await site.agent(widget.page, { type: 'take' })
  const picture = `${site.host.origin}/cup.png`
  await site.agent(widget.page, {
    type: 'send',
    content: [
      { type: 'text', text: 'See https://shop.example/ or write to us@shop.example' },
      { type: 'choices', prompt: 'Which?', choices: [{ id: 'a', label: 'A' }] },
      { type: 'link', url: 'https://shop.example/', title: 'Shop', description: 'Cups', imageUrl: picture },
      ...(['image', 'file', 'audio', 'video'] as const).map((type) => ({ type, url: picture, name: 'cup.png' })),
    ],
  })
  await widget.sees('A')
  // A sound and a film that cannot be played become links, as the file is one.
  await widget.log.locator('a[href$="/cup.png"]').nth(2).waitFor()
  return notedBy(widget.page)
}

test('whatever our side writes into any field stays text', async () => {
  const widget = await visit()
  await widget.says('person')
  await widget.sees(ONE_MOMENT)
  await site.agent(widget.page, { type: 'take' })
  const say = async (content: Content) =>
    expect(await site.agent(widget.page, { type: 'send', content })).toMatchObject({ ok: true })
  for (const [i, text] of HOSTILE.entries()) {
    site.identity = { id: 'amy', name: text, line2: text, avatarUrl: text }
    await say([
      { type: 'link', url: text, title: text, description: text, imageUrl: text },
      { type: MEDIA[i % MEDIA.length] ?? 'file', url: text, name: text },
    ])
  }
  for (const texts of TOGETHER) {
    const choices = texts.map((label, i) => ({ id: `${i}${label}`.slice(0, 64), label }))
    await say([
      { type: 'text', text: texts.join('\n') },
      { type: 'choices', prompt: texts.join('\n'), choices },
    ])
  }
  await site.agent(widget.page, { type: 'send', content: 'That was all.' })
  await widget.sees('That was all.')
  const noted = await notedBy(widget.page)
  expectOnlyText(noted)
  expect(missing(noted, HOSTILE)).toEqual([])
  expectNothingWrong(lab, widget.page)
})

test('whatever a visitor writes stays text, and is sent as it is', async () => {
  const widget = await visit()
  const sent = TOGETHER.map((texts) => texts.join('\n').replace(/\r\n?/g, '\n').trim())
  for (const text of sent) await widget.says(text)
  const files = HOSTILE.filter((_, i) => i % 9 === 0).map((name) => ({
    name,
    mimeType: '',
    buffer: Buffer.from('a note'),
  }))
  await widget.page.setInputFiles('switchboard-chat input[type=file]', files)
  await widget.says('That was all.')
  await widget.sees('ok')
  await expect.poll(() => widget.rows(), SOON).toContainEqual('That was all.')
  await expect.poll(() => widget.log.getByText(widget.words.waiting).count(), SOON).toBe(0)
  const noted = await notedBy(widget.page)
  expectOnlyText(noted)
  expect(missing(noted, sent)).toEqual([])
  expectNothingWrong(lab, widget.page)
})

test('what a bot is still writing stays text', async () => {
  const widget = await visit()
  goOn = Promise.withResolvers()
  draft = HOSTILE.join('\n')
  await widget.says('draft')
  await expect.poll(async () => missing(await notedBy(widget.page), [draft]), SOON).toEqual([])
  goOn.resolve()
  await widget.sees('ok')
  expectOnlyText(await notedBy(widget.page))
  expectNothingWrong(lab, widget.page)
})

test('what the operator writes stays text, also where it could end the script that brings it', async () => {
  const all = HOSTILE.join(' ')
  await using other = await startSite({ web: { title: all, greeting: all, privacy: all } })
  const widget = await visit(other)
  const noted = await notedBy(widget.page)
  expectOnlyText(noted)
  expect(missing(noted, [all])).toEqual([])
  expectNothingWrong(lab, widget.page)
})

test('a page that takes them for more than text raises the alarm', async () => {
  const page = await lab.page()
  await page.goto(site.host.page('/alarm', shopPage('', { body: HOSTILE.slice(10, 30).join('\n') })))
  await expect.poll(async () => (await notedBy(page)).alarms, SOON).toBeGreaterThan(5)
})
