import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { BUILT, FILES, MADE, packagesFolder } from '../../core/bundles/use.ts'
import { COMMAND, SECRET, yaml } from '../command.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const PACKAGES = packagesFolder()
const EXAMPLE = join(ROOT, 'config/switchboard.yaml')
const folder = mkdtempSync(join(tmpdir(), 'switchboard-bundles-'))
afterAll(() => rmSync(folder, { recursive: true }))

const read = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'))
const node = (...args: string[]) => promisify(execFile)(process.execPath, args, { cwd: ROOT, env: { PATH: '' } })

/** Writes down every file that a process loads. */
const NOTING = `import { registerHooks } from 'node:module'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
const loaded = []
registerHooks({
  load(url, context, next) {
    if (url.startsWith('file:')) loaded.push(fileURLToPath(url))
    return next(url, context)
  },
})
process.on('exit', () => writeFileSync(${JSON.stringify(join(folder, 'loaded.json'))}, JSON.stringify(loaded)))`

async function loadedBy(...args: string[]): Promise<readonly string[]> {
  await node('--import', `data:text/javascript,${encodeURIComponent(NOTING)}`, ...args)
  return z.array(z.string()).parse(read(join(folder, 'loaded.json')))
}

let bundles: ReadonlyMap<string, string>
beforeAll(async () => {
  await node(join(ROOT, 'core/bundles/build.ts'))
  bundles = new Map(Object.entries(z.object({ bundles: z.record(z.string(), z.string()) }).parse(read(MADE)).bundles))
})

test('the bundles are of the very files that Node would load, and give the same names', async () => {
  const pairs = [...bundles].map(([file, bundle]) => [join(PACKAGES, file), join(BUILT, bundle)])
  const compare = `import 'reflect-metadata'
const names = async (file) => Object.keys(await import(file)).filter((name) => name !== 'module.exports').sort().join()
for (const [file, bundle] of ${JSON.stringify(pairs)}) {
  if ((await names(file)) !== (await names(bundle))) throw new Error(file)
}`
  const loaded = (await loadedBy('--input-type=module', '--eval', compare))
    .filter((file) => file.startsWith(PACKAGES) && !file.endsWith('package.json'))
    .map((file) => relative(PACKAGES, file))
  expect(loaded.length).toBeGreaterThan(500)
  expect(read(FILES)).toEqual(expect.arrayContaining(loaded))
})

test('a command loads the packages that are bundled from their bundles', async () => {
  const loaded = await loadedBy(COMMAND, 'check', EXAMPLE)
  expect(loaded).toEqual(expect.arrayContaining([join(BUILT, 'yaml.js'), join(BUILT, 'zod.js')]))
  const bundled = [...bundles.keys()].map((file) => join(PACKAGES, file))
  expect(loaded.filter((file) => bundled.includes(file))).toEqual([])
})

test('once other packages are installed, they are loaded as they are until they are bundled anew', async () => {
  const copy = join(folder, 'installed')
  const without = (path: string) => !/\.test\.ts$/.test(path)
  for (const part of ['core', 'plugins', 'package.json', 'package-lock.json'])
    cpSync(join(ROOT, part), join(copy, part), { recursive: true, filter: without })
  symlinkSync(PACKAGES, join(copy, 'node_modules'))
  const check = () => loadedBy(join(copy, 'core/switchboard.js'), 'check', EXAMPLE)
  const bundle = join(copy, 'core/bundles/built/zod.js')
  expect(await check()).toContain(bundle)
  writeFileSync(join(copy, 'package-lock.json'), `${readFileSync(join(ROOT, 'package-lock.json'), 'utf8')}\n`)
  const loaded = await check()
  expect(loaded).toContain(join(PACKAGES, 'zod/index.js'))
  expect(loaded).not.toContain(bundle)
})

test('a plugin that has brought a copy of its own gets that', async () => {
  const own = join(folder, 'node_modules/zod/index.js')
  mkdirSync(dirname(own), { recursive: true })
  writeFileSync(join(dirname(own), 'package.json'), '{ "type": "module", "exports": "./index.js" }')
  writeFileSync(own, 'export const own = true')
  const plugin = `import { definePlugin, z } from 'switchboard'
import { own } from 'zod'
if (!own) throw new Error('not its own')
export default definePlugin({ name: 'brings', summary: 'Brings zod.', config: z.strictObject({}), setup: () => ({}) })`
  writeFileSync(join(folder, 'brings.ts'), plugin)
  const file = join(folder, 'switchboard.yaml')
  writeFileSync(file, `${yaml()}features: [{ use: ./brings.ts }]\n`)
  writeFileSync(join(folder, 'switchboard.env'), `LOOPBACK_SECRET=${SECRET}\n`)
  expect(await loadedBy(COMMAND, 'check', file)).toContain(own)
})
