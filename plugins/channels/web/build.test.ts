import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const build = () =>
  execFileSync(process.execPath, [join(import.meta.dirname, 'build.ts')], { cwd: tmpdir(), encoding: 'utf8' })
const BUILT = join(import.meta.dirname, 'built')
const built = () => readdirSync(BUILT).map((name) => [name, readFileSync(join(BUILT, name), 'utf8')] as const)

test('built twice, from any folder, it is the same, and says how large it is', () => {
  const said = build()
  const once = built()
  expect(once.map(([name]) => name)).toEqual([
    'demo.html',
    'demo.js',
    'events.js',
    'files.js',
    'form.js',
    'loader.js',
    'more.js',
    'widget.js',
  ])
  for (const [name, text] of once)
    expect(said).toContain(`${name.padEnd(24)} ${String(Buffer.byteLength(text)).padStart(6)} bytes`)
  expect(said).not.toContain(import.meta.dirname)
  expect(build()).toBe(said)
  expect(built()).toEqual(once)
})

test('the loader has one place for the settings, and no page but its own is named', () => {
  const files = new Map(built())
  expect(files.get('loader.js')?.split('"__SETTINGS__"')).toHaveLength(2)
  const addresses = [...files.values()].flatMap((text) => text.match(/https?:\/\/[^\s`'"<$]+/g) ?? [])
  expect(new Set(addresses)).toEqual(new Set(['http://www.w3.org/2000/svg']))
})

test('no style is written in words that only browsers of the last years know', () => {
  for (const [name, text] of built()) expect(text, name).not.toMatch(/\((width|height)\s*[<>]=?|&:|@layer|@container/)
})

test('nothing of the tools that made it is in it', () => {
  for (const [name, text] of built()) expect(text, name).not.toMatch(/vite|rolldown/i)
})

test('nothing in it is newer than the browsers of 2020, but for the page to try it on', () => {
  for (const [name, text] of built()) {
    if (name.startsWith('demo')) continue
    expect(text, name).not.toMatch(
      /\.(at|findLast\w*|toSorted|toReversed|with|replaceAll|requestSubmit|groupBy)\(|structuredClone|hasOwn\(|randomUUID|AbortSignal\.|withResolvers/,
    )
  }
})

test('nothing in it reads a text as HTML or as a program', () => {
  for (const [name, text] of built()) {
    expect(text, name).not.toMatch(
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc/,
    )
  }
})
