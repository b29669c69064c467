import { resolve } from 'node:path'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { faults } from './axe.ts'
import { SOON } from './widget.ts'

const FOLDER = resolve(import.meta.dirname, 'screenshots')
export const WIDE = { width: 1400, height: 860 }
const NARROW_PX = 320

/**
 * Keeps a picture for people to see, with SCREENSHOTS=1 or LONG=1. Not committed, and looked at by no test; to draw it
 * costs as much as all that is tested of it.
 */
export async function picture(page: Page, name: string): Promise<void> {
  if (process.env.SCREENSHOTS !== '1' && process.env.LONG !== '1') return
  await page.screenshot({ path: resolve(FOLDER, `${name}.png`), animations: 'disabled' })
}

/**
 * What is before the eyes: kept as a picture, with nothing cut off, wide and narrow, and nothing that axe finds. What is
 * being fetched is waited for: meanwhile a list is pale on purpose.
 */
export async function looksRight(page: Page, name: string): Promise<void> {
  await expect.poll(() => page.locator('[aria-busy="true"]').count(), SOON).toBe(0)
  await picture(page, name)
  expect(await faults(page), name).toEqual([])
  for (const width of [NARROW_PX, WIDE.width]) {
    await page.setViewportSize({ ...WIDE, width })
    if (width === NARROW_PX) await picture(page, `${name}-${width}`)
    expect(await page.evaluate('lab.misfits()'), `${name}, ${width}`).toEqual([])
  }
}
