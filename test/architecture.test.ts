import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = resolve(import.meta.dirname, '..')

interface Import {
  readonly from: string
  readonly of: string
}

function sources(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|tsx)$/.test(file) && !file.includes('node_modules'))
    .map((file) => join(folder, file))
}

/** Every import of a file, its target relative to the project (packages as they are written). */
function importsOf(file: string): readonly Import[] {
  const text = readFileSync(join(ROOT, file), 'utf8')
  return [
    ...text.matchAll(/(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s+['"]([^'"]+)['"]|\n?import\s+['"]([^'"]+)['"]/g),
  ].map((match) => {
    const of = match[1] ?? match[2] ?? ''
    return { from: file, of: of.startsWith('.') ? relative(ROOT, resolve(ROOT, dirname(file), of)) : of }
  })
}

const core = sources('core').flatMap(importsOf)
const plugins = sources('plugins').flatMap(importsOf)
const show = (wrong: readonly Import[]) => wrong.map(({ from, of }) => `${from} imports ${of}`)

test('the core imports no plugin', () => {
  expect(core.length).toBeGreaterThan(100)
  expect(show(core.filter(({ of }) => of.startsWith('plugins/')))).toEqual([])
})

test('message.ts imports nothing', () => {
  expect(show(core.filter(({ from }) => from === 'core/message.ts'))).toEqual([])
})

test('only the container knows tsyringe', () => {
  expect(show(core.filter(({ of, from }) => of === 'tsyringe' && from !== 'core/runtime/container.ts'))).toEqual([])
})

test('nothing but the SQLite engine knows SQLite', () => {
  const wrong = core.filter(({ of, from }) => of === 'node:sqlite' && !from.startsWith('core/journal/sqlite/'))
  expect(show(wrong)).toEqual([])
})

/** A file with all that is loaded with it, and the packages of those. */
function loadedWith(file: string, seen = new Set<string>()): ReadonlySet<string> {
  seen.add(file)
  const text = existsSync(join(ROOT, file)) ? readFileSync(join(ROOT, file), 'utf8') : ''
  for (const [, of = ''] of text.matchAll(/^(?:import|export) (?!type )(?:[^'"]*? from )?'([^']+)'/gm)) {
    const path = of.startsWith('.') ? relative(ROOT, resolve(ROOT, dirname(file), of)) : of
    if (!seen.has(path)) loadedWith(path, seen)
  }
  return seen
}

test.each(['core/journal/sqlite/writer.ts', 'core/journal/sqlite/reader.ts'])(
  'the thread of %s loads no package: a start would wait for it twice',
  (file) => {
    const loaded = [...loadedWith(file)]
    expect(loaded).toContain('core/journal/sqlite/connection.ts')
    expect(loaded.filter((name) => !name.startsWith('node:') && !name.startsWith('core/'))).toEqual([])
  },
)

test('no plugin loads a simulated platform, unless it is asked for', () => {
  const manifests = globSync('plugins/channels/*/index.ts', { cwd: ROOT })
  const loaded = manifests.flatMap((file) => [...loadedWith(file)])
  expect(loaded).toContain('plugins/channels/wechat/settings.ts')
  expect(loaded.filter((file) => file.includes('simulated-platform'))).toEqual([])
})

test('a plugin imports the core by its door, the services, its own folder and packages', () => {
  expect(plugins.length).toBeGreaterThan(5)
  const wrong = plugins.filter(({ from, of }) => {
    if (of.startsWith('core/')) return true
    if (!of.startsWith('plugins/')) return false
    const own = from.split('/').slice(0, 3).join('/')
    return !of.startsWith(`${own}/`) && !of.startsWith('plugins/services/')
  })
  expect(show(wrong)).toEqual([])
})

/** The clock itself, and the watchdog, which looks on while the clock stands still. */
const EXEMPT = new Set(['core/services/clock.ts', 'core/runtime/watchdog-thread.ts'])

test('core takes time only from the clock', () => {
  const wrong = sources('core')
    .filter((file) => !file.startsWith('core/testing/') && !EXEMPT.has(file))
    .filter((file) => /\bDate\.now\(|new Date\(\)|\bMath\.random\(/.test(readFileSync(join(ROOT, file), 'utf8')))
  expect(wrong).toEqual([])
})

const SECTIONS = ['channels', 'bots', 'desks', 'features']
const folders = SECTIONS.flatMap((section) => {
  const folder = join(ROOT, 'plugins', section)
  return existsSync(folder) ? readdirSync(folder).map((name) => ({ section, name })) : []
})

test.each(folders)('the folder of $name is whole: manifest, README and tests', ({ section, name }) => {
  const folder = join(ROOT, 'plugins', section, name)
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  expect(files).toContain('index.ts')
  expect(files).toContain('README.md')
  expect(files.filter((file) => file.endsWith('.test.ts'))).not.toEqual([])
  expect(readFileSync(join(folder, 'index.ts'), 'utf8')).toContain(`name: '${name}'`)
})

test.each(
  SECTIONS.filter((section) => section === 'features').flatMap((section) =>
    folders.filter((f) => f.section === section),
  ),
)('the feature $name is under 50 lines', ({ section, name }) => {
  expect(readFileSync(join(ROOT, 'plugins', section, name, 'index.ts'), 'utf8').split('\n').length).toBeLessThan(50)
})
