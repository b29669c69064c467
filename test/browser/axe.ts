/** What whoever cannot see a page, or has no mouse, would stumble over, as far as a program finds it. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'

/** The short one: each page reads it anew. */
const AXE = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8')

/** WCAG 2.2 AA with all that it builds on, and what axe holds to be good practice. */
const ALL = { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }
/** Those of them that look at colours. */
const COLOURS = { type: 'rule', values: ['color-contrast', 'link-in-text-block'] }

interface Found {
  readonly violations: readonly {
    readonly id: string
    readonly nodes: readonly { readonly target: unknown; readonly failureSummary: string }[]
  }[]
}

/** What axe holds against the page as it is now: rule, element and why. */
export function faults(page: Page): Promise<readonly string[]> {
  return found(page, ALL)
}

/** As `faults`, of the page in the light and in the dark: nothing but its colours differs. It is left in the light. */
export async function faultsInBoth(page: Page): Promise<readonly string[]> {
  await page.emulateMedia({ colorScheme: 'dark' })
  const inTheDark = await found(page, COLOURS)
  await page.emulateMedia({ colorScheme: 'light' })
  return [...(await found(page, ALL)), ...inTheDark.map((fault) => `in the dark: ${fault}`)]
}

async function found(page: Page, runOnly: typeof ALL): Promise<readonly string[]> {
  if (!(await page.evaluate<boolean>("'axe' in window"))) await page.evaluate(AXE)
  const { violations } = await page.evaluate<Found>(
    `axe.run(document, ${JSON.stringify({ runOnly, resultTypes: ['violations'] })})`,
  )
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} at ${JSON.stringify(target)}: ${failureSummary}`),
  )
}
