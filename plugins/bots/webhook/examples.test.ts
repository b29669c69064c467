/** The bots that the README shows are run as they stand there. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { manualClock, memoryDesk, testRuntime, testServer } from '#core/testing'
import webhook from './index.ts'

const SECRET = 'between-us-two'
const PATH = process.env.PATH ?? ''

async function freePort(): Promise<string> {
  await using server = await testServer(() => new Response())
  return new URL(server.url).port
}

/** Whether the other side has a listener there by now. */
async function listens(port: string): Promise<boolean> {
  return await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: '{}' }).then(
    () => true,
    () => false,
  )
}

test.for([
  { file: 'bot.mjs', command: process.execPath },
  { file: 'bot.py', command: 'python3' },
])('$file answers, hands over, and refuses what we have not signed', async ({ file, command }, { skip }) => {
  skip(spawnSync(command, ['--version']).error !== undefined, `there is no ${command} here`)
  const readme = await readFile(join(import.meta.dirname, 'README.md'), 'utf8')
  const [, code = ''] = new RegExp(`^\`\`\`\\w+ ${RegExp.escape(file)}\\n([\\s\\S]*?)^\`\`\``, 'm').exec(readme) ?? []
  expect(code.trim().split('\n').length).toBeLessThan(21)
  const folder = await mkdtemp(join(tmpdir(), 'switchboard-example-'))
  const port = await freePort()
  let child: ChildProcess | undefined
  try {
    await writeFile(join(folder, file), code)
    child = spawn(command, [join(folder, file)], { env: { PATH, PORT: port, BOT_SECRET: SECRET }, stdio: 'ignore' })
    await expect.poll(() => listens(port), { timeout: 10_000 }).toBe(true)
    await using bot = await testRuntime(
      {
        http: { allow: [`127.0.0.1:${port}`] },
        bots: { helper: { use: webhook, url: `http://127.0.0.1:${port}/`, secret: SECRET } },
        desks: { support: { use: memoryDesk().plugin } },
        texts: { handedOver: 'One moment.' },
      },
      { clock: manualClock(Date.now()) },
    )
    await bot.user('u1').says('hello 你好').hears('You said: hello 你好').says('human').hears('One moment.')
    const forged = await fetch(`http://127.0.0.1:${port}`, {
      method: 'POST',
      headers: { 'x-timestamp': String(Date.now()), 'x-signature': '00' },
      body: '{"event":{"text":"hello"}}',
    })
    expect(forged.status).toBe(401)
  } finally {
    if (child?.exitCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    await rm(folder, { recursive: true, force: true })
  }
})
