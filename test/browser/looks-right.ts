import { resolve } from 'node:path'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { faults } from './axe.ts'

/** Not committed: made anew by each run. */
const FOLDER = resolve(import.meta.dirname, 'screenshots')
export const WIDE = { width: 1400, height: 860 }
const NARROW_PX = 320

/** What is before the eyes: kept as a picture, with nothing cut off, wide and narrow, and nothing that axe finds. */
export async function looksRight(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: resolve(FOLDER, `${name}.png`) })
  expect(await faults(page), name).toEqual([])
  for (const width of [NARROW_PX, WIDE.width]) {
    await page.setViewportSize({ ...WIDE, width })
    if (width === NARROW_PX) await page.screenshot({ path: resolve(FOLDER, `${name}-${width}.png`) })
    expect(await page.evaluate('lab.misfits()'), `${name}, ${width}`).toEqual([])
  }
}
