/** Plugins from elsewhere, each loaded by a real Node as an operator's would be. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Section, shippedPlugins } from '../../core/runtime/load.ts'

const folder = mkdtempSync(join(tmpdir(), 'switchboard-load-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** All plugins are loaded by one child process, when the first test asks. */
const requests: { use: string; folder: string; section: Section; limitMs?: number | undefined }[] = []
let results: unknown[] | undefined

/** Writes some files, and loads `use` as if a YAML in `from` named it. */
function given(
  files: { readonly [path: string]: string | object },
  use: string,
  { from = '.', section = 'channels', limitMs }: { from?: string; section?: Section; limitMs?: number } = {},
): () => unknown {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), typeof content === 'string' ? content : JSON.stringify(content))
  }
  const index = requests.push({ use, folder: join(folder, from), section, limitMs }) - 1
  return () => {
    const input = JSON.stringify(requests)
    const child = ['--no-warnings', 'test/runtime/load-child.ts']
    results ??= z
      .array(z.unknown())
      .parse(JSON.parse(execFileSync(process.execPath, child, { encoding: 'utf8', input })))
    return results[index]
  }
}

/** A channel that shows which core it has imported: it throws an error of it, and leaves its zod behind. */
const channel = (name: string, from = 'switchboard') => `
import { DeliveryError, defineChannel, z } from '${from}'

Object.assign(globalThis, { theirZod: z })
export default defineChannel({
  name: '${name}',
  summary: 'Shows which core it has imported.',
  config: z.strictObject({}),
  account: () => {
    throw new DeliveryError('CHANNEL_TOKEN')
  },
  capabilities: () => ({ sends: { text: {} }, later: [], showsIdentity: 'none' }),
  setup: () => ({ send: async () => ({}) }),
})
`
const theOneCore = { isPlugin: true, sameError: true, sameZod: true, sameTwice: true }

describe('a plugin gets the core that runs', () => {
  const alone = given({ 'alone/my-channel/index.ts': channel('alone') }, './my-channel/index.ts', { from: 'alone' })
  test('by path, in a folder without package.json', () => {
    expect(alone()).toEqual({ name: 'alone', ...theOneCore })
  })

  const inside = given({ 'inside.ts': channel('inside', '#core') }, './inside.ts')
  test('by path, under the name that shipped plugins use', () => {
    expect(inside()).toEqual({ name: 'inside', ...theOneCore })
  })

  const parts = given(
    { 'parts/channel.ts': channel('parts'), 'parts/index.ts': `export { default } from './channel.ts'\n` },
    './parts/index.ts',
  )
  test('by path, from a file that it imports itself', () => {
    expect(parts()).toEqual({ name: 'parts', ...theOneCore })
  })

  const doors = `import { testRuntime } from 'switchboard/testing'\nimport * as services from 'switchboard/services'\n`
  const tested = given(
    { 'tested.ts': `${doors}${channel('tested')}\nif (!testRuntime || !services) throw new Error('closed')\n` },
    './tested.ts',
  )
  test('by path, with the doors for services and for tests', () => {
    expect(tested()).toEqual({ name: 'tested', ...theOneCore })
  })

  const modern = given(
    { 'old/package.json': { type: 'commonjs' }, 'old/channel.mts': channel('modern') },
    './channel.mts',
    {
      from: 'old',
    },
  )
  test('as .mts beside a CommonJS package.json', () => {
    expect(modern()).toEqual({ name: 'modern', ...theOneCore })
  })

  const packed = given(
    {
      'site/node_modules/packed/package.json': {
        name: 'packed',
        type: 'module',
        exports: { '.': { import: './m.js' } },
      },
      'site/node_modules/packed/m.js': channel('packed'),
    },
    'packed',
    { from: 'site' },
  )
  test('as an npm package, which only says what to import', () => {
    expect(packed()).toEqual({ name: 'packed', ...theOneCore })
  })

  const scoped = given(
    {
      'site/node_modules/@shop/channel/package.json': { name: '@shop/channel', main: './index.mjs' },
      'site/node_modules/@shop/channel/index.mjs': channel('scoped'),
    },
    '@shop/channel',
    { from: 'site/deeper/still' },
  )
  test('as a package with a scope, from a folder above the YAML', () => {
    expect(scoped()).toEqual({ name: 'scoped', ...theOneCore })
  })

  const required = given(
    {
      'site/node_modules/required/package.json': { name: 'required', main: './index.js' },
      'site/node_modules/required/index.js': channel('required')
        .replace(/import (.*) from '(.*)'/, (_, names: string, from: string) => `const ${names} = require('${from}')`)
        .replace('export default', 'module.exports ='),
    },
    'required',
    { from: 'site' },
  )
  test('as a package in CommonJS', () => {
    expect(required()).toEqual({ name: 'required', ...theOneCore })
  })
})

