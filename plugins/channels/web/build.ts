/**
 * Makes what browsers load of the web chat: `node plugins/channels/web/build.ts` (`npm run build`, and by itself after
 * `npm ci`). Twice is the same as once.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Rolldown } from 'vite'
import { bundle, writeFiles } from '../../../build/bundle.ts'

const SOURCE = join(import.meta.dirname, 'widget')
/** What the server replaces by the channel's settings. */
const SETTINGS = '"__SETTINGS__"'

writeFiles(
  join(import.meta.dirname, 'built'),
  new Map([
    // Modules that the loader imports, and the widget when it needs more; the others are plain scripts.
    ['widget.js', await script('element.ts', { format: 'es' })],
    ['more.js', await script('more.ts', { format: 'es' })],
    ['files.js', await script('files.ts', { format: 'es' })],
    ['form.js', await script('form.ts', { format: 'es' })],
    ['events.js', await script('events.ts', { format: 'es' })],
    ['loader.js', withSettings(await script('loader.ts', { format: 'iife' }))],
    ['demo.js', await script('demo.ts', { format: 'iife' })],
    ['demo.html', readFileSync(join(SOURCE, 'demo.html'), 'utf8')],
  ]),
)

/** One file, in the words of browsers of the last years. */
async function script(entry: string, output: Rolldown.OutputOptions): Promise<string> {
  const [chunk, ...others] = await bundle('The web chat', {
    root: SOURCE,
    build: {
      target: 'es2020',
      // As old as still have all that the styles need; for older ones it would write each style twice.
      cssTarget: 'chrome90',
      // Else it wraps each `import()` in a loader of its own, which also speaks to the host page.
      ssr: true,
      rolldownOptions: { input: join(SOURCE, entry), preserveEntrySignatures: 'strict', output },
    },
  })
  if (chunk.type !== 'chunk' || others.length > 0) throw new Error(`${entry} did not become one file.`)
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
