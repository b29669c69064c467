import { globSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseSync } from 'vite'
import { expect, test } from 'vitest'
import { codes } from '../api/refusal.ts'
import { type Route, routes } from '../api/routes.ts'
import { en } from './words/en.ts'
import { zh } from './words/zh.ts'

/** Every text of a language by its path; those that are made of something, made of it. */
function textsOf(value: unknown, path = ''): readonly (readonly [string, string])[] {
  if (typeof value === 'function') return [[path, String(value(3, 4))]]
  if (typeof value === 'string') return [[path, value]]
  return Object.entries(Object(value)).flatMap(([key, inner]) => textsOf(inner, `${path}.${key}`))
}

const CHINESE = /\p{Script=Han}/u
/** What is made of nothing but what it is given. */
const ONLY_GIVEN = new Set(['.actors.feature', '.actors.bot', '.mayNot.status', '.rail.account'])

test('everything is said in both languages', () => {
  const [english, chinese] = [textsOf(en), textsOf(zh)]
  expect(english.length).toBeGreaterThan(200)
  expect(chinese.map(([path]) => path)).toEqual(english.map(([path]) => path))
  for (const [path, text] of english) expect(text, path).not.toMatch(CHINESE)
  for (const [path, text] of chinese) if (!ONLY_GIVEN.has(path)) expect(text, path).toMatch(CHINESE)
})

test('every code that the desk refuses with has its words', () => {
  expect(codes.map(({ code }) => code).filter((code) => !Object.hasOwn(en.refusals, code))).toEqual([])
})

interface Node {
  readonly type: string
  readonly value?: unknown
  readonly name?: unknown
}
const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value

/** Every part of a program, from above. */
function* nodesIn(value: unknown): Generator<Node> {
  if (Array.isArray(value)) for (const one of value) yield* nodesIn(one)
  if (!isNode(value)) return
  yield value
  for (const inner of Object.values(value)) yield* nodesIn(inner)
}

/** What people would read or hear. */
const READ = new Set(['title', 'placeholder', 'alt', 'aria-label', 'aria-description', 'label', 'hint'])

function literalsIn(file: string, source: string): readonly string[] {
  const found: string[] = []
  for (const node of nodesIn(parseSync(file, source).program)) {
    const text = node.type === 'JSXText' || node.type === 'Literal' ? `${node.value}` : ''
    if (node.type === 'JSXText' && /\p{L}/u.test(text)) found.push(text.trim())
    if (node.type === 'Literal' && CHINESE.test(text)) found.push(text)
    if (node.type !== 'JSXAttribute' || !isNode(node.name) || !READ.has(`${node.name.name}`)) continue
    if (isNode(node.value) && node.value.type === 'Literal' && /\p{L}/u.test(`${node.value.value}`))
      found.push(`${node.value.value}`)
  }
  return found
}

test('no component says anything that is not in the dictionary', () => {
  const files = globSync('**/*.tsx', { cwd: import.meta.dirname })
  expect(files.length).toBeGreaterThan(15)
  for (const file of files)
    expect(literalsIn(file, readFileSync(join(import.meta.dirname, file), 'utf8')), file).toEqual([])
  expect(literalsIn('bad.tsx', "const a = <b title='Take'>Send <i>{'x'}</i>{'发送'}</b>")).toEqual([
    'Take',
    'Send',
    '发送',
  ])
})

/** Each word stands where somebody uses it, by its last name. */
const isIn = (sources: string, path: string) => new RegExp(`\\b${path.split('.').at(-1)}\\b`).test(sources)

test('no word is there for nobody', () => {
  const sources = globSync(['*.{ts,tsx}', 'pages/**/*.{ts,tsx}', 'words/words.ts'], { cwd: import.meta.dirname })
    .filter((file) => !/\.test\.ts$|pages\/\w+\/words\.ts$/.test(file))
    .map((file) => readFileSync(join(import.meta.dirname, file), 'utf8'))
    .join('\n')
  // These are found by codes.
  const byCode =
    /^\.(refusals|reasons|row\.parts|states|why\.(stages|outcomes)|entry\.(deeds|delivery)|lists\.(tabs|empty)|closing\.reasons|customer\.fields|composer|rail\.(light|dark|auto)|mayNot|actors)\b/
  const unused = textsOf(en)
    .map(([path]) => path)
    .filter((path) => !byCode.test(path) && !isIn(sources, path))
  expect(unused).toEqual([])
})

const PAGES = resolve(import.meta.dirname, 'pages')
const pageNames = readdirSync(PAGES, { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? one.name : []))

interface PageWords {
  readonly words: { readonly en: unknown; readonly 'zh-CN': unknown }
  /** The tables of which an entry is found by a code. */
  readonly byCode?: readonly string[]
}

test.each(pageNames)('the page %s says everything in both languages, and has no word for nobody', async (name) => {
  const { words, byCode = [] }: PageWords = await import(resolve(PAGES, name, 'words.ts'))
  const [english, chinese] = [textsOf(words.en), textsOf(words['zh-CN'])]
  expect(english.length).toBeGreaterThan(5)
  expect(chinese.map(([path]) => path)).toEqual(english.map(([path]) => path))
  for (const [path, text] of english) expect(text, path).not.toMatch(CHINESE)
  for (const [path, text] of chinese) expect(text, path).toMatch(CHINESE)
  const sources = globSync('*.{ts,tsx}', { cwd: resolve(PAGES, name) })
    .filter((file) => file !== 'words.ts' && !file.endsWith('.test.ts'))
    .map((file) => readFileSync(resolve(PAGES, name, file), 'utf8'))
    .join('\n')
  const unused = english
    .map(([path]) => path)
    .filter((path) => !byCode.some((table) => path.startsWith(`.${table}.`)))
    .filter((path) => !isIn(sources, path))
  expect(unused).toEqual([])
})

test('every deed that the API notes has its words', async () => {
  const { words }: PageWords = await import(resolve(PAGES, 'audit/words.ts'))
  const known = textsOf(words.en).map(([path]) => path)
  const noted = Object.values<Route>(routes).flatMap(({ audit }) => audit ?? [])
  expect(noted.filter((action) => !known.includes(`.actions.${action}`))).toEqual([])
})

test('every page has its folder, and its title in both languages', () => {
  const list = readFileSync(resolve(PAGES, 'pages.ts'), 'utf8')
  const listed = [...list.matchAll(/^ {4}name: '(\w+)',\n {4}title: \{ en: '([^']+)', 'zh-CN': '([^']+)' \}/gm)]
  expect(listed.map(([, name]) => name).toSorted()).toEqual(pageNames.toSorted())
  for (const [, , title, chinese] of listed) {
    expect(title).not.toMatch(CHINESE)
    expect(chinese).toMatch(CHINESE)
  }
})
