/** What operators deploy with, as far as it can be checked without a systemd that runs or a container engine. */
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { limits, server } from '../core/config/sections.ts'

const ROOT = resolve(import.meta.dirname, '..')
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8')
const Packages = z.object({
  scripts: z.record(z.string(), z.string()),
  dependencies: z.record(z.string(), z.string()),
  devDependencies: z.record(z.string(), z.string()),
})
const packages = Packages.parse(JSON.parse(read('package.json')))
/** However it is started, and measured, Node is told the same. */
const NODE_OPTIONS = /^node ((?:--\S+ )+)core\/switchboard\.js start$/
  .exec(packages.scripts.start ?? '')?.[1]
  ?.trim()
  .split(' ')

test('it is measured as it is started', () => {
  expect(NODE_OPTIONS).toBeDefined()
  expect(read('bench/launch.ts')).toContain(`const NODE_OPTIONS = ['${NODE_OPTIONS?.join("', '")}']`)
})

test('what runs imports nothing that is there only for development', () => {
  // The widget and the workbench run in browsers, made by build.ts, which is a tool of development.
  const others = [
    '**/*.test.ts',
    '**/__fixtures__/**',
    '**/simulated-*.ts',
    '**/build.ts',
    '**/{built,widget,workbench}/**',
  ]
  const files = globSync('{core,plugins}/**/*.{ts,js}', { cwd: ROOT, exclude: others })
  const imports = files.flatMap((file) =>
    [
      ...read(file).matchAll(/(?<!import type [^;\n]*)\b(?:from|import) '([^'.#][^']*)'|\bimport\('([^'.#][^']*)'\)/g),
    ].map(([, from, later]) => from ?? later ?? ''),
  )
  const names = imports
    .filter((name) => !name.startsWith('node:'))
    .map((name) => name.split('/', name[0] === '@' ? 2 : 1).join('/'))
  expect(new Set(names).size).toBeGreaterThan(5)
  expect([...new Set(names)].filter((name) => !(name in packages.dependencies) && name !== 'switchboard')).toEqual([])
})

describe('the unit', () => {
  const text = read('deploy/switchboard.service')
  const settings = [...text.matchAll(/^([A-Za-z]+)=(.*)$/gm)].map(([, key = '', value = '']) => ({ key, value }))
  const unit = new Map(settings.map(({ key, value }) => [key, value]))

  test('says everything once', () => {
    expect(settings.map(({ key }) => key)).toEqual([...unit.keys()])
    expect(text.match(/^\[.*\]$/gm)).toEqual(['[Unit]', '[Service]', '[Install]'])
  })

  test('starts the command, reloads by SIGHUP, and is not root', () => {
    const { options, rest } = optionsApart(unit.get('ExecStart')?.split(' ') ?? [])
    const [node = '', script = '', command, file] = rest
    expect(options).toEqual(NODE_OPTIONS)
    expect([node, command, file]).toEqual(['/usr/bin/node', 'start', '/etc/switchboard/switchboard.yaml'])
    expect(existsSync(join(ROOT, script))).toBe(true)
    expect(unit.get('ExecReload')).toMatch(/^\/\S+\/kill -HUP \$MAINPID$/)
    expect(unit.get('User')).toBe('switchboard')
  })

  test('is started again however it ended, a reload that came too early included, unless it is used wrongly', () => {
    expect(unit.get('Restart')).toBe('always')
    expect(unit.get('RestartPreventExitStatus')).toBe('2')
  })

  test('keeps what Node has compiled where it may write, and nobody else', () => {
    expect(unit.get('ProtectSystem')).toBe('strict')
    expect(unit.get('Environment')).toBe(`NODE_COMPILE_CACHE=/var/cache/${unit.get('CacheDirectory')}`)
    expect(unit.get('CacheDirectoryMode')).toBe('0700')
  })

  test('waits for a reload and then the turns before it kills', () => {
    const drainForMs = limits.parse({}).drainFor
    expect(Number(unit.get('TimeoutStopSec')) * 1_000).toBeGreaterThan(2 * drainForMs)
  })

  test.skipIf(!isCommand('systemd-analyze'))('is understood by systemd, which finds little that it could harm', () => {
    const folder = mkdtempSync(join(tmpdir(), 'switchboard-'))
    const file = join(folder, 'switchboard.service')
    writeFileSync(file, text.replaceAll('/usr/bin/node', process.execPath))
    const verified = execFileSync('systemd-analyze', ['verify', file], { encoding: 'utf8', stdio: 'pipe' })
    const judged = ['security', '--offline=true', '--threshold=20', file]
    const found = execFileSync('systemd-analyze', judged, { encoding: 'utf8', stdio: 'pipe' })
    rmSync(folder, { recursive: true })
    expect(verified).toBe('')
    expect(found).toContain('OK')
  })
})

describe('the Dockerfile', () => {
  const instructions = read('deploy/Dockerfile')
    .replace(/^#.*\n/gm, '')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => ({ name: line.split(' ', 1)[0] ?? '', rest: line.slice(line.indexOf(' ') + 1).trim() }))
  const of = (name: string) => instructions.filter((one) => one.name === name).map(({ rest }) => rest)
  const one = (name: string) => {
    const [only, ...more] = of(name)
    if (only === undefined || more.length > 0)
      throw new Error(`${name} stands there ${more.length + 1} times or never.`)
    return only
  }
  const lastStage = instructions.slice(instructions.findLastIndex(({ name }) => name === 'FROM'))

  test('is made of the official image of the very Node that the tests run on, in stages', () => {
    const image = `node:${packages.devDependencies.node}-slim`
    expect(of('FROM')).toEqual([`${image} AS packages`, `${image} AS built`, image])
    expect(of('RUN')[0]).toMatch(/^npm ci --omit=dev /)
    expect(of('RUN')).toContain('npm run build')
    for (const built of ['plugins/channels/web/built', 'plugins/desks/desk/built', 'core/bundles/built'])
      expect(lastStage.map(({ rest }) => rest)).toContain(`--from=built /app/${built} ${built}`)
    // By which it knows that the bundles are of the packages that are there.
    expect(lastStage.map(({ rest }) => rest)).toContain('package.json package-lock.json ./')
    expect(lastStage.filter(({ name, rest }) => name === 'RUN' && rest.includes('npm'))).toEqual([])
  })

  test('copies named things only, all of which are there and none of which is ignored', () => {
    const copied = of('COPY')
      .filter((rest) => !rest.startsWith('--from'))
      .flatMap((rest) => rest.split(' ').slice(0, -1))
    expect([...new Set(copied)].sort()).toEqual(['build', 'core', 'package-lock.json', 'package.json', 'plugins'])
    for (const name of copied) expect(existsSync(join(ROOT, name))).toBe(true)
    expect(of('ADD')).toEqual([])
    const [first, ...rest] = read('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
    expect(first).toBe('*')
    expect(rest.filter((line) => line.startsWith('!')).sort()).toEqual(
      [...new Set(copied)].map((name) => `!${name}`).sort(),
    )
    expect(rest.at(-1)).toBe('**/*.env')
  })

  test('runs as somebody, by number, who owns the volume; nothing is built as root after that', () => {
    expect(one('USER')).toMatch(/^[1-9]\d*:[1-9]\d*$/)
    const [user, group] = one('USER').split(':')
    expect(of('RUN').at(-1)).toContain(`--owner=${user} --group=${group} --mode=0700 ${JSON.parse(one('VOLUME'))[0]}`)
    const afterwards = lastStage.slice(lastStage.findIndex(({ name }) => name === 'USER')).map(({ name }) => name)
    expect(afterwards).not.toContain('RUN')
    expect(afterwards).not.toContain('COPY')
    expect([...of('ENV'), ...of('ARG')]).toEqual([])
    for (const folder of of('WORKDIR')) expect(folder).toMatch(/^\//)
  })

  test('starts the command without a shell between it and the signals', () => {
    const Words = z.array(z.string())
    const { options, rest } = optionsApart([
      ...Words.parse(JSON.parse(one('ENTRYPOINT'))),
      ...Words.parse(JSON.parse(one('CMD'))),
    ])
    const [node, script = '', command] = rest
    expect(options).toEqual(NODE_OPTIONS)
    expect([node, command, one('STOPSIGNAL')]).toEqual(['node', 'start', 'SIGTERM'])
    expect(existsSync(join(ROOT, script))).toBe(true)
  })

  let web: Server | undefined
  afterEach(() => web?.close())

  test('is healthy as long as /healthz says so', async () => {
    const check = one('HEALTHCHECK').split(' CMD ')[1] ?? '[]'
    const port = String(server.parse({}).port)
    expect(one('EXPOSE')).toBe(port)
    expect(check).toContain(`SWITCHBOARD_PORT ?? ${port})`)
    let status = 200
    const asked: (string | undefined)[] = []
    web = createServer((request, response) => {
      asked.push(request.url)
      response.writeHead(status).end()
    })
    const listening = web
    await new Promise<void>((done) => listening.listen(0, '127.0.0.1', done))
    const address = listening.address()
    if (typeof address !== 'object' || !address) throw new Error('It does not listen.')
    const [, ...words] = z.array(z.string()).parse(JSON.parse(check))
    const env = { ...process.env, SWITCHBOARD_PORT: String(address.port) }
    const isHealthy = () =>
      new Promise<boolean>((done) => execFile(process.execPath, words, { env }, (error) => done(!error)))
    expect(await isHealthy()).toBe(true)
    status = 503
    expect(await isHealthy()).toBe(false)
    expect(asked).toEqual(['/healthz', '/healthz'])
    listening.closeAllConnections()
    await new Promise((done) => listening.close(done))
    expect(await isHealthy()).toBe(false)
  })
})

/** What Node is told, apart from the rest of a command. */
function optionsApart(words: readonly string[]) {
  const options = words.filter((word) => word.startsWith('--'))
  return { options, rest: words.filter((word) => !options.includes(word)) }
}

function isCommand(name: string): boolean {
  try {
    execFileSync(name, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
