/**
 * Checks the YAML files that are its arguments, in plain Node, and prints what an operator would be told of each: all
 * problems, or the routes in words.
 */
import { resolve } from 'node:path'
import { checkConfig } from '../../core/config/check.ts'
import { formatProblems } from '../../core/config/report.ts'
import { routesInWords } from '../../core/config/routes-in-words.ts'

/** Plugins of the tests' own, so that a new shipped plugin changes no golden. */
const shipped = resolve('test/config/plugins')
const env = {
  WIRE_SECRET: 'a-secret-from-the-environment',
  EMPTY: '',
  PORT: '8080',
  SHORT: 'hunter2',
  SPACED: 'hunter2 and some more words',
}

const told: { [file: string]: string } = {}
for (const file of process.argv.slice(2)) {
  const checked = await checkConfig(file, { env, shipped })
  told[file] = checked.ok ? `${routesInWords(checked.config)}\n` : formatProblems(checked.problems)
}
process.stdout.write(JSON.stringify(told))
