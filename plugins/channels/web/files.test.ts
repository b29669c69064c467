/** Files both ways: what may be uploaded, and how everything is served. */
import { describe, expect, test } from 'vitest'
import { defineBot, z } from '#core'
import { type TestConfig, type TestRuntime, testRuntime } from '#core/testing'
import web from './index.ts'
import { settings } from './settings.ts'
import { siteOf, visit } from './simulated-visitor.ts'

/** The smallest picture that is one. */
const PICTURE = Uint8Array.from(
  Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  ),
)

function start(settings: { readonly [setting: string]: unknown } = {}, more: TestConfig = {}) {
  return testRuntime(
    { channels: { site: { use: web, ...settings } }, bots: { parrot: { use: 'echo' } }, ...more },
    { listen: true },
  )
}

/** Sends one file, and gives its part as the log has it. */
async function sent(bot: TestRuntime, name: string, body: Uint8Array<ArrayBuffer> | string) {
  const anna = await visit(siteOf(bot))
  const { file, type } = await anna.uploads(name, body)
  const response = await anna.post('v1/messages', { id: 'message-1', file, language: 'en' })
  expect(response.status).toBe(200)
  const [item] = await anna.log()
  if (!item || !('part' in item) || !('url' in item.part)) throw new Error('There is no file in the log.')
  expect(item.part.type).toBe(type)
  return { anna, part: item.part, address: `${siteOf(bot)}/${item.part.url}` }
}

describe('a file of a visitor’s', () => {
  test('comes to our side as a part, and back to the visitor by an address', async () => {
    await using bot = await start()
    const { part, address } = await sent(bot, '收据 1.png', PICTURE)
    expect(part).toEqual({
      type: 'image',
      url: expect.stringMatching(/^files\/[\w.-]+\/%E6%94%B6%E6%8D%AE%201\.png$/),
      name: '收据 1.png',
      mimeType: 'image/png',
      sizeBytes: PICTURE.byteLength,
    })
    const [event] = await bot.runtime.engine.read
      .selectFrom('entry')
      .select('body_json')
      .where('kind', '=', 'in')
      .execute()
    const [received] = JSON.parse(event?.body_json ?? '').parts
    expect(received).toMatchObject({ type: 'image', url: expect.stringMatching(/^media:/), name: '收据 1.png' })
    const fetched = await fetch(address)
    expect(new Uint8Array(await fetched.arrayBuffer())).toEqual(PICTURE)
  })

  test('is served so that no browser runs it, and without a cookie', async () => {
    await using bot = await start()
    const { address } = await sent(bot, `"><script>alert(1)</script>';\r\nset-cookie: x=1.png`, PICTURE)
    const { status, headers } = await fetch(address)
    expect(status).toBe(200)
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'image/png',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
      'cross-origin-resource-policy': 'cross-origin',
      'cache-control': 'private, max-age=86400, immutable',
      'referrer-policy': 'no-referrer',
    })
    expect(headers.get('content-disposition')).toMatch(/^attachment; filename\*=UTF-8''[\w%.-]+$/)
    expect(headers.get('set-cookie')).toBeNull()
  })

  test.each([
    ['a page that says it is a picture', 'photo.png', '<!doctype html><script>alert(1)</script>'],
    [
      'a drawing with a script',
      'drawing.svg',
      '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    ],
    ['a program', 'setup.pdf', Uint8Array.from(Buffer.from(`MZ${'\\0'.repeat(200)}`, 'latin1'))],
  ])('that is %s is refused, whatever its name', async (_what, name, body) => {
    await using bot = await start()
    const anna = await visit(siteOf(bot))
    const response = await anna.ask(`v1/files?name=${name}`, { method: 'POST', body })
    expect([response.status, JSON.parse(await response.text()).code]).toEqual([415, 'FILE_TYPE'])
  })

  test.each([
    ['text/plain', 'note.txt', 'hello'],
    ['text/plain', 'table.csv', 'a,b\n1,2'],
    ['image/png', 'page.html', PICTURE],
  ])('is taken for %s by its content: %s', async (type, name, body) => {
    await using bot = await start()
    expect((await sent(bot, name, body)).part).toMatchObject({ mimeType: type })
  })

  test('is refused where it is too large or empty, or the YAML takes none', async () => {
    const upload = async (bot: TestRuntime, body: string) => {
      const anna = await visit(siteOf(bot))
      const response = await anna.ask('v1/files?name=a.txt', { method: 'POST', body })
      return `${response.status} ${response.ok ? '' : JSON.parse(await response.text()).code}`.trim()
    }
    await using bot = await start({ uploads: { maxBytes: '1KB' } })
    expect(await upload(bot, 'x'.repeat(1_025))).toBe('413 FILE_TOO_LARGE')
    expect(await upload(bot, '')).toBe('400 FILE_EMPTY')
    expect(await upload(bot, 'x'.repeat(1_024))).toBe('200')
    await bot.apply({ channels: { site: { use: web, uploads: false } }, bots: { parrot: { use: 'echo' } } })
    expect(await upload(bot, 'x')).toBe('404 UPLOADS_OFF')
    await bot.apply({
      channels: { site: { use: web, uploads: { types: ['image/*'] } } },
      bots: { parrot: { use: 'echo' } },
    })
    expect(await upload(bot, 'x')).toBe('415 FILE_TYPE')
  })

  test('is given piece by piece to whoever asks for a piece', async () => {
    await using bot = await start()
    const { address } = await sent(bot, 'digits.txt', '0123456789')
    const piece = async (range: string) => {
      const response = await fetch(address, { headers: { range } })
      return [response.status, await response.text(), response.headers.get('content-range')]
    }
    expect(await piece('bytes=2-4')).toEqual([206, '234', 'bytes 2-4/10'])
    expect(await piece('bytes=7-')).toEqual([206, '789', 'bytes 7-9/10'])
    expect(await piece('bytes=-2')).toEqual([206, '89', 'bytes 8-9/10'])
    expect(await piece('bytes=5-100')).toEqual([206, '56789', 'bytes 5-9/10'])
    for (const range of ['bytes=12-', 'bytes=4-2', 'bytes=1-2,4-5', 'lines=1-2', 'bytes=-'])
      expect(await piece(range)).toEqual([200, '0123456789', null])
  })
})

