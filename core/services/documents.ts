/**
 * Small documents that people change by working and may also read, compare and edit by hand: one file of JSON each,
 * checked by its plugin's schema, written whole or not at all, and never over somebody's edit.
 */
import { createHash } from 'node:crypto'
import { mkdir, open as openFile, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type Adapter, Low } from 'lowdb'
import { parseDocument } from 'yaml'
import type { z } from 'zod'
import { messageOf, SwitchboardError } from '../errors.ts'
import type { DocumentStore } from '../plugin.ts'
import type { Log } from '../turn.ts'

export interface Documents {
  /**
   * Opens the document `name` of an instance. What is stored must fit the schema again when it is read. A document that
   * is not there yet is what the schema makes of nothing, or of `{}`; a schema that needs more is a TypeError.
   */
  open<T extends z.ZodType>(instance: string, name: string, schema: T): DocumentStore<z.output<T>>
}

/** Tries of one change, when someone edits the file at the same moment each time. */
const MAX_TRIES = 50

/** Someone else has changed the file since it was read. */
class Conflict extends Error {
  override readonly name = 'Conflict'
}

/**
 * Makes the store of all documents: `<folder>/<instance>/<name>.json`, readable by the process's own user only. One
 * process at a time may use the folder; people may edit any file at any time.
 *
 * `read` and `change` look at the file each time. When it has been edited into something that is no JSON, or does not
 * fit the schema, `read` gives the last good content (and logs an error, once), and `change` rejects with
 * `DOCUMENT_BROKEN`; so does `read` when there was no good content yet. A change that cannot be written leaves
 * everything as it was and rejects with what the file system said, or with `DOCUMENT_BUSY`.
 */
export function makeDocuments({ folder, log }: { readonly folder: string; readonly log: Log }): Documents {
  const queues = new Map<string, Promise<unknown>>()

  /** One after another for each file: an instance that replaces another opens the same document. */
  function inTurn<T>(file: string, run: () => Promise<T>): Promise<T> {
    const before = queues.get(file) ?? removeLeftovers(file)
    const result = before.then(run)
    queues.set(
      file,
      result.catch(() => {}),
    )
    return result
  }

  return {
    open<T extends z.ZodType>(instance: string, name: string, schema: T): DocumentStore<z.output<T>> {
      const file = join(folder, safeName(instance), `${safeName(name)}.json`)
      const adapter = new FileAdapter(file, schema)
      const low = new Low<z.output<T>>(adapter, adapter.empty)
      let complainedOf: string | undefined

      return {
        read: () =>
          inTurn(file, async () => {
            try {
              await low.read()
              complainedOf = undefined
            } catch (error) {
              if (!adapter.hasBeenGood) throw error
              const complaint = messageOf(error)
              if (complaint !== complainedOf) log.error({ instance, document: name, error }, complaint)
              complainedOf = complaint
            }
            return structuredClone(low.data)
          }),
        change: (by) =>
          inTurn(file, async () => {
            for (let tries = 1; ; tries++) {
              await low.read()
              const before = low.data
              const after = adapter.check(by(structuredClone(before)))
              if (adapter.isThere && JSON.stringify(after) === JSON.stringify(before)) return structuredClone(before)
              try {
                low.data = after
                await low.write()
                return structuredClone(after)
              } catch (error) {
                // Memory never runs ahead of the disk.
                low.data = before
                if (!(error instanceof Conflict)) throw error
                if (tries === MAX_TRIES) throw new SwitchboardError('DOCUMENT_BUSY', { detail: file })
              }
            }
          }),
      }
    },
  }
}

/** lowdb's file, but with compare-and-swap, flushed to the disk, and checked both ways. */
class FileAdapter<T extends z.ZodType> implements Adapter<z.output<T>> {
  readonly empty: z.output<T>
  /** Whether something has been read that fits the schema. */
  hasBeenGood = false
  readonly #file: string
  readonly #schema: T
  #content: z.output<T>
  /** The hash of the file of which `#content` was read or written; `undefined`: there was none. */
  #hash: string | undefined

  constructor(file: string, schema: T) {
    this.#file = file
    this.#schema = schema
    this.empty = this.#makeEmpty()
    this.#content = this.empty
  }

