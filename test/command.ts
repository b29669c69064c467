/** The real command, as a process in a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, vi } from 'vitest'

export const COMMAND = fileURLToPath(new URL('../core/switchboard.js', import.meta.url))
export const SECRET = 'a-secret-of-this-test'
const SAYS_WITHIN_MS = 60_000

/** Where the test's configuration and storage are. */
export let folder: string
const children: ChildProcess[] = []

/** A folder for each test of the file that calls this. After it no process of the test is left. */
export function useFolder(): void {
  // Each of these tests starts several processes, and a busy machine takes its time.
  vi.setConfig({ testTimeout: 180_000 })
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'switchboard-'))
  })
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  })
}

export const yaml = (storage = './data') => `
server: { port: 0, publicUrl: http://localhost }
storage: { folder: ${storage} }
languages: [en]
channels:
  demo:
    use: loopback
    secret: \${LOOPBACK_SECRET}
bots: { parrot: { use: echo } }
routes: [{ from: [demo], mode: bot-only, bot: parrot }]
`

export async function config(text: string, name = 'switchboard.yaml'): Promise<string> {
  const file = join(folder, name)
  await writeFile(file, text)
  await writeFile(file.replace('.yaml', '.env'), `LOOPBACK_SECRET=${SECRET}\n`)
  return file
}

export interface Ended {
  readonly status: number | null
  readonly out: string
  readonly err: string
}

interface Variables {
  readonly [name: string]: string
}

export const run = (...args: readonly string[]) => runWith({}, ...args)

/** As `run`, with these variables over those of the tests. */
export function runWith(variables: Variables, ...args: readonly string[]) {
  const env = { ...process.env, ...variables }
  const child = spawn(process.execPath, [...args], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000, env })
  children.push(child)
  let out = ''
  let err = ''
  const looking = new Set<() => void>()
  const look = () => {
    for (const one of looking) one()
  }
  child.stdout.on('data', (chunk) => {
    out += chunk
    look()
  })
  child.stderr.on('data', (chunk) => {
    err += chunk
    look()
  })
  const ended = new Promise<Ended>((resolve) => child.on('close', (status) => resolve({ status, out, err })))
  const count = (text: string) => out.split(text).length + err.split(text).length - 2
  /** Resolves with its output once that holds this so many times. */
  const says = (text: string, times = 1) =>
    new Promise<string>((resolve, reject) => {
      const lookForIt = () => {
        if (count(text) >= times) resolve(out)
      }
      looking.add(lookForIt)
      lookForIt()
      setTimeout(() => reject(new Error(`It has not said "${text}":\n${out}\n${err}`)), SAYS_WITHIN_MS).unref()
      void ended.then(() => reject(new Error(`It ended without saying "${text}":\n${out}\n${err}`)))
    })
  return { child, ended, says, /** How often it has said this. */ count }
}

export const switchboard = (...args: readonly string[]) => run(COMMAND, ...args)

/**
 * What a command says here, without a process of its own, which takes as long as hundreds of such calls. That it is
 * there as a command, and how its process ends, each file that calls this shows by at least one of `switchboard`.
 */
export async function saidHere(command: () => Promise<void>): Promise<Ended> {
  let out = ''
  let err = ''
  const before = process.exitCode
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
      out += String(chunk)
      return true
    }),
    vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
      err += String(chunk)
      return true
    }),
  ]
  try {
    process.exitCode = undefined
    await command()
    return { status: Number(process.exitCode ?? 0), out, err }
  } finally {
    for (const spy of spies) spy.mockRestore()
    process.exitCode = before
  }
}

/** Starts it, and waits until it is ready. */
export async function started(file: string, variables: Variables = {}) {
  const process = runWith(variables, COMMAND, 'start', file)
  const ready = (await process.says('"ready:')).split('\n').find((line) => line.includes('ready:')) ?? ''
  return { ...process, url: String(JSON.parse(ready).url) }
}

function signed(text: string) {
  const timestamp = String(Date.now())
  const signature = createHmac('sha256', SECRET).update(`${timestamp}.${text}`).digest('hex')
  return { 'content-type': 'application/json', 'x-timestamp': timestamp, 'x-signature': signature }
}

export async function post(url: string, event: object): Promise<number> {
  const body = JSON.stringify(event)
  const response = await fetch(`${url}/demo`, { method: 'POST', headers: signed(body), body })
  await response.arrayBuffer()
  return response.status
}

/** The answers of a chat, waiting until there are so many. */
export async function answers(url: string, chat: string, count: number): Promise<readonly string[]> {
  const query = `chat=${chat}&after=0`
  for (let tries = 0; tries < 200; tries++) {
    const response = await fetch(`${url}/demo/sent?${query}`, { headers: signed(query) })
    const { sent }: { sent: { part: { text: string } }[] } = JSON.parse(await response.text())
    if (sent.length >= count) return sent.map(({ part }) => part.text)
  }
  throw new Error(`${chat} has not got ${count} answers.`)
}
