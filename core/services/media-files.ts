/** The files of messages on disk: each content once, under its hash; whole, or not there. */
import { createHash } from 'node:crypto'
import { createReadStream, openAsBlob, unlinkSync } from 'node:fs'
import { type FileHandle, mkdir, open as openFile, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { SwitchboardError } from '../errors.ts'
import { abortable } from './limit.ts'

export interface StoredFile {
  /** The SHA-256 of its content. */
  readonly file: string
  readonly sizeBytes: number
  /** The type that its content has, if it is a known one. */
  readonly foundType: string | undefined
}

export interface MediaFiles {
  /** Makes the folder, and removes what an ended process was taking in. Done before the first `put` in any case. */
  ready(): Promise<void>
  /**
   * Takes in a whole body, then calls `record`, which writes down who needs it. Rejects with `MEDIA_TOO_LARGE`,
   * `MEDIA_EMPTY`, with the signal's reason, and with whatever the body or `record` fails with; then nothing is left but perhaps an unused file.
   */
  put(
    body: ReadableStream | Blob,
    options: {
      readonly maxBytes: number
      readonly signal: AbortSignal
      /** Also find `text/plain`: text that nothing but a reader makes anything of, without markup and control characters. */
      readonly findsText?: boolean | undefined
      /** Whether a file of this type may be stored; if not, nothing of it stays and it rejects with `MEDIA_TYPE`. */
      readonly accepts?: ((foundType: string | undefined) => boolean) | undefined
    },
    record: (stored: StoredFile) => Promise<void>,
  ): Promise<void>
  /** Rejects when it is not there. It is read from the disk as it is needed. */
  open(file: string, mimeType: string): Promise<Blob>
  /** Removes the files of which `used` does not give back the name. Gives their number. */
  removeUnused(used: (files: readonly string[]) => Promise<readonly string[]>): Promise<number>
}

/** Where files are while they come in. */
const INCOMING = 'incoming'
const PLAIN_TEXT = 'text/plain'
const HASH = /^[0-9a-f]{64}$/

/** The files in a folder that nobody else writes to. */
export function makeMediaFiles(folder: string): MediaFiles {
  const incoming = join(folder, INCOMING)
  /** Taken in, and perhaps not written down yet. */
  const held = new Set<{ readonly file: string }>()
  /** What has come in since `removeUnused` asked. */
  let landed: Set<string> | undefined
  let count = 0
  let prepared: Promise<void> | undefined

  async function prepare(): Promise<void> {
    await rm(incoming, { recursive: true, force: true })
    await mkdir(incoming, { recursive: true, mode: 0o700 })
  }

  function ready(): Promise<void> {
    prepared ??= prepare().catch((error: unknown) => {
      prepared = undefined
      throw error
    })
    return prepared
  }

  const folderOf = (file: string) => join(folder, file.slice(0, 2))

  /** From here on the content outlives a power cut. */
  async function settle(temporary: string, file: string): Promise<void> {
    const home = folderOf(file)
    const made = await mkdir(home, { recursive: true, mode: 0o700 })
    await rename(temporary, join(home, file))
    await flushFolder(home)
    if (made !== undefined) await flushFolder(folder)
  }

  return {
    ready,

    async put(body, { maxBytes, signal, findsText, accepts }, record) {
      await ready()
      const temporary = join(incoming, String(++count))
      try {
        const { file, sizeBytes } = await save(body, temporary, maxBytes, signal)
        const foundType =
          (await typeOf(temporary)) ?? (findsText && (await isPlainText(temporary)) ? PLAIN_TEXT : undefined)
        if (accepts?.(foundType) === false) throw new SwitchboardError('MEDIA_TYPE')
        const hold = { file }
        held.add(hold)
        try {
          await settle(temporary, file)
          await record({ file, sizeBytes, foundType })
        } finally {
          landed?.add(file)
          held.delete(hold)
        }
      } finally {
        await rm(temporary, { force: true })
      }
    },

    open: (file, mimeType) => openAsBlob(join(folderOf(file), file), { type: mimeType }),

    async removeUnused(used) {
      landed = new Set()
      let removed = 0
      try {
        for (const home of await readdir(folder).catch(() => [])) {
          if (home.length !== 2) continue
          const files = (await readdir(join(folder, home))).filter((file) => HASH.test(file))
          const needed = new Set(files.length > 0 ? await used(files) : [])
          for (const file of files) {
            const isHeld = [...held].some((hold) => hold.file === file)
            if (needed.has(file) || landed.has(file) || isHeld) continue
            // At once, so that nothing can come in between the question and this.
            unlinkSync(join(folder, home, file))
            removed += 1
          }
        }
      } finally {
        landed = undefined
      }
      return removed
    },
  }
}

async function save(
  body: ReadableStream | Blob,
  to: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<{ readonly file: string; readonly sizeBytes: number }> {
  const reader = (body instanceof Blob ? body.stream() : body).getReader()
  let handle: FileHandle | undefined
  try {
    handle = await openFile(to, 'wx', 0o600)
    const hash = createHash('sha256')
    let sizeBytes = 0
    for (;;) {
      const { done, value } = await abortable(reader.read(), signal)
      if (done) break
      const bytes = typeof value === 'string' ? Buffer.from(value) : value
      if (!(bytes instanceof Uint8Array)) throw new TypeError('A file’s body must consist of bytes.')
      sizeBytes += bytes.byteLength
      if (sizeBytes > maxBytes)
        throw new SwitchboardError('MEDIA_TOO_LARGE', { detail: `More than ${maxBytes} bytes.` })
      hash.update(bytes)
      await handle.writeFile(bytes)
    }
    if (sizeBytes === 0) throw new SwitchboardError('MEDIA_EMPTY')
    await handle.sync()
    return { file: hash.digest('hex'), sizeBytes }
  } catch (error) {
    reader.cancel(error).catch(() => {
      // It has failed already: that is why.
    })
    throw error
  } finally {
    await handle?.close()
  }
}

async function typeOf(path: string): Promise<string | undefined> {
  try {
    // Loaded with the first file: whoever starts need not wait for it.
    const { fileTypeFromFile } = await import('file-type')
    return (await fileTypeFromFile(path))?.mime
  } catch {
    // A file that only looks like its type until one reads on has none.
    return undefined
  }
}

/** What nobody types into a text, and what a browser may find markup in. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const NO_PLAIN_TEXT = /[\u0000-\u0008\u000b\u000e-\u001f\u007f-\u009f]|<[a-z!?/]/iu

async function isPlainText(path: string): Promise<boolean> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let before = ''
  try {
    for await (const bytes of createReadStream(path)) {
      const text = decoder.decode(bytes, { stream: true })
      // A tag may be cut in two.
      if (NO_PLAIN_TEXT.test(before + text)) return false
      before = text.slice(-1)
    }
    decoder.decode()
    return true
  } catch (error) {
    if (error instanceof TypeError) return false
    throw error
  }
}

async function flushFolder(path: string): Promise<void> {
  const handle = await openFile(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