test('a message whose file is kept no longer is refused, but never its repeat', async () => {
  await using bot = await start()
  const anna = await visit(siteOf(bot))
  const uploads = [await anna.uploads('a.txt', 'in time'), await anna.uploads('b.txt', 'too late')]
  const [inTime, late] = uploads.map(({ file }, i) => ({ id: `message-${i}`, file, language: 'en' }))
  expect(await (await anna.post('v1/messages', inTime)).json()).toEqual({ seq: 1 })
  await bot.idle()
  const { engine } = bot.runtime
  await engine.write([{ sql: 'delete from kept', parameters: [] }])
  expect(await (await anna.post('v1/messages', inTime)).json()).toEqual({ seq: 1 })
  const refused = await anna.post('v1/messages', late)
  expect([refused.status, JSON.parse(await refused.text()).code]).toEqual([410, 'FILE_GONE'])
  await bot.idle()
  expect(await anna.log()).toHaveLength(2)
})

test('a file is shown whatever a bot has made of its name', async () => {
  const part = { type: 'file', url: 'media:x', name: 'a\ud800.txt', mimeType: 'text/plain' } as const
  const names = defineBot({
    name: 'names',
    summary: 'Sends a file with half a sign in its name.',
    config: z.strictObject({}),
    setup: () => ({ answer: (turn) => turn.reply(part) }),
  })
  await using bot = await start({}, { bots: { names: { use: names } } })
  const anna = await visit(siteOf(bot))
  await anna.says('hello')
  await bot.idle()
  expect((await anna.log())[1]).toMatchObject({
    by: 'us',
    part: { type: 'file', url: expect.stringMatching(/%EF%BF%BD\.txt$/) },
  })
})

test('a type that no content shows is refused in the YAML, since nothing of it would be taken', () => {
  const takes = (type: string) => settings.safeParse({ uploads: { types: [type] } }).success
  for (const type of ['image/png', 'audio/*', 'text/plain', 'application/zip'])
    expect([type, takes(type)]).toEqual([type, true])
  for (const type of ['text/csv', 'image/svg+xml', 'text/html']) expect([type, takes(type)]).toEqual([type, false])
  const { types } = settings.parse({}).uploads || { types: [] }
  expect([types.length > 0, types.filter((type) => !takes(type))]).toEqual([true, []])
})

describe('the address of a file', () => {
  test('leads nowhere with anything changed in it', async () => {
    await using bot = await start()
    const { part } = await sent(bot, 'a.txt', 'hello')
    const [, ref = '', name] = part.url.split('/')
    const [content = '', signature = ''] = ref.split('.')
    const elsewhere = Buffer.from('file:///etc/passwd').toString('base64url')
    for (const forged of [
      content,
      `${content}.`,
      `${content}.${signature.slice(1)}`,
      `${elsewhere}.${signature}`,
      `x${ref}`,
    ]) {
      const response = await fetch(`${siteOf(bot)}/files/${forged}/${name}`)
      expect([response.status, JSON.parse(await response.text()).code]).toEqual([410, 'FILE_GONE'])
    }
    expect((await fetch(`${siteOf(bot)}/files/${ref}/another-name.txt`)).status).toBe(200)
  })
})

test('a file of ours has an address too', async () => {
  const repeats = defineBot({
    name: 'repeats',
    summary: 'Sends back what it was sent.',
    config: z.strictObject({}),
    setup: () => ({
      answer: (turn) => turn.reply(turn.event.type === 'message' ? turn.event.parts : 'nothing'),
    }),
  })
  await using bot = await start({}, { bots: { repeats: { use: repeats } } })
  const { anna } = await sent(bot, 'a.txt', 'hello')
  await bot.idle()
  const [, answer] = await anna.log()
  if (!answer || !('part' in answer) || !('url' in answer.part)) throw new Error('There is no answer with a file.')
  expect(answer.part.url).toMatch(/^files\//)
  expect(await (await fetch(`${siteOf(bot)}/${answer.part.url}`)).text()).toBe('hello')
})
