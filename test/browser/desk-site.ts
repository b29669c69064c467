/** The real desk with the real web chat: one runtime, and browsers on both sides of it. */
import type { Locator, Page } from 'playwright-core'
import { defineBot, type Plugin, z } from '#core'
import { type MemoryChannel, manualClock, type TestRuntime, testRuntime } from '#core/testing'
import web from '../../plugins/channels/web/index.ts'
import desk from '../../plugins/desks/desk/index.ts'
import { en } from '../../plugins/desks/desk/workbench/words/en.ts'
import { zh } from '../../plugins/desks/desk/workbench/words/zh.ts'
import blacklist from '../../plugins/features/blacklist/index.ts'
import { makeRandom } from '../crash/random.ts'
import { type Cutter, startCutter } from './cutter.ts'
import { ONE_MOMENT } from './site.ts'

export interface DeskSite extends AsyncDisposable {
  readonly runtime: TestRuntime
  readonly line: Cutter
  /** The workbench, and the page with the chat on it. */
  readonly desk: string
  readonly chat: string
  /** The link by which Amy, the administrator, sets the first password. */
  readonly firstLink: string
  /** The cookies of somebody who is signed in; all of a person's browsers may have the same. Uses up the first link. */
  cookiesOf(person: 'amy' | 'bo'): Promise<readonly Cookie[]>
}

interface Cookie {
  readonly name: string
  readonly value: string
  readonly url: string
}

export const PASSWORD = 'one cup of green tea'

/** Hands over whoever says `person`, and repeats what others say. */
const bot = defineBot({
  name: 'helper',
  summary: 'Answers as tests need it.',
  config: z.strictObject({}),
  setup: () => ({
    answer: (turn) =>
      turn.text === 'person'
        ? turn.handOff({ say: ONE_MOMENT, because: 'asked for a person' })
        : turn.reply(`echo: ${turn.text}`),
  }),
})

/** Where a test needs other settings of the desk, another way in which bot and people work together, other texts. */
interface Other {
  readonly desk?: object
  readonly mode?: string
  readonly texts?: object
  /** Besides the blacklist. */
  readonly features?: readonly { readonly use: Plugin }[]
  /** In place of the channel `memory`. */
  readonly channel?: MemoryChannel
}

