/** What every command begins with: the configuration file, its variables, and its problems written out. */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { type Checked, type CheckOptions, checkConfig } from '../config/check.ts'
import type { CheckedConfig } from '../config/checked.ts'
import { type Environment, readYaml, showPath, unreadable } from '../config/read.ts'
import { formatProblems, problemAt } from '../config/report.ts'
import * as sections from '../config/sections.ts'

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

/** Checks the file with its variables; `change` gets those before they are looked up. */
export async function checkFile(
  file: string,
  options: Omit<CheckOptions, 'env'> = {},
  change = (env: Environment) => env,
): Promise<Checked> {
  let env: Environment
  try {
    env = change(readEnvironment(file))
  } catch (error) {
    const shown = showPath(environmentFile(file) ?? file)
    const nowhere = { span: undefined, path: [] }
    const problem = problemAt(unreadable(shown, error), nowhere, { shown, text: '', hidden: [] })
    return { ok: false, problems: [problem], files: [] }
  }
  return checkConfig(file, { ...options, env })
}

/** Where the journal is, also while the rest of the file is being mended. Otherwise as `readConfig`. */
export async function readStorageFolder(file: string): Promise<string | undefined> {
  const read = await readYaml(resolve(file), {})
  const storage = read.ok ? sections.storage.prefault({}).safeParse(read.file.get(['storage'])) : undefined
  if (read.ok && storage?.success) return resolve(read.file.folder, storage.data.folder)
  return (await readConfig(file))?.storage.folder
}

/** The checked configuration; when there are problems they are written out, and the exit status says so. */
export async function readConfig(
  file: string,
  ending: 'check' | 'start' = 'check',
): Promise<CheckedConfig | undefined> {
  const checked = await checkFile(file)
  if (checked.ok) return checked.config
  process.stderr.write(formatProblems(checked.problems, ending))
  process.exitCode = 1
  return undefined
}
