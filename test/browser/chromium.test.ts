/** The laboratory itself: a browser that would pass everything proves nothing. */
import { expect, test } from 'vitest'
import { useChromium } from './chromium.ts'

const lab = useChromium()

test('Chinese is drawn with glyphs, not with boxes', async () => {
  const page = await lab.page()
  const drawn = (text: string) => page.evaluate<string>(`lab.drawn('${text}')`)
  expect(await drawn('服')).toBe(await drawn('服'))
  expect(await drawn('服')).not.toBe(await drawn('客'))
})

test('names of the outside lead nowhere', async () => {
  const page = await lab.page()
  await expect(page.goto('http://example.com/')).rejects.toThrow('ERR_NAME_NOT_RESOLVED')
})