export async function startDeskSite(other: Other = {}): Promise<DeskSite> {
  const line = await startCutter('http://127.0.0.1', makeRandom(1))
  // Browsers have the time of the wall, so the desk has it, too.
  const clock = manualClock(Date.now())
  const ticking = setInterval(() => clock.advance(Math.max(0, Date.now() - clock.now())), 50)
  const runtime = await testRuntime(
    {
      server: { port: 0, publicUrl: line.url },
      languages: ['en', 'zh-CN'],
      channels: { site: { use: web, limits: { messagesPerMinute: 100_000, sessionsPerMinute: 100_000 } } },
      bots: { helper: { use: bot } },
      desks: {
        support: {
          use: desk,
          lingerFor: '0s',
          ...other.desk,
          people: {
            amy: { name: 'Amy Chen', role: 'administrator' },
            bo: { name: 'Bo van Dyke' },
            cai: { name: '蔡明' },
          },
          teams: {
            presale: { members: ['amy', 'bo'], assign: 'by-hand' },
            aftersale: { members: ['amy', 'cai'], sources: ['site'], assign: 'by-hand' },
          },
        },
      },
      features: [{ use: blacklist }, ...(other.features ?? [])],
      texts: other.texts ?? {},
      routes: [{ from: ['site', 'memory'], mode: other.mode ?? 'bot-first', bot: 'helper', desk: 'support' }],
    },
    { listen: true, clock, ...(other.channel && { channel: other.channel }) },
  )
  line.target = runtime.runtime.url ?? ''
  const told = runtime.logged
    .map((one) => /once: (?:#link=)?([\w-]+)/.exec(one)?.[1])
    .find((link) => link !== undefined)
  const deskAddress = `${line.url}/support/`
  async function api(
    path: string,
    body: unknown,
    cookies: readonly Cookie[] = [],
  ): Promise<readonly [unknown, readonly Cookie[]]> {
    const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
    const headers = { origin: line.url, 'content-type': 'application/json', cookie }
    const response = await fetch(`${deskAddress}api/${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`)
    const set = response.headers.getSetCookie().map((one) => /^([^=]+)=([^;]*)/.exec(one))
    return [await response.json(), set.map((one) => ({ name: one?.[1] ?? '', value: one?.[2] ?? '', url: line.url }))]
  }
  const useLink = async (link: string) => (await api('links/use', { link, password: PASSWORD }))[1]
  let amys: Promise<readonly Cookie[]> | undefined
  let bos: Promise<readonly Cookie[]> | undefined
  const amy = () => {
    amys ??= useLink(told ?? '')
    return amys
  }
  const bo = async () => {
    const [answer] = await api('people/bo/invite', {}, await amy())
    const { link } = z.object({ link: z.string() }).parse(answer)
    return useLink(link.split('#link=')[1] ?? '')
  }

  return {
    runtime,
    line,
    cookiesOf(person) {
      if (person === 'amy') return amy()
      bos ??= bo()
      return bos
    },
    desk: deskAddress,
    chat: `${line.url}/site/`,
    firstLink: `${deskAddress}#link=${told}`,
    async [Symbol.asyncDispose]() {
      clearInterval(ticking)
      await line[Symbol.asyncDispose]()
      await runtime[Symbol.asyncDispose]()
    },
  }
}

const words = { en, 'zh-CN': zh }

/** The workbench on a page, as an agent sees and uses it: by what is written on it. */
export interface Workbench {
  readonly page: Page
  readonly words: typeof en
  readonly log: Locator
  readonly rows: Locator
  readonly reply: Locator
  readonly dialog: Locator
  /** Sets the password by a link, and is signed in. */
  comesBy(link: string): Promise<void>
  signsIn(address: string, person: string): Promise<void>
  button(name: string): Locator
  /** Goes to one of the lists. */
  list(name: keyof typeof en.lists.tabs): Promise<void>
  says(text: string): Promise<void>
  notes(text: string): Promise<void>
  /** Waits until this stands in the conversation. */
  sees(text: string): Promise<void>
}

export function workbenchOf(page: Page, language: keyof typeof words = 'en'): Workbench {
  const said = words[language]
  const log = page.getByRole('log')
  const reply = page.getByRole('textbox', { name: said.composer.writeReply })
  const note = page.getByRole('textbox', { name: said.composer.writeNote })
  const button = (name: string) => page.getByRole('button', { name, exact: true })
  return {
    page,
    words: said,
    log,
    rows: page.locator('.row'),
    reply,
    dialog: page.getByRole('dialog'),
    button,
    async comesBy(link) {
      await page.goto(link)
      await page.getByLabel(said.link.password, { exact: true }).fill(PASSWORD)
      await page.getByLabel(said.link.repeat).fill(PASSWORD)
      await button(said.link.submit).click()
      await page.locator('.rail').waitFor()
    },
    async signsIn(address, person) {
      await page.goto(address)
      await page.getByLabel(said.signIn.who).fill(person)
      await page.getByLabel(said.signIn.password).fill(PASSWORD)
      await button(said.signIn.submit).click()
    },
    list: (name) => page.locator('.tabs').getByRole('button', { name: said.lists.tabs[name] }).click(),
    async says(text) {
      await reply.fill(text)
      await reply.press('Enter')
    },
    async notes(text) {
      await page.getByRole('tab', { name: said.composer.note }).click()
      await note.fill(text)
      await note.press('Enter')
    },
    async sees(text) {
      await log.getByText(text, { exact: true }).last().waitFor()
    },
  }
}

/** A link for somebody, made by an administrator who is signed in on this page. */
export function inviteBy(page: Page, person: string): Promise<string> {
  return page.evaluate<string>(
    `fetch('api/people/${person}/invite', { method: 'POST' }).then((answer) => answer.json()).then(({ link }) => link)`,
  )
}