describe('what cannot be loaded says what to change', () => {
  const old = given({ 'old/package.json': { type: 'commonjs' }, 'old/channel.ts': channel('old') }, './channel.ts', {
    from: 'old',
  })
  test('an ES module beside a CommonJS package.json', () => {
    expect(old()).toEqual({
      code: 'CONFIG_PLUGIN_COMMONJS',
      what: expect.stringContaining('"type": "commonjs"'),
      instead: expect.stringMatching(
        /^Write "type": "module" in .*package\.json, or rename the file to channel\.mts\.$/,
      ),
    })
  })

  const typed = given(
    {
      'site/node_modules/typed/package.json': { name: 'typed', type: 'module', exports: './index.ts' },
      'site/node_modules/typed/index.ts': channel('typed'),
    },
    'typed',
    { from: 'site' },
  )
  test('a package that ships TypeScript', () => {
    expect(typed()).toMatchObject({
      code: 'CONFIG_PLUGIN_SYNTAX',
      instead: 'A package has to ship JavaScript: build it, or name its source by path.',
    })
  })

  const nothing = given({}, './nothing.ts')
  test('a file that is not there', () => {
    expect(nothing()).toMatchObject({ code: 'CONFIG_PLUGIN_MISSING' })
  })

  const itsFolder = given({}, './my-channel/', { from: 'alone' })
  test('a folder in place of its file', () => {
    expect(itsFolder()).toMatchObject({ instead: 'Write ./my-channel/index.ts.' })
  })

  const throws = given(
    { 'throws.ts': `const words: string[] = []\nconst first: string = words[0].trim()\nexport default first\n` },
    './throws.ts',
  )
  test('a plugin that throws tells its line', () => {
    expect(throws()).toEqual({
      code: 'CONFIG_PLUGIN_THROWS',
      what: "./throws.ts cannot be loaded: Cannot read properties of undefined (reading 'trim').",
      instead: `It happened at ${folder}/throws.ts:2:32.`,
    })
  })

  const hangs = given({ 'hangs.ts': 'await new Promise(() => {})\nexport default 1\n' }, './hangs.ts', { limitMs: 500 })
  test('a plugin that waits for ever when it is imported', () => {
    expect(hangs()).toMatchObject({
      code: 'CONFIG_PLUGIN_HANGS',
      what: './hangs.ts was not loaded within 0.5 seconds.',
    })
  })

  const wants = given({ 'wants.ts': `import 'left-pad-of-the-future'\n` }, './wants.ts')
  test('a plugin that imports what is not there', () => {
    expect(wants()).toMatchObject({
      code: 'CONFIG_PLUGIN_THROWS',
      what: expect.stringContaining("Cannot find package 'left-pad-of-the-future'"),
    })
  })

  const none = given({ 'none.ts': 'export const plugin = 1\n' }, './none.ts')
  const aClass = given({ 'class.ts': 'export default class Channel {}\n' }, './class.ts')
  test('a file without a default export, and one that exports something else', () => {
    expect(none()).toMatchObject({ code: 'CONFIG_NOT_A_PLUGIN', what: expect.stringContaining('missing') })
    expect(aClass()).toMatchObject({ code: 'CONFIG_NOT_A_PLUGIN', what: expect.stringContaining('a function') })
  })

  const misplaced = given({}, './my-channel/index.ts', { from: 'alone', section: 'bots' })
  test('a plugin of another section', () => {
    expect(misplaced()).toMatchObject({ code: 'CONFIG_WRONG_SECTION', instead: 'Move this entry to channels:' })
  })

  const unknown = [
    given({}, 'carrier-pigeon'),
    given({}, 'fs'),
    given({}, 'node:fs'),
    given({}, 'https://example.com/x.js'),
  ]
  const oddPaths = [given({}, '../../etc/passwd\0'), given({}, `./${'x'.repeat(5000)}`)]
  test('a name that nothing has', () => {
    for (const result of unknown) expect(result()).toMatchObject({ code: 'CONFIG_UNKNOWN_PLUGIN' })
    for (const result of oddPaths) expect(result()).toMatchObject({ code: 'CONFIG_PLUGIN_MISSING' })
  })
})

test('the shipped plugins are found by their folders', () => {
  expect(shippedPlugins('channels')).toContain('loopback')
  expect(shippedPlugins('features')).toContain('keyword-handoff')
})
