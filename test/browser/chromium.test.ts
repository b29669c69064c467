/** The laboratory itself: a browser that would pass everything proves nothing. */
import { expect, test } from 'vitest'
import { useChromium } from './chromium.ts'

const lab = useChromium()

test('Chinese is drawn with glyphs, not with boxes', async () => {
  const page = await lab.page()
  const [service, guest, again] = await page.evaluate(() =>
    ['服', '客', '服'].map((text) => {
      const canvas = document.createElement('canvas')
      const context = canvas.getContext('2d')
      if (!context) throw new Error('There is no canvas here.')
      context.font = '48px sans-serif'
      context.fillText(text, 10, 60)
      return canvas.toDataURL()
    }),
  )
  expect(service).toBe(again)
  expect(service).not.toBe(guest)
})

test('names of the outside lead nowhere', async () => {
  const page = await lab.page()
  await expect(page.goto('http://example.com/')).rejects.toThrow('ERR_NAME_NOT_RESOLVED')
})
