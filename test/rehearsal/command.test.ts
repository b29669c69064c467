/** `switchboard test` itself, in a folder as an operator has it. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { test as playScenarios } from '../../core/cli/test.ts'
import { saidHere } from '../command.ts'

/** Each of these starts a process, and a busy machine takes its time. */
vi.setConfig({ testTimeout: 120_000 })

let folder: string
const inFolder = (file: string) => join(folder, 'config', file)
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'switchboard-'))
  for (const file of ['switchboard.yaml', 'switchboard.test.yaml', 'switchboard.env', 'faq.yaml']) {
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

/** The same without a process of its own, for what it says. Files are named as they are seen from the folder. */
async function runHere(...args: readonly string[]): Promise<{ readonly status: number | null; readonly out: string }> {
  const before = process.cwd()
  process.chdir(folder)
  try {
    const [file = 'config/switchboard.yaml'] = args.filter((arg) => arg !== '--json')
    return await saidHere(() => playScenarios(file, args.includes('--json')))
  } finally {
    process.chdir(before)
  }
}

/** A bot that asks outside in every way that there is. */
const OUTSIDE = `
import { request } from 'node:http'
import { connect } from 'node:tls'
import { defineBot, z } from 'switchboard'

const refusal = (socket) => new Promise((done) => {
  socket.on('error', (error) => done(error.message))
  socket.on('response', () => done('answered'))
  socket.on('secureConnect', () => done('answered'))
})

export default defineBot({
  name: 'outside',
  summary: 'Asks outside.',
  config: z.strictObject({ server: z.string(), key: z.string().length(43), keep: z.int(), page: z.url() }),
  setup: ({ config: { server } }) => ({
    async answer(turn) {
      switch (turn.text) {
        case 'never': return new Promise(() => {})
        case 'fetch': return turn.reply(await fetch(server).then(() => 'answered', (error) => error.message))
        case 'request': return turn.reply(await refusal(request(server).end()))
        case 'tls': return turn.reply(await refusal(connect(Number(new URL(server).port), '127.0.0.1')))
        default: {
          const socket = new WebSocket(server.replace('http', 'ws'))
          return turn.reply(await new Promise((done) => {
            socket.onopen = () => done('answered')
            socket.onerror = () => done('refused')
          }))
        }
      }
    },
  }),
})
`

const outsideYaml = (server: string) => `
server: { port: "\${PORT}", publicUrl: "\${PUBLIC_URL}" }
channels: { demo: { use: loopback, secret: "\${LOOPBACK_SECRET}" } }
bots: { llm: { use: ./outside.ts, server: "${server}", key: "\${LLM_KEY}", keep: "\${LLM_KEEP}", page: "\${LLM_PAGE}" } }
routes: [{ from: demo, mode: bot-only, bot: llm }]
`

const OUTSIDE_SCENARIOS = `
scenarios:
  - scenario: everything is refused
    steps:
      - li says: fetch
        li hears: /In a rehearsal nothing outside is asked/
      - li says: request
        li hears: /In a rehearsal nothing outside is asked/
      - li says: tls
        li hears: /In a rehearsal nothing outside is asked/
      - li says: socket
        li hears: refused
`

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
  expect(out).toMatch(/respond, keyword-handoff: .*config\/switchboard\.yaml:35/)
})

test('a secret of the configuration is told to nobody', async () => {
  await change('', '')
  const text = await readFile(inFolder('switchboard.test.yaml'), 'utf8')
  const secret = 'only-for-trying-things-out'
  // The scenario that expects it is enough.
  const [first = ''] = text.split(/(?<=\n)\n {2}- scenario:/)
  await writeFile(inFolder('switchboard.test.yaml'), first.replace('Two to four days.', `${secret}, and more`))
  const told = [await runHere(), await run('--json')]
  await writeFile(inFolder('switchboard.test.yaml'), text)
  expect(told.map(({ status }) => status)).toEqual([1, 1])
  for (const { out } of told) {
    expect(out).not.toContain(secret)
    expect(out).toContain('[secret], and more')
  }
})

test('for machines it is one document', async () => {
  await change('{ text: r, match: exact }', 'r')
  const text = await readFile(inFolder('switchboard.test.yaml'), 'utf8')
  // One that is well, and the one that has failed.
  const [first = '', ...others] = text.split(/(?<=\n)(?=\n {2}- scenario:)/)
  const failing = others.filter((one) => one.includes('A bare r asks for a person'))
  await writeFile(inFolder('switchboard.test.yaml'), [first, ...failing].join(''))
  const { status, out } = await runHere('--json')
  await writeFile(inFolder('switchboard.test.yaml'), text)
  const told = JSON.parse(out)
  expect(status).toBe(1)
  expect(told).toMatchObject({ ok: false, failed: 1, scenarios: [{ ok: true }, { ok: false }] })
  expect(told.scenarios.filter(({ ok }: { ok: boolean }) => !ok)).toMatchObject([
    {
      failure: {
        file: 'config/switchboard.test.yaml',
        sentence: 'anna hears',
        expected: ['Sorry, I did not understand. Could you say it in other words?'],
      },
    },
  ])
})

