/** `switchboard test` itself, in a folder as an operator has it. */
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'

/** Each of these starts a process, and a busy machine takes its time. */
vi.setConfig({ testTimeout: 120_000 })

let folder: string
const inFolder = (file: string) => join(folder, 'config', file)
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'switchboard-'))
  for (const file of ['switchboard.yaml', 'switchboard.test.yaml', 'switchboard.env']) {
    await cp(join('config', file), inFolder(file))
  }
})
afterAll(() => rm(folder, { recursive: true }))

/** The shipped file with a change in it. */
async function change(from: string, to: string): Promise<void> {
  const text = await readFile('config/switchboard.yaml', 'utf8')
  await writeFile(inFolder('switchboard.yaml'), text.replace(from, to))
}

function run(...args: readonly string[]): Promise<{ readonly status: number; readonly out: string }> {
  const command = [resolve('core/switchboard.js'), 'test', ...args]
  return new Promise((done) => {
    execFile(process.execPath, command, { cwd: folder, env: {} }, (error, out) => {
      done({ status: error ? Number(error.code) : 0, out })
    })
  })
}

/** What differs from run to run, and how a story is told: that is tested elsewhere. */
function steady(text: string): string {
  return text.replace(/ +\d+ ms/g, ' 0 ms').replace(/(?<=and why:\n)( {4}.*\n)+/g, '')
}

async function shownInReadme(): Promise<readonly string[]> {
  const readme = await readFile('README.md', 'utf8')
  return [...readme.matchAll(/^\$ npx switchboard test\n([\s\S]*?)^```/gm)].map(([, shown = '']) => steady(shown))
}

test('all well: the session in the README', async () => {
  await change('', '')
  const { status, out } = await run()
  expect(status).toBe(0)
  expect(steady(out)).toBe((await shownInReadme())[0])
})

test('one has failed: the session in the README, and the exit status 1', async () => {
  await change('{ text: r, match: exact }', 'r')
  const { status, out } = await run()
  expect(status).toBe(1)
  expect(steady(out)).toBe((await shownInReadme())[1])
  expect(out).toMatch(/respond, keyword-handoff: .*config\/switchboard\.yaml:26/)
})

test('a secret of the configuration is told to nobody', async () => {
  await change('', '')
  const text = await readFile(inFolder('switchboard.test.yaml'), 'utf8')
  const secret = 'only-for-trying-things-out'
  await writeFile(inFolder('switchboard.test.yaml'), text.replace('"echo: hello"', `${secret}, and more`))
  const told = [await run(), await run('--json')]
  await writeFile(inFolder('switchboard.test.yaml'), text)
  expect(told.map(({ status }) => status)).toEqual([1, 1])
  for (const { out } of told) {
    expect(out).not.toContain(secret)
    expect(out).toContain('[secret], and more')
  }
})

test('for machines it is one document', async () => {
  await change('{ text: r, match: exact }', 'r')
  const { status, out } = await run('--json')
  const told = JSON.parse(out)
  expect(status).toBe(1)
  expect(told).toMatchObject({ ok: false, failed: 1 })
  expect(told.scenarios.filter(({ ok }: { ok: boolean }) => !ok)).toMatchObject([
    { failure: { file: 'config/switchboard.test.yaml', sentence: 'anna hears', expected: ['echo: a, r, or x'] } },
  ])
})

test('a configuration with problems is told as check tells it', async () => {
  await change('use: echo', 'use: ecko')
  const { status, out } = await run()
  expect(status).toBe(1)
  expect(out).toMatch(/^config\/switchboard\.yaml:16:10 .*CONFIG_UNKNOWN_PLUGIN/)
  expect(JSON.parse((await run('--json')).out)).toMatchObject({ ok: false, problems: [{ line: 16 }] })
})

test('scenarios with problems are told likewise, and nothing is played', async () => {
  await change('', '')
  const text = await readFile('config/switchboard.test.yaml', 'utf8')
  await writeFile(inFolder('switchboard.test.yaml'), text.replace('anna says: hello', 'anna sayz: hello'))
  const { status, out } = await run()
  expect(status).toBe(1)
  expect(out).toMatch(/^config\/switchboard\.test\.yaml:\d+:9 .*CONFIG_UNKNOWN_KEY/)
  expect(out).toMatch(/\n1 problem\.\n$/)
})

test('without scenarios it says how to begin', async () => {
  await rm(inFolder('switchboard.test.yaml'))
  const { status, out } = await run('config/switchboard.yaml')
  expect(status).toBe(1)
  expect(out).toContain('There is no file "config/switchboard.test.yaml" with scenarios of config/switchboard.yaml.')
})
