/** How it looks, in both languages, light and dark, from a phone to a desk: for people to see, and nothing cut off. */
import { mkdirSync, readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { useChromium } from './chromium.ts'
import { picture } from './looks-right.ts'
import { handOver, ONE_MOMENT, type Script, type Site, startSite } from './site.ts'
import { SOON, type Widget, widgetOf } from './widget.ts'

const lab = useChromium()
/** The one that the README shows. Made anew by UPDATE_SCREENSHOTS=1. */
const README = resolve(import.meta.dirname, '../../docs/web-chat.png')
const README_MAX_BYTES = 120_000

const TALK = {
  en: {
    question: 'Do you have blue cups? My grandmother had some with a thin golden rim, and one of them broke.',
    answer: 'We do! Three kinds of them.',
    prompt: 'Which would you like to see?',
    choices: ['With a handle', 'Without a handle', 'All of them'],
    person: 'I would rather ask a person',
    here: 'Good morning! I have the cups here, and they are even bluer than on the pictures. See https://shop.example/cups/blue-with-a-golden-rim-and-a-very-long-address.',
    thanks: 'Thank you',
  },
  'zh-CN': {
    question: '请问有蓝色的杯子吗？我奶奶有几个带细金边的，前几天打碎了一个，想再配一个一样的。',
    answer: '有的！一共有三款。',
    prompt: '您想看哪一款？',
    choices: ['带把手的', '不带把手的', '都看看'],
    person: '我想找人工客服',
    here: '早上好！杯子就在我手边，实物比照片还要蓝一些，详情请看 https://shop.example/cups/blue-with-a-golden-rim-and-a-very-long-address 。',
    thanks: '谢谢',
  },
} as const
type Language = keyof typeof TALK

const answers: Script = (turn, next) => {
  for (const talk of Object.values(TALK)) {
    if (turn.text === talk.person) return handOver(turn, next)
    if (turn.text !== talk.question) continue
    const choices = talk.choices.map((label, i) => ({ id: String(i), label }))
    return turn.reply([
      { type: 'text', text: talk.answer },
      { type: 'choices', prompt: talk.prompt, choices },
    ])
  }
  return turn.done('nothing to say')
}

const teaAnswers: Script = (turn, next) => {
  if (turn.text.includes('somebody')) return handOver(turn, next)
  if (turn.choice !== undefined) return turn.reply('A good choice: picked before the rains, this April.')
  const choices = ['Spring green', 'White peony'].map((label) => ({ id: label, label }))
  return turn.reply({
    type: 'choices',
    prompt: 'Two of them are mild. Which would you like to know more about?',
    choices,
  })
}

let site: Site
let away: Site
beforeAll(async () => {
  site = await startSite({ bot: answers })
  away = await startSite({ web: { offlineForm: true } })
  away.available = false
})
afterAll(async () => {
  await site[Symbol.asyncDispose]()
  await away[Symbol.asyncDispose]()
})

async function talk(widget: Widget, language: Language): Promise<void> {
  const said = TALK[language]
  await widget.says(said.question)
  await widget.log.getByRole('button', { name: said.choices[0], exact: true }).click()
  await widget.says(said.person)
  await widget.sees(ONE_MOMENT)
  await site.agent(widget.page, { type: 'take' })
  await site.agent(widget.page, { type: 'send', content: said.here })
  await widget.says(said.thanks)
  await widget.sees(said.thanks)
}

/** What does not fit: what is wider than the page, and texts of which a part cannot be seen. */
const misfits = (page: Page) => page.evaluate<readonly string[]>('lab.misfits()')

const LOOKS = (['en', 'zh-CN'] as const).flatMap((language) => [320, 900, 1400].map((width) => ({ language, width })))

test.each(LOOKS)('nothing is cut off, light or dark: $language, $width px', async ({ language, width }) => {
  const height = width === 320 ? 568 : 800
  const page = await lab.page({ locale: language, viewport: { width, height } })
  const widget = widgetOf(page, language)
  const shoot = async (state: string) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      expect(await misfits(page), `${state}, ${colorScheme}`).toEqual([])
      await picture(page, `${language}-${colorScheme}-${width}-${state}`)
    }
  }
  await page.goto(site.base)
  await widget.launcher.waitFor()
  await shoot('demo')
  await widget.launcher.click()
  await widget.composer.waitFor()
  await talk(widget, language)
  await shoot('conversation')
  // Beside a wider page it is the same.
  if (width === 1400) return
  await page.goto(language === 'en' ? away.shop : away.chineseShop)
  await page.locator('switchboard-chat .launcher').click()
  await widget.panel.getByRole('heading', { name: widget.words.form.title }).waitFor()
  await shoot('form')
})

test('the picture of the README is there, and small', async () => {
  if (process.env.UPDATE_SCREENSHOTS === '1') {
    await using tea = await startSite({ bot: teaAnswers, web: { title: 'Harbour Tea', color: '#1f5f46' } })
    const page = await lab.page({ viewport: { width: 1000, height: 780 } })
    const widget = widgetOf(page)
    await widget.open(tea.base)
    await widget.says('Which of your teas is mild?')
    await widget.log.getByRole('button', { name: 'Spring green' }).click()
    await widget.says('Can I ask somebody how to brew it?')
    await widget.sees(ONE_MOMENT)
    await tea.agent(page, { type: 'take' })
    await tea.agent(page, { type: 'send', content: 'Of course! Two minutes at 75 °C, and it stays sweet.' })
    await widget.sees('Of course! Two minutes at 75 °C, and it stays sweet.')
    mkdirSync(resolve(README, '..'), { recursive: true })
    await page.screenshot({ path: README, animations: 'disabled' })
  }
  expect(readFileSync(README).subarray(1, 4).toString()).toBe('PNG')
  expect(statSync(README).size).toBeLessThanOrEqual(README_MAX_BYTES)
})

test('four hundred percent of zoom leaves everything in reach', async () => {
  const page = await lab.page({ viewport: { width: 320, height: 256 } })
  const widget = widgetOf(page)
  await widget.open(site.shop)
  await widget.says('hello')
  await widget.sees('hello')
  expect(await misfits(page)).toEqual([])
  await expect.poll(() => widget.composer.isVisible(), SOON).toBe(true)
  const box = await widget.composer.boundingBox()
  expect((box?.y ?? 999) + (box?.height ?? 0)).toBeLessThanOrEqual(256)
})