test('a configuration with problems is told as check tells it', async () => {
  await change('use: faq', 'use: fak')
  const { status, out } = await runHere()
  expect(status).toBe(1)
  expect(out).toMatch(/^config\/switchboard\.yaml:23:10 .*CONFIG_UNKNOWN_PLUGIN/)
  expect(JSON.parse((await runHere('--json')).out)).toMatchObject({ ok: false, problems: [{ line: 23 }] })
})

test('scenarios with problems are told likewise, and nothing is played', async () => {
  await change('', '')
  const text = await readFile('config/switchboard.test.yaml', 'utf8')
  await writeFile(inFolder('switchboard.test.yaml'), text.replace('anna says: hello\n', 'anna sayz: hello\n'))
  const { status, out } = await runHere()
  expect(status).toBe(1)
  expect(out).toMatch(/^config\/switchboard\.test\.yaml:\d+:9 .*CONFIG_UNKNOWN_KEY/)
  expect(out).toMatch(/\n1 problem\.\n$/)
})

test('nothing outside is asked, past the plugin’s http too, and a made-up variable is never what is refused', async () => {
  const asked = createServer((_request, response) => response.end('the outside')).listen(0, '127.0.0.1')
  await once(asked, 'listening')
  const address = asked.address()
  const port = typeof address === 'object' ? address?.port : undefined
  await writeFile(join(folder, 'outside.ts'), OUTSIDE)
  await writeFile(join(folder, 'outside.yaml'), outsideYaml(`http://127.0.0.1:${port}`))
  await writeFile(join(folder, 'outside.test.yaml'), OUTSIDE_SCENARIOS)
  const { status, out } = await run('outside.yaml')
  asked.close()
  expect(out).toContain('1 scenario, all well.')
  expect(status).toBe(0)
})

test('a problem that has nothing to do with what is made up is told all the same', async () => {
  await writeFile(join(folder, 'outside.yaml'), outsideYaml('http://127.0.0.1').replace('port:', 'prot:'))
  const { status, out } = await run('outside.yaml')
  expect(status).toBe(1)
  expect(out).toMatch(/server\.prot .*CONFIG_UNKNOWN_KEY/)
  expect(out).toMatch(/\n1 problem\.\n$/)
})

test('interrupted, it leaves no journal behind', async () => {
  await writeFile(join(folder, 'outside.yaml'), outsideYaml('http://127.0.0.1'))
  await writeFile(join(folder, 'outside.test.yaml'), OUTSIDE_SCENARIOS.replace('says: fetch', 'says: never'))
  const own = await mkdtemp(join(folder, 'temporary-'))
  const command = [resolve('core/switchboard.js'), 'test', 'outside.yaml']
  const process_ = execFile(process.execPath, command, { cwd: folder, env: { TMPDIR: own } })
  const ended = once(process_, 'exit')
  const journals = () => globSync('switchboard-rehearsal-*', { cwd: own })
  await vi.waitFor(() => expect(journals()).toHaveLength(1), { timeout: 60_000 })
  process_.kill('SIGINT')
  expect(await ended).toEqual([130, null])
  expect(journals()).toEqual([])
})

test('doctor, interrupted while WeChat does not answer, leaves nothing behind either', async () => {
  const hanging = createServer(() => undefined).listen(0, '127.0.0.1')
  try {
    await once(hanging, 'listening')
    const asked = once(hanging, 'request')
    const address = hanging.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const yaml = `
http: { allow: ["127.0.0.1"] }
channels:
  shop: { use: wechat, appId: wx1, appSecret: "\${WX_SECRET}", token: "\${WX_TOKEN}", apiBase: "http://127.0.0.1:${port}" }
bots: { parrot: { use: echo } }
routes: [{ from: [shop], mode: bot-only, bot: parrot }]
`
    await writeFile(join(folder, 'doctor.yaml'), yaml)
    const own = await mkdtemp(join(folder, 'temporary-'))
    const env = { TMPDIR: own, WX_SECRET: 'secretsecret', WX_TOKEN: 'tokentoken' }
    const command = [resolve('core/switchboard.js'), 'doctor', 'doctor.yaml']
    const process_ = execFile(process.execPath, command, { cwd: folder, env })
    const ended = once(process_, 'exit')
    await Promise.race([asked, ended])
    const journals = () => globSync('switchboard-rehearsal-*', { cwd: own })
    expect(journals()).toHaveLength(1)
    process_.kill('SIGINT')
    expect(await ended).toEqual([130, null])
    expect(journals()).toEqual([])
  } finally {
    hanging.closeAllConnections()
    hanging.close()
  }
})

test('without scenarios it says how to begin', async () => {
  await rm(inFolder('switchboard.test.yaml'))
  const { status, out } = await runHere('config/switchboard.yaml')
  expect(status).toBe(1)
  expect(out).toContain('There is no file "config/switchboard.test.yaml" with scenarios of config/switchboard.yaml.')
})
