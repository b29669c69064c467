/** What browsers load: the loader with the settings in it, the widget, the demo page. */
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { type TestRuntime, testRuntime } from '#core/testing'
import web from './index.ts'
import { siteOf } from './simulated-visitor.ts'

function start(settings: { readonly [setting: string]: unknown } = {}, folder?: string) {
  const config = { channels: { site: { use: web, ...settings } }, bots: { parrot: { use: 'echo' } } }
  return testRuntime(config, { listen: true, ...(folder && { folder }) })
}

const get = (bot: TestRuntime, path: string, headers: { readonly [name: string]: string } = {}) =>
  fetch(`${siteOf(bot)}/${path}`, { headers, redirect: 'manual' })

/** The settings as they stand in the loader. */
async function settingsIn(bot: TestRuntime): Promise<{ readonly [setting: string]: unknown }> {
  const text = await (await get(bot, 'chat.js')).text()
  const at = text.indexOf('{"widget":')
  let depth = 0
  let isText = false
  for (let end = at; end < text.length; end++) {
    if (text[end] === '"' && text[end - 1] !== '\\') isText = !isText
    if (!isText && text[end] === '{') depth += 1
    if (!isText && text[end] === '}' && --depth === 0) return runInNewContext(`(${text.slice(at, end + 1)})`)
  }
  throw new Error('There are no settings in the loader.')
}

test('the loader brings the settings of the YAML, and nothing secret', async () => {
  await using bot = await start({
    title: { en: 'Chat', 'zh-CN': '在线客服' },
    color: '#ff0000',
    collect: ['ip', 'page', 'region'],
    identify: { secret: 'the-secret-of-the-host' },
    uploads: { maxBytes: '1MB', types: ['image/*'] },
  })
  expect({ ...(await settingsIn(bot)) }).toEqual({
    widget: expect.stringMatching(/^widget-[0-9a-f]{16}\.js$/),
    fetched: {
      more: expect.stringMatching(/^more-[0-9a-f]{16}\.js$/),
      files: expect.stringMatching(/^files-[0-9a-f]{16}\.js$/),
      form: expect.stringMatching(/^form-[0-9a-f]{16}\.js$/),
      events: expect.stringMatching(/^events-[0-9a-f]{16}\.js$/),
    },
    channel: 'site',
    title: { en: 'Chat', 'zh-CN': '在线客服' },
    colors: expect.stringMatching(
      /^--brand:#[0-9a-f]{6};--on-brand:#ffffff;--on-light:#[0-9a-f]{6};--on-dark:#[0-9a-f]{6}$/,
    ),
    layout: 'left-right',
    position: 'right',
    theme: 'auto',
    offlineForm: false,
    uploads: { maxBytes: 1024 * 1024, types: ['image/*'] },
    collect: ['page', 'timeZone'],
  })
  expect(await (await get(bot, 'chat.js')).text()).not.toContain('the-secret-of-the-host')
})

test('no text of the YAML gets out of the script', async () => {
  const title = '</script><script>alert(1)</script><!-- \u2028 "__SETTINGS__" $& \\'
  await using bot = await start({ title })
  const text = await (await get(bot, 'chat.js')).text()
  expect(text).not.toContain('</script')
  expect(text).not.toContain('<!--')
  expect(text).not.toContain('\u2028')
  expect(text).toContain('\\u003c/script>')
})

test('the loader is asked for again after a while, the widget never', async () => {
  await using bot = await start()
  const loader = await get(bot, 'chat.js')
  expect(Object.fromEntries(loader.headers)).toMatchObject({
    'content-type': 'text/javascript; charset=utf-8',
    'cache-control': 'public, max-age=300',
    'access-control-allow-origin': '*',
    'cross-origin-resource-policy': 'cross-origin',
    'x-content-type-options': 'nosniff',
  })
  const etag = loader.headers.get('etag') ?? ''
  expect((await get(bot, 'chat.js', { 'if-none-match': etag })).status).toBe(304)
  expect((await get(bot, 'chat.js', { 'if-none-match': '"other"' })).status).toBe(200)
  const { widget, fetched } = await settingsIn(bot)
  for (const [part, file] of Object.entries({ widget, ...Object(fetched) })) {
    const response = await get(bot, String(file))
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    const hash = createHash('sha256')
      .update(await response.text())
      .digest('hex')
    expect(file).toBe(`${part}-${hash.slice(0, 16)}.js`)
  }
})

test('pages of before an upgrade find the files of today, and do not keep them', async () => {
  await using bot = await start()
  const { widget, fetched } = await settingsIn(bot)
  for (const [part, file] of Object.entries({ widget, ...Object(fetched) })) {
    const former = await get(bot, `${part}-0123456789abcdef.js`)
    expect([former.status, former.headers.get('cache-control')]).toEqual([200, 'no-cache'])
    expect(former.headers.get('access-control-allow-origin')).toBe('*')
    expect(await former.text()).toBe(await (await get(bot, String(file))).text())
  }
  for (const path of ['other-0123456789abcdef.js', 'widget-0123.js', 'widget-0123456789abcdeX.js']) {
    expect((await get(bot, path)).status, path).toBe(404)
  }
})

test('the demo page has an address that ends in a slash, and a strict policy', async () => {
  await using bot = await start()
  const moved = await fetch(siteOf(bot), { redirect: 'manual' })
  expect([moved.status, moved.headers.get('location')]).toEqual([302, './site/'])
  const page = await fetch(siteOf(bot))
  expect(page.url).toBe(`${siteOf(bot)}/`)
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
  const policy = page.headers.get('content-security-policy') ?? ''
  expect(policy).toContain("default-src 'self';")
  expect(policy).not.toContain('unsafe')
  expect(await page.text()).not.toMatch(/<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=/i)
  expect((await get(bot, 'demo.js')).status).toBe(200)
})

test('a logo beside the YAML is served, and an address is passed on', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'switchboard-logo-'))
  try {
    await writeFile(join(folder, 'logo.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>')
    {
      await using bot = await start({ logo: './logo.svg' }, folder)
      const { logoUrl } = await settingsIn(bot)
      expect(logoUrl).toMatch(/^logo-[0-9a-f]{16}\.svg$/)
      const response = await get(bot, String(logoUrl))
      expect(response.headers.get('content-type')).toBe('image/svg+xml')
      expect(response.headers.get('content-security-policy')).toContain('sandbox')
    }
    await using bot = await start({ logo: 'https://shop.example/logo.png' }, folder)
    expect((await settingsIn(bot)).logoUrl).toBe('https://shop.example/logo.png')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('where to try it is said at the start', async () => {
  await using bot = await start()
  expect(bot.logged.join()).toContain('Try it: http://localhost/site/')
})

test.each([
  [{ origins: ['https://shop.example/'] }, 'An origin is scheme, host and port'],
  [{ origins: ['shop.example'] }, 'An origin is scheme, host and port'],
  [{ color: 'red' }, 'A colour is written as #1a73e8'],
  [{ collect: ['cookies'] }, 'collect'],
  [{ uploads: { types: ['everything'] } }, 'uploads'],
])('the operator is told what is wrong with %j', async (settings, why) => {
  await expect(start(settings)).rejects.toThrow(why)
})

test('two web channels must have two accounts', async () => {
  const config = { channels: { one: { use: web }, two: { use: web } }, bots: { parrot: { use: 'echo' } } }
  await expect(testRuntime(config)).rejects.toThrow('the same account (web:web)')
})
