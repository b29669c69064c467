import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestRuntime } from '#core/testing'
import { deskOf, deskRuntime } from './simulated-screen.ts'

let bot: TestRuntime
beforeAll(async () => {
  bot = await deskRuntime()
})
afterAll(() => bot[Symbol.asyncDispose]())

const get = (path: string, headers: { readonly [name: string]: string } = {}) =>
  fetch(`${deskOf(bot)}${path}`, { headers, redirect: 'manual' })

test('the page is there for whoever is not signed in, and is asked for anew each time', async () => {
  const page = await get('/')
  expect(page.status).toBe(200)
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(page.headers.get('cache-control')).toBe('no-cache')
  const again = await get('/', { 'if-none-match': page.headers.get('etag') ?? '' })
  expect([again.status, await again.text()]).toEqual([304, ''])
})

test('without its slash the address leads to the one with it, since the files stand beside the page', async () => {
  const redirected = await get('')
  expect([redirected.status, redirected.headers.get('location')]).toEqual([302, './support/'])
})

test('its files have names that say what is in them, and are kept for ever', async () => {
  const html = await (await get('/')).text()
  const files = [...html.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(([, file = '']) => file)
  const names = files.map((file) => file.replace(/-[\w-]{8}\./, '-….'))
  expect(names).toEqual(expect.arrayContaining(['index-….css', 'index-….js']))
  for (const name of names) expect(name).toMatch(/^[a-z]+-…\.(?:css|js)$/)
  for (const file of files) {
    const { status, headers } = await get(`/${file}`)
    expect([status, headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable'])
  }
})

test('no program, style or frame comes from elsewhere, and no other site shows the page', async () => {
  const policy = (await get('/')).headers.get('content-security-policy') ?? ''
  const rules = new Map(policy.split('; ').map((rule) => [rule.split(' ')[0], rule.split(' ').slice(1).join(' ')]))
  expect(Object.fromEntries(rules)).toMatchObject({
    'default-src': "'none'",
    'script-src': "'self'",
    'style-src': "'self'",
    'connect-src': "'self'",
    'frame-ancestors': "'none'",
    'form-action': "'none'",
  })
  const html = await (await get('/')).text()
  expect(html).not.toMatch(/<script(?! type="module" crossorigin src="\.\/)|style=|<style|\son\w+=/)
})
