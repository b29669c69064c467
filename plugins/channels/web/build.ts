/**
 * Makes what browsers load of the web chat: `node plugins/channels/web/build.ts` (`npm run build`, and by itself after
 * `npm ci`). Twice is the same as once.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Rolldown } from 'vite'

const SOURCE = join(import.meta.dirname, 'widget')
const TARGET = join(import.meta.dirname, 'built')
/** What the server replaces by the channel's settings. */
const SETTINGS = '"__SETTINGS__"'

/** What lightningcss is told by, not to write two variables beside each `color-scheme` for a `light-dark()` that is nowhere. */
const LIGHT_DARK = 1 << 20

const { build } = await import('vite').catch((error: unknown) => {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'ERR_MODULE_NOT_FOUND') throw error
  console.log('The web chat is not built: vite is not installed. It is a tool of development; "npm ci" brings it.')
  process.exit(0)
})

const files = new Map([
  // Modules that the loader imports, and the widget when it needs more; the others are plain scripts.
  ['widget.js', await bundle('element.ts', { format: 'es' })],
  ['more.js', await bundle('more.ts', { format: 'es' })],
  ['files.js', await bundle('files.ts', { format: 'es' })],
  ['form.js', await bundle('form.ts', { format: 'es' })],
  ['events.js', await bundle('events.ts', { format: 'es' })],
  ['loader.js', withSettings(await bundle('loader.ts', { format: 'iife' }))],
  ['demo.js', await bundle('demo.ts', { format: 'iife' })],
  ['demo.html', readFileSync(join(SOURCE, 'demo.html'), 'utf8')],
])
mkdirSync(TARGET, { recursive: true })
for (const [name, text] of files) {
  // Whoever reads meanwhile finds the old one or the new one, whole.
  const file = join(TARGET, name)
  writeFileSync(`${file}.${process.pid}`, text)
  renameSync(`${file}.${process.pid}`, file)
  console.log(`${name.padEnd(10)} ${sizeOf(text)} bytes, ${sizeOf(gzipSync(text))} gzipped`)
}

/** One file, in the words of browsers of the last years. */
async function bundle(entry: string, output: Rolldown.OutputOptions): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'warn',
    css: { lightningcss: { exclude: LIGHT_DARK } },
    root: SOURCE,
    build: {
      target: 'es2020',
      // As old as still have all that the styles need; for older ones it would write each style twice.
      cssTarget: 'chrome90',
      write: false,
      modulePreload: false,
      // Else it wraps each `import()` in a loader of its own, which also speaks to the host page.
      ssr: true,
      minify: 'oxc',
      cssMinify: true,
      rolldownOptions: { input: join(SOURCE, entry), preserveEntrySignatures: 'strict', output },
    },
  })
  const outputs: readonly Rolldown.RolldownOutput[] = 'on' in result ? [] : Array.isArray(result) ? result : [result]
  const [chunk, ...others] = outputs.flatMap((one) => one.output)
  if (chunk?.type !== 'chunk' || others.length > 0) throw new Error(`${entry} did not become one file.`)
  return chunk.code
}

/** The loader with one place for the settings, as the server looks for it. */
function withSettings(code: string): string {
  const [before, after, ...more] = code.split('__SETTINGS__')
  if (before === undefined || after === undefined || more.length > 0) {
    throw new Error('The loader must hold __SETTINGS__ in one place.')
  }
  return before + SETTINGS + after
}

function sizeOf(text: string | Buffer): string {
  return String(Buffer.byteLength(text)).padStart(6)
}
