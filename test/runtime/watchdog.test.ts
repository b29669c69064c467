import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const PROCESS = fileURLToPath(new URL('./blocking-process.ts', import.meta.url))

function run(
  folder: string,
  ...texts: readonly string[]
): Promise<{ signal: string | null; out: string; err: string }> {
  const child = spawn(process.execPath, [PROCESS, folder, ...texts], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  return new Promise((resolve) => child.on('close', (_code, signal) => resolve({ signal, out, err })))
}

test('a bot that blocks the thread is named, and its event is given up after the third time; the chat goes on', {
  timeout: 120_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'switchboard-'))
  try {
    const first = await run(folder, 'block', 'after')
    expect(first.signal).toBe('SIGKILL')
    expect(first.err).toContain('slow (stubborn) has blocked the thread')
    expect(first.err).toContain('blocking-process.ts:')
    expect((await run(folder)).signal).toBe('SIGKILL')
    expect((await run(folder)).signal).toBe('SIGKILL')

    const last = await run(folder)
    expect(last.signal).toBe(null)
    expect(JSON.parse(last.out)).toEqual({
      outcomes: [
        { outcome: 'failed', because: 'it has blocked the process three times' },
        { outcome: 'answered', because: 'bot' },
      ],
      sent: [
        { type: 'text', text: 'Sorry, something went wrong. Please try again later.' },
        { type: 'text', text: 'heard after' },
      ],
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
