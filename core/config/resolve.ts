/**
 * What a setting can only mean inside one configuration: a name, a file beside the YAML, a secret from a variable.
 * `check` parses every plugin's settings inside `resolving(…)`, so that `schema.ts` asks it while zod parses and
 * their findings stand at zod's own paths. Parsed outside (a test that gives settings directly), names are taken as
 * they are and files are read from the working directory.
 */
import type { Hours } from './hours.ts'
import type { Finding } from './problems.ts'

/** What a setting may refer to by name. */
export type ReferenceKind = 'channel' | 'bot' | 'desk' | 'team' | 'person' | 'identity'

/** A file that a setting names. */
export interface SettingFile {
  /** Absolute. */
  readonly path: string
  /** Its content. Throws when it is not UTF-8. */
  readonly text: string
  /** Its content as it is: of a picture, say. */
  readonly bytes: Uint8Array
}

export interface Resolver {
  readonly timeZone: string
  refers(to: ReferenceKind, name: string): Finding | undefined
  hours(name: string): Hours | Finding
  file(path: string): SettingFile | Finding
  secret(value: string): Finding | undefined
}

let current: Resolver | undefined

/** Runs `parse` (which must not wait for anything) with this resolver. */
export function resolving<T>(resolver: Resolver, parse: () => T): T {
  const before = current
  current = resolver
  try {
    return parse()
  } finally {
    current = before
  }
}

/** The resolver of the configuration that is being parsed, if any is. */
export function resolver(): Resolver | undefined {
  return current
}
