/** Keeps the counts of the long runs, for whoever wants to see that they were made. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'

const ROOT = resolve(import.meta.dirname, '../..')
const FILE = resolve(ROOT, 'bench/long.json')

const Runs = z.array(z.looseObject({ date: z.string(), commit: z.string() }))

/** Adds what a long run has counted to `bench/long.json`, under the name of what was run. */
export function reportLong(name: string, counts: { readonly [what: string]: number }): void {
  const runs = existsSync(FILE) ? Runs.parse(JSON.parse(readFileSync(FILE, 'utf8'))) : []
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim()
  runs.push({ date: new Date().toISOString(), commit, [name]: counts })
  mkdirSync(dirname(FILE), { recursive: true })
  writeFileSync(FILE, `${JSON.stringify(runs, undefined, 2)}\n`)
}
