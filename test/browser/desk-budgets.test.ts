/** What the workbench costs: bytes of the first load and of all, and processor time with thousands of conversations. */
import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { useChromium } from './chromium.ts'
import { rowOf, startDeskWire } from './desk-wire.ts'

const BUILT = resolve(import.meta.dirname, '../../plugins/desks/desk/built')
const FIRST_MAX_BYTES = 60_000
const ALL_MAX_BYTES = 120_000
const OPEN = 5_000
/** Script for one change in the list, with a processor four times slower: reckoned, as for the chat. */
const UPDATE_MAX_MS = 4
const SLOWER = 4
const UPDATES = 200

const lab = useChromium()

const compressed = (file: string) => gzipSync(readFileSync(resolve(BUILT, file)), { level: 9 }).length
const sum = (files: readonly string[]) => files.reduce((total, file) => total + compressed(file), 0)

test('the first load of the conversations is small, and so is all of it', () => {
  const files = readdirSync(BUILT)
  const page = readFileSync(resolve(BUILT, 'index.html'), 'utf8')
  const first = files.filter((file) => page.includes(`./${file}`))
  expect(first.filter((file) => file.endsWith('.css'))).toHaveLength(1)
  // The page names all that its scripts import at once: nothing is asked for one after the other.
  const scripts = first.filter((file) => file.endsWith('.js'))
  const imported = scripts.flatMap((file) =>
    [...readFileSync(resolve(BUILT, file), 'utf8').matchAll(/from"\.\/([^"]+)"/g)].map(([, name]) => name),
  )
  expect(scripts).toEqual(expect.arrayContaining(imported))
  expect(sum(first), 'Conversations').toBeLessThanOrEqual(FIRST_MAX_BYTES)
  expect(sum(files), 'everything').toBeLessThanOrEqual(ALL_MAX_BYTES)
})

test(`with ${OPEN} open conversations a change takes little script, and few rows are drawn`, async () => {
  await using wire = await startDeskWire(Array.from({ length: OPEN }, (_, index) => rowOf(index)))
  const page = await lab.page({ viewport: { width: 1400, height: 860 } })
  await page.goto(wire.address)
  await page.locator('.tabs button').nth(3).click()
  await expect.poll(() => page.locator('.row').count()).toBeGreaterThan(5)
  expect(await page.locator('.row').count()).toBeLessThan(40)
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  const scriptMs = async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    return 1000 * (metrics.find(({ name }) => name === 'ScriptDuration')?.value ?? Number.NaN)
  }
  const before = await scriptMs()
  // One by one, each in a turn of its own: customers write, from the far end of the list to its top.
  for (let update = 0; update < UPDATES; update++) {
    const index = OPEN - 1 - update
    const last = { by: { kind: 'customer' }, text: `news ${update}`, part: 'text', atMs: Date.now() + update } as const
    wire.tell({ type: 'rows', rows: [rowOf(index, { last, head: 3 })], gone: [] })
    if (update % 20 === 19) await page.locator('.row').first().getByText(`news ${update}`).waitFor()
  }
  const tookMs = ((await scriptMs()) - before) / UPDATES
  expect(tookMs * SLOWER, `${tookMs} ms of script a change`).toBeLessThanOrEqual(UPDATE_MAX_MS)
})