  get isThere(): boolean {
    return this.#hash !== undefined
  }

  async read(): Promise<z.output<T>> {
    const text = await readIfThere(this.#file)
    const hash = hashOf(text)
    if (!this.hasBeenGood || hash !== this.#hash) {
      this.#content = text === undefined ? this.empty : this.#parse(text)
      this.#hash = hash
      this.hasBeenGood = true
    }
    return this.#content
  }

  async write(content: z.output<T>): Promise<void> {
    const text = `${JSON.stringify(content, null, 2)}\n`
    if (hashOf(await readIfThere(this.#file)) !== this.#hash) throw new Conflict()
    await writeWhole(this.#file, text)
    this.#content = content
    this.#hash = hashOf(text)
  }

  /** What will be read after this has been written. */
  check(content: z.output<T>): z.output<T> {
    if (typeof content !== 'object' || content === null) throw new TypeError('A document is an object or a list.')
    return this.#fit(JSON.parse(JSON.stringify(content)))
  }

  #parse(text: string): z.output<T> {
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (error) {
      // The parser's own message may quote what stands there.
      throw broken(this.#file, `${placeOf(text, messageOf(error))}this is not JSON.`, undefined)
    }
    return this.#fit(value)
  }

  #fit(value: unknown): z.output<T> {
    const result = this.#schema.safeParse(value)
    if (result.success) return result.data
    const problems = result.error.issues.map(({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`)
    throw broken(this.#file, problems.join('; '), result.error)
  }

  #makeEmpty(): z.output<T> {
    for (const nothing of [undefined, {}]) {
      const { success, data } = this.#schema.safeParse(nothing)
      if (success && typeof data === 'object' && data !== null) return data
    }
    throw new TypeError(
      `The schema of ${basename(this.#file)} must make an object or a list of nothing: give it defaults.`,
    )
  }
}

function broken(file: string, problem: string, cause: unknown): SwitchboardError {
  return new SwitchboardError('DOCUMENT_BROKEN', { detail: `${file}: ${problem}`, cause })
}

function placeOf(text: string, message: string): string {
  const [, line, column] = /\(line (\d+) column (\d+)\)/.exec(message) ?? []
  if (line && column) return `line ${line}, column ${column}: `
  // Not every message of the parser says where; YAML, of which JSON is a part, is read by one that always does.
  const at = parseDocument(text, { schema: 'json', prettyErrors: true }).errors[0]?.linePos?.[0]
  return at ? `line ${at.line}, column ${at.col}: ` : ''
}

function hashOf(text: string | undefined): string | undefined {
  return text === undefined ? undefined : createHash('sha256').update(text).digest('base64')
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Whoever reads the file, at whatever moment, finds the old text or the new one, also after a power cut. */
async function writeWhole(file: string, text: string): Promise<void> {
  const folder = dirname(file)
  const made = await mkdir(folder, { recursive: true, mode: 0o700 })
  const temporary = `${file}.${process.pid}.tmp`
  try {
    await flushed(temporary, 'w', (handle) => handle.writeFile(text))
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {
      // What matters is why it could not be written.
    })
    throw error
  }
  await flushFolder(folder)
  if (made !== undefined) await flushFolder(dirname(folder))
}

async function flushFolder(folder: string): Promise<void> {
  await flushed(folder, 'r', async () => {})
}

async function flushed(
  path: string,
  flags: 'r' | 'w',
  work: (handle: Awaited<ReturnType<typeof openFile>>) => Promise<void>,
): Promise<void> {
  const handle = await openFile(path, flags, 0o600)
  try {
    await work(handle)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** What a process left that was ended while it wrote. */
async function removeLeftovers(file: string): Promise<void> {
  const folder = dirname(file)
  const names = await readdir(folder).catch(() => [])
  const leftovers = names.filter((name) => name.startsWith(`${basename(file)}.`) && name.endsWith('.tmp'))
  for (const name of leftovers) await rm(join(folder, name), { force: true })
}

/** Names come from the YAML and from plugins; none may lead out of the folder. */
function safeName(name: string): string {
  if (!/^[\p{L}\p{N}_-][\p{L}\p{N}._ -]*$/u.test(name))
    throw new TypeError(`"${name}" cannot be the name of a document.`)
  return name
}
