/** What the plugins' own `build.ts` share: from TypeScript and styles to the files that browsers load, with their sizes. */
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { InlineConfig, Rolldown } from 'vite'

/** What lightningcss is told by, not to write two variables beside each `color-scheme` for a `light-dark()` that is nowhere. */
const LIGHT_DARK = 1 << 20

type Output = Rolldown.OutputChunk | Rolldown.OutputAsset

/** All that comes of one build, kept in memory. `what`: how the program says it when vite is not there. */
export async function bundle(
  what: string,
  { build: settings, ...config }: InlineConfig,
): Promise<readonly [Output, ...Output[]]> {
  const { build } = await vite(what)
  const result = await build({
    configFile: false,
    logLevel: 'warn',
    css: { lightningcss: { exclude: LIGHT_DARK } },
    ...config,
    build: { write: false, modulePreload: false, minify: 'oxc', cssMinify: true, ...settings },
  })
  const outputs: readonly Rolldown.RolldownOutput[] = 'on' in result ? [] : Array.isArray(result) ? result : [result]
  const [first, ...others] = outputs.flatMap((one) => one.output)
  if (!first) throw new Error(`Nothing came of ${what}.`)
  return [first, ...others]
}

/** Writes the files of a folder, takes away what else is in it, and says how large each is. Twice is the same as once. */
export function writeFiles(folder: string, files: ReadonlyMap<string, string | Uint8Array>): void {
  mkdirSync(folder, { recursive: true })
  for (const [name, content] of files) {
    // Whoever reads meanwhile finds the old one or the new one, whole.
    const file = join(folder, name)
    writeFileSync(`${file}.${process.pid}`, content)
    renameSync(`${file}.${process.pid}`, file)
    console.log(`${name.padEnd(24)} ${sizeOf(content)} bytes, ${sizeOf(gzipSync(content))} gzipped`)
  }
  for (const name of readdirSync(folder)) {
    // What ends in a number is being written by somebody else.
    if (!files.has(name) && !/\.\d+$/.test(name)) rmSync(join(folder, name), { force: true })
  }
}

function sizeOf(content: string | Uint8Array): string {
  return String(Buffer.byteLength(content)).padStart(6)
}

function vite(what: string) {
  return import('vite').catch((error: unknown) => {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'ERR_MODULE_NOT_FOUND') throw error
    console.log(`${what} is not built: vite is not installed. It is a tool of development; "npm ci" brings it.`)
    process.exit(0)
  })
}
