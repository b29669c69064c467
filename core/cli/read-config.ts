/** What every command begins with: the configuration file, its variables, and its problems written out. */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { checkConfig } from '../config/check.ts'
import type { CheckedConfig } from '../config/checked.ts'
import type { Environment } from '../config/read.ts'
import { formatProblems } from '../config/report.ts'

/** `switchboard.env` beside `switchboard.yaml` may hold the variables; for a file with another ending, nothing does. */
export function environmentFile(file: string): string | undefined {
  const path = resolve(file).replace(/\.ya?ml$/, '.env')
  return path === resolve(file) ? undefined : path
}

/** The variables as they are now: those of the file beside the YAML, and those of the process, which win. */
export function readEnvironment(file: string): Environment {
  const path = environmentFile(file)
  return path && existsSync(path) ? { ...parseEnv(readFileSync(path, 'utf8')), ...process.env } : process.env
}

/** The checked configuration; when there are problems they are written out, and the exit status says so. */
export async function readConfig(
  file: string,
  ending: 'check' | 'start' = 'check',
): Promise<CheckedConfig | undefined> {
  const checked = await checkConfig(file, { env: readEnvironment(file) })
  if (checked.ok) return checked.config
  process.stderr.write(formatProblems(checked.problems, ending))
  process.exitCode = 1
  return undefined
}
