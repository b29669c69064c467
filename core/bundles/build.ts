/**
 * Makes one file of each package that most commands load: `node core/bundles/build.ts` (`npm run build`, and by itself
 * after `npm ci`). Nothing is left out of them, and nothing is made shorter. Twice is the same as once.
 */
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Rolldown } from 'vite'
import { BUILT, FILES, installation, MADE, type Made, packagesFolder } from './use.ts'

const PACKAGES = [
  'cockatiel',
  'fastify',
  'kysely',
  'lowdb',
  'node-cron',
  'pino',
  'prom-client',
  're2js',
  'reflect-metadata',
  'tsyringe',
  'undici',
  'yaml',
  'zod',
]
const ENTRY = 'bundle of '

const { build } = await import('vite').catch((error: unknown) => {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'ERR_MODULE_NOT_FOUND') throw error
  console.log('Packages are not bundled: vite is not installed. It is a tool of development; "npm ci" brings it.')
  process.exit(0)
})

const packages = packagesFolder()
const entries = new Map<string, string>()
const bundles: { [file: string]: string } = {}
for (const name of PACKAGES) {
  const file = fileURLToPath(import.meta.resolve(name))
  entries.set(ENTRY + name, await entryOf(file))
  bundles[relative(packages, file)] = `${name}.js`
}

const built = await build({
  configFile: false,
  logLevel: 'warn',
  plugins: [{ name: 'entries', resolveId: (id) => (entries.has(id) ? id : null), load: (id) => entries.get(id) }],
  // As Node itself finds the files of packages.
  resolve: { mainFields: ['main'] },
  ssr: { noExternal: true, target: 'node', resolve: { conditions: ['node', 'module-sync'] } },
  build: {
    ssr: true,
    target: 'esnext',
    write: false,
    minify: false,
    rolldownOptions: {
      input: Object.fromEntries(PACKAGES.map((name) => [name, ENTRY + name])),
      treeshake: false,
      preserveEntrySignatures: 'strict',
      output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
    },
  },
})
const outputs: readonly Rolldown.RolldownOutput[] = 'on' in built ? [] : Array.isArray(built) ? built : [built]
const chunks = outputs.flatMap(({ output }) => output.filter((one) => one.type === 'chunk'))

mkdirSync(BUILT, { recursive: true })
for (const { fileName, code } of chunks) put(join(BUILT, fileName), code)
const files = chunks.flatMap(({ moduleIds }) => moduleIds).filter((id) => id.startsWith(packages))
put(FILES, JSON.stringify(files.map((id) => relative(packages, id)).sort(), undefined, 1))
const made: Made = { installation: installation(), bundles }
// Last: until all that it names is there, that of before is in force.
put(MADE, JSON.stringify(made, undefined, 1))
for (const name of readdirSync(BUILT))
  if (name.endsWith('.js') && !chunks.some(({ fileName }) => fileName === name)) rmSync(join(BUILT, name))
console.log(`${PACKAGES.length} packages of ${files.length} files are bundled.`)

/** What gives all that the package gives. Of CommonJS, these are the names that Node finds in it. */
async function entryOf(file: string): Promise<string> {
  const names = Object.keys(await import(file))
  const from = JSON.stringify(file)
  const all = names.includes('default')
    ? `export * from ${from}\nexport { default } from ${from}`
    : `export * from ${from}`
  if (!names.includes('module.exports')) return all
  const named = names.filter((name) => name !== 'module.exports' && name !== 'default')
  return `import whole from ${from}\nexport default whole\nexport const { ${named.join(', ')} } = whole`
}

/** Whoever reads meanwhile finds the old one or the new one, whole. */
function put(file: string, text: string): void {
  writeFileSync(`${file}.${process.pid}`, text)
  renameSync(`${file}.${process.pid}`, file)
}
