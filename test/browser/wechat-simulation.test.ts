import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Page } from 'playwright-core'
import { expect, onTestFinished, test, vi } from 'vitest'
import { checkConfig } from '../../core/config/check.ts'
import { simulate } from '../../core/simulation/simulate.ts'
import { makeLog } from '../../core/testing/index.ts'
import { faults } from './axe.ts'
import { expectNothingWrong, useChromium } from './chromium.ts'

const lab = useChromium()
/** The one that the README shows. Made anew by UPDATE_SCREENSHOTS=1. */
const PICTURE = resolve('docs/wechat.png')

const YAML = `
languages: [zh-CN, en]
channels:
  shop-wechat:
    use: wechat
    appId: wx1234567890
    appSecret: \${WECHAT_SECRET}
    token: \${WECHAT_TOKEN}
    encodingAesKey: \${WECHAT_AES_KEY}
bots:
  faq: { use: faq, knowledge: ./faq.yaml }
desks:
  support:
    use: desk
    people: { amy: { name: Amy } }
    teams: { presale: { members: [amy] } }
features:
  - use: keyword-handoff
    keywords: [转人工]
  - use: auto-reply
    onFollow: 您好，欢迎关注！
routes:
  - { from: [shop-wechat], mode: bot-first, bot: faq, desk: support }
`
/** On a busy machine; some three seconds on an idle one. */
const TWO_DAYS_TAKE_MS = 30_000
vi.setConfig({ testTimeout: 60_000 })
const env = { WECHAT_SECRET: 's', WECHAT_TOKEN: 't', WECHAT_AES_KEY: 'a'.repeat(43) }

/** The page on which customers are played, against this configuration. */
async function play(): Promise<Page> {
  const checked = await checkConfig(resolve('config/simulated.yaml'), { text: YAML, env })
  if (!checked.ok) throw new Error(checked.problems.map(({ what }) => what).join('\n'))
  const folder = await mkdtemp(join(tmpdir(), 'switchboard-test-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const running = await simulate(checked.config, {
    platform: 'wechat',
    folder,
    log: makeLog({ level: 'silent' }),
    tell: async (_journal, customer) => `the story of ${customer}`,
  })
  onTestFinished(() => running[Symbol.asyncDispose]())
  const page = await lab.page({ viewport: { width: 1280, height: 800 } })
  await page.goto(running.pages[0]?.url ?? '')
  return page
}

test('C-FO-01, C-WX-02: a customer follows, asks the bot, asks for a person, and what the platform refuses is shown', async () => {
  const page = await play()
  const chat = page.getByRole('log')
  const say = async (text: string) => {
    await page.getByRole('textbox', { name: 'Write as the customer' }).fill(text)
    await page.keyboard.press('Enter')
  }

  await page.getByRole('button', { name: 'More' }).click()
  await page.getByRole('button', { name: 'Follow', exact: true }).click()
  await chat.getByText('您好，欢迎关注！').waitFor()
  await page.getByText('after following').waitFor()

  await say('几点开门')
  await chat.getByText('我们每天 9:00–18:00 营业。').waitFor()
  await page.getByText('5 of 5 left').waitFor()

  await page.getByLabel('The next message is refused:').selectOption('45047')
  // An answer of two parts goes by the interface, which refuses one of them.
  await say('店在哪里')
  await chat.getByText('The platform refused a message: 45047').waitFor()

  await say('转人工')
  await chat.getByText('客服不在线').waitFor()
  if (process.env.UPDATE_SCREENSHOTS === '1') await page.screenshot({ path: PICTURE })
  await page.getByRole('button', { name: 'What was decided for this customer' }).click()
  await page.getByText('the story of oSimulated000000000000000001').waitFor()

  // Two days later the account may not write any more, until the customer does.
  await page.getByRole('button', { name: '+48 h' }).click()
  // They pass minute by minute, with all that is due in each.
  await page.getByText('Nothing may be sent now').waitFor({ timeout: TWO_DAYS_TAKE_MS })
  expectNothingWrong(lab, page)
  expect(await faults(page)).toEqual([])
})
