/** The chat on a page, as a visitor sees and uses it: by what is written on it. */
import type { Locator, Page } from 'playwright-core'
import { expect } from 'vitest'
import { fileWords, formWords, moreWords } from '../../plugins/channels/web/widget/more-words.ts'
import { type Language, words } from '../../plugins/channels/web/widget/words.ts'

export interface Widget {
  readonly page: Page
  readonly words: ReturnType<typeof wordsOf>
  readonly launcher: Locator
  readonly panel: Locator
  readonly log: Locator
  readonly composer: Locator
  /** Goes to a page with the chat on it and opens it, as a visitor does. */
  open(address: string): Promise<void>
  /** Writes a line and sends it. */
  says(text: string): Promise<void>
  /** As `says`, in one step where it is done hundreds of times: without the looking and waiting of a person. */
  saysAtOnce(text: string): Promise<void>
  /** What was said, in order, as far as it is on the page. */
  rows(): Promise<readonly string[]>
  /** Waits until this stands in the conversation. */
  sees(text: string | RegExp): Promise<void>
}

/** How long things may take in a browser on a busy machine. */
export const SOON = { timeout: 10_000, interval: 50 }

/** All that the chat says, of whatever file. */
const wordsOf = (language: Language) => ({
  ...words[language],
  ...moreWords[language],
  ...fileWords[language],
  form: formWords[language],
})

/** The chat of a page that is in this language. */
export function widgetOf(page: Page, language: Language = 'en'): Widget {
  const said = wordsOf(language)
  // Not by role, which is a search of the whole page each time: that the roles are right, axe and the keyboard show.
  const log = page.locator('switchboard-chat [role=log]')
  const composer = page.locator(`switchboard-chat textarea[aria-label="${said.message}"]`)
  const launcher = page.locator('switchboard-chat .launcher')
  return {
    page,
    words: said,
    launcher,
    panel: page.locator('switchboard-chat [role=dialog]'),
    log,
    composer,
    async open(address) {
      await page.goto(address)
      await launcher.click()
      await composer.waitFor()
    },
    async says(text) {
      await composer.fill(text)
      await composer.press('Enter')
    },
    saysAtOnce: (text) =>
      composer.evaluate((field, written) => {
        field.value = written
        field.form.requestSubmit()
      }, text),
    rows: () => log.locator('.row .bubble.text').allTextContents(),
    async sees(text) {
      await log.getByText(text, { exact: true }).filter({ visible: true }).last().waitFor()
    },
  }
}

/** The texts of the messages that stand there, in order, each with who says it. */
export async function expectSeen(widget: Widget, texts: readonly string[]): Promise<void> {
  await expect
    .poll(() => widget.log.textContent(), SOON)
    .toSatisfy((seen: string | null) => isInOrder(seen ?? '', texts))
}

function isInOrder(seen: string, texts: readonly string[]): boolean {
  let from = 0
  for (const text of texts) {
    const at = seen.indexOf(text, from)
    if (at < 0) return false
    from = at + text.length
  }
  return true
}
