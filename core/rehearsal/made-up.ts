/** A rehearsal needs no secret and no address: what stands in variables that are not set is made up. */
import { createHash } from 'node:crypto'
import type { Checked } from '../config/check.ts'
import { type Environment, readYaml } from '../config/read.ts'
import { showYamlPath } from '../config/report.ts'
import { madeUpText, withMadeUpVariables } from './rehearse.ts'

/** Keys that platforms give out have lengths of their own, such as 32, or 43 in WeChat’s encrypted mode. */
const KEY_LENGTHS = [16, 24, 32, 43, 64]

/** What a setting may take, one after the other; of two variables never the same where it could be mixed up. */
const KINDS: readonly ((name: string) => string)[] = [
  madeUpText,
  () => '8080',
  (name) => `https://${name.toLowerCase().replaceAll('_', '-')}.example.com`,
  ...KEY_LENGTHS.map((chars) => (name: string) => createHash('sha256').update(name).digest('hex').slice(0, chars)),
  () => 'true',
]

/**
 * Checks a configuration, by `check`, with something made up for every variable that is not set. What is made up is
 * never the reason that a setting is refused, as long as it takes a text, a number, an address, a usual key, or yes or no.
 */
export async function checkWithMadeUpVariables(
  file: string,
  check: (change: (env: Environment) => Environment) => Promise<Checked>,
): Promise<Checked> {
  const read = await readYaml(file, {})
  const places = read.ok ? read.file.variables : []
  /** Of every variable that is made up: which kind it is now. */
  const kinds = new Map<string, number>()
  const makeUp = (name: string) => {
    const kind = kinds.get(name) ?? 0
    kinds.set(name, kind)
    return (KINDS[kind] ?? madeUpText)(name)
  }
  for (;;) {
    const checked = await check((env) => withMadeUpVariables(env, makeUp))
    if (checked.ok) return checked
    const refused = new Set(checked.problems.map(({ path }) => path))
    const wrong = new Set(places.filter(({ path }) => refused.has(showYamlPath(path))).map(({ name }) => name))
    const others = [...kinds].filter(([name, kind]) => wrong.has(name) && kind + 1 < KINDS.length)
    if (others.length === 0) return checked
    for (const [name, kind] of others) kinds.set(name, kind + 1)
  }
}
