/** What every command begins with: the configuration file, its variables, and its problems written out. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { checkConfig } from '../config/check.ts'
import type { CheckedConfig } from '../config/checked.ts'
import { formatProblems } from '../config/report.ts'

/** `switchboard.env` beside `switchboard.yaml` may hold the variables; what the environment has already, wins. */
export function loadEnvironment(file: string): void {
  const path = resolve(file).replace(/\.ya?ml$/, '.env')
  if (path !== resolve(file) && existsSync(path)) process.loadEnvFile(path)
}

/** The checked configuration; when there are problems they are written out, and the exit status says so. */
export async function readConfig(
  file: string,
  ending: 'check' | 'start' = 'check',
): Promise<CheckedConfig | undefined> {
  const checked = await checkConfig(file, { env: process.env })
  if (checked.ok) return checked.config
  process.stderr.write(formatProblems(checked.problems, ending))
  process.exitCode = 1
  return undefined
}
