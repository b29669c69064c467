import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test, vi } from 'vitest'
import { explainTopic } from '../core/cli/topics.ts'
import {
  answers,
  COMMAND,
  config,
  folder,
  post,
  run,
  runWith,
  SECRET,
  saidHere,
  started,
  switchboard,
  useFolder,
  yaml,
} from './command.ts'

useFolder()

test('start answers, explain tells why, a backup is taken meanwhile, and Ctrl-C finishes what is under way', async () => {
  const file = await config(yaml())
  const { url, child, ended } = await started(file)
  expect(await post(url, { id: '1', chat: 'u1', text: 'hello' })).toBe(200)
  expect(await answers(url, 'u1', 1)).toEqual(['echo: hello'])

  const told = await switchboard('explain', file, '--of', 'u1').ended
  expect(told).toMatchObject({ status: 0, err: '' })
  expect(told.out).toMatch(/customer: "hello"\n {4}answered: bot\n/)
  expect(told.out).toMatch(/bot, parrot: reply.*switchboard\.yaml:9/)
  expect(told.out).toMatch(/parrot: "echo: hello"\n {4}channel: sent/)
  expect((await switchboard('explain', file, '--of', 'nobody').ended).status).toBe(1)

  const again = await switchboard('explain', file, '--replay', 'u1').ended
  expect(again).toMatchObject({ status: 0, err: '', out: expect.stringContaining('Each ended as it did.') })
  // Also while the file is being mended.
  const broken = await config(`${yaml()}colour: red\n`, 'broken.yaml')
  expect((await switchboard('explain', broken, '--of', 'u1').ended).out).toBe(
    told.out.replaceAll('broken', 'switchboard'),
  )
  const resolved = await switchboard('explain', file, '--json').ended
  expect(JSON.parse(resolved.out)).toMatchObject({ channels: [{ name: 'demo', routes: [{ mode: 'bot-only' }] }] })

  const backup = join(folder, 'backup')
  expect(await switchboard('backup', file, '--to', backup).ended).toMatchObject({ status: 0, err: '' })
  expect((await switchboard('backup', file, '--to', backup).ended).err).toContain('is there already')

  const all = Array.from({ length: 50 }, (_, n) => post(url, { id: `m${n}`, chat: `c${n % 5}`, text: `${n}` }))
  expect(await Promise.all(all)).toEqual(Array(50).fill(200))
  child.kill('SIGINT')
  expect(await ended).toMatchObject({ status: 0, out: expect.stringContaining('"stopped"') })

  // The copy holds what there was, and works as a storage folder.
  const restored = await started(await config(yaml('./backup'), 'restored.yaml'))
  expect(await answers(restored.url, 'u1', 1)).toEqual(['echo: hello'])
  restored.child.kill('SIGTERM')
  expect((await restored.ended).status).toBe(0)

  const later = await started(file)
  const expected = (chat: number) => Array.from({ length: 10 }, (_, n) => `echo: ${n * 5 + chat}`)
  for (let chat = 0; chat < 5; chat++) expect(await answers(later.url, `c${chat}`, 10)).toEqual(expected(chat))
})

test('a second process in the same folder is refused, and so is one at a port that is taken; each says so', async () => {
  const file = await config(yaml())
  const { url } = await started(file)
  const second = await switchboard('start', file).ended
  expect(second.status).toBe(1)
  expect(second.out).toContain('Another process uses this storage folder.')
  const other = yaml('./other').replace('port: 0', `port: ${new URL(url).port}`)
  const third = await switchboard('start', await config(other, 'other.yaml')).ended
  expect(third.status).toBe(1)
  expect(third.out).toContain('EADDRINUSE')
})

test('check says in words what will happen; with problems it exits with 1 and shows them all', async () => {
  const well = await switchboard('check', await config(yaml())).ended
  expect(well).toMatchObject({ status: 0, err: '' })
  expect(well.out).toContain('parrot answers')
  const bad = yaml().replace('use: echo', 'use: ecko').replace('bot: parrot', 'bot: parot')
  const ill = await switchboard('check', await config(bad, 'bad.yaml')).ended
  expect(ill.status).toBe(1)
  expect(ill.out).toContain('2 problems')
  const json = await switchboard('check', join(folder, 'bad.yaml'), '--json').ended
  expect(json.status).toBe(1)
  expect(JSON.parse(json.out).problems).toHaveLength(2)
})

test('doctor says so where there is nothing to look at', async () => {
  const well = await switchboard('doctor', await config(yaml())).ended
  expect(well).toEqual({ status: 0, out: 'Nothing in it asks anything outside that could be looked at.\n', err: '' })
})

test('simulate says what there is where there is nothing to simulate', async () => {
  const { status, out, err } = await switchboard('simulate', 'wechat', await config(yaml())).ended
  expect({ status, out }).toEqual({ status: 1, out: '' })
  expect(err).toMatch(/^No channel of .*switchboard\.yaml uses "wechat": it has demo \(loopback\)\./)
})

test('start refuses a bad file with its problems, and exits with 1', async () => {
  const { status, err } = await switchboard('start', await config(yaml().replace('use: echo', 'use: ecko'))).ended
  expect(status).toBe(1)
  expect(err).toContain('CONFIG_UNKNOWN_PLUGIN')
})

test('a missing variable names its line, and no secret is in what is printed', async () => {
  const file = await config(yaml())
  await rm(join(folder, 'switchboard.env'))
  const { status, err } = await switchboard('start', file).ended
  expect(status).toBe(1)
  expect(err).toContain('switchboard.yaml:8:13')
  expect(err).toContain('LOOPBACK_SECRET')
  expect(err).not.toContain(SECRET)
})

test.each([
  [[]],
  [['explode']],
  [['backup']],
  [['explain', '--of']],
  [['people']],
  [['people', 'invite']],
  [['people', 'remove', 'amy']],
  [['start', 'a.yaml', 'b.yaml']],
  [['check', '--unknown']],
])('wrong use (%j) shows the usage and exits with 2', async (args) => {
  const { status, err } = await switchboard(...args).ended
  expect(status).toBe(2)
  expect(err).toContain('Usage: switchboard')
})

test('an older Node is told what to do', async () => {
  const old = `Object.defineProperty(process.versions, 'node', { value: '20.20.2' }); import(${JSON.stringify(COMMAND)})`
  const { status, err } = await run('-e', old).ended
  expect(status).toBe(2)
  expect(err).toContain('this is Node 20.20.2')
  expect(err).toContain('npm ci && npm start')
  // What an old Node must be able to read has no newer syntax than dynamic import.
  expect(await readFile(COMMAND, 'utf8')).not.toMatch(/\bawait\b|\?\?|\?\./)
})

test('what has been compiled is kept with the packages, or where NODE_COMPILE_CACHE says, and not in the temporary folder', async () => {
  const file = await config(yaml())
  const temporary = join(folder, 'temporary')
  const kept = join(folder, 'kept')
  await mkdir(temporary)
  for (const NODE_COMPILE_CACHE of ['', kept]) {
    const { ended } = runWith({ NODE_COMPILE_CACHE, TMPDIR: temporary }, COMMAND, 'check', file)
    expect(await ended).toMatchObject({ status: 0, err: '' })
  }
  expect(await readdir(temporary)).toEqual([])
  expect(await readdir(kept)).toHaveLength(1)
})

test('a start loads nothing of what Node has for asking the web, which takes as long as all plugins', async () => {
  const telling = `process.on('exit', () => {
    if (process.moduleLoadList.some((name) => name.endsWith('undici/undici'))) console.error('fetch was loaded')
  })`
  const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(telling)}`
  const { child, ended } = await started(await config(yaml()), { NODE_OPTIONS })
  child.kill('SIGTERM')
  expect(await ended).toMatchObject({ status: 0, err: '' })
})

test('explain lets no plugin ask outside, also past its http, and ends although a timer is left', async () => {
  const asks = `import { definePlugin, z } from 'switchboard'
export default definePlugin({
  name: 'asks', summary: 'Asks.', config: z.strictObject({}),
  async setup() {
    setInterval(() => {}, 1_000)
    await fetch('http://127.0.0.1:9/')
    return {}
  },
})
`
  await writeFile(join(folder, 'asks.ts'), asks)
  const file = await config(`${yaml()}features: [{ use: ./asks.ts }]\n`)
  const { status, err } = await switchboard('explain', file).ended
  expect(status).toBe(1)
  expect(err).toMatch(/It could not be set up: .*asks.*In a rehearsal nothing outside is asked/)
})

test('the feature in the README is about 20 lines, and runs as it stands there', async () => {
  const readme = await readFile(fileURLToPath(new URL('../README.md', import.meta.url)), 'utf8')
  const [, feature = ''] = /```ts\n([\s\S]*?)```/.exec(readme) ?? []
  expect(feature.split('\n').length).toBeLessThan(22)
  await writeFile(join(folder, 'opening-hours.ts'), feature)
  const entry = 'features: [{ use: ./opening-hours.ts, words: [hours, 营业时间], say: 9:00–18:00 }]\n'
  const { url } = await started(await config(`${yaml()}${entry}`))
  expect(await post(url, { id: '1', chat: 'u1', text: 'What are your hours?' })).toBe(200)
  expect(await post(url, { id: '2', chat: 'u1', text: 'thanks' })).toBe(200)
  expect(await answers(url, 'u1', 2)).toEqual(['9:00–18:00', 'echo: thanks'])
})

test('explain with a topic tells the rest when one plugin breaks, names that one, and exits with 1', async () => {
  const settings = "z.strictObject({}), explain() { throw new Error('boom') }, setup: () => ({})"
  const broken = `export default definePlugin({ name: 'broken', summary: 'Breaks.', config: ${settings} })`
  await writeFile(join(folder, 'broken.ts'), `import { definePlugin, z } from 'switchboard'\n${broken}\n`)
  const identities = '  - { use: agent-identity, identities: { sales: { name: Sales } } }'
  const file = await config(`${yaml()}\nfeatures:\n  - { use: ./broken.ts }\n${identities}\n`, 'broken-plugin.yaml')
  expect(await switchboard('explain', 'identities', file).ended).toEqual({
    status: 1,
    out: 'identity  name   assigned to  seen on\nsales     Sales  unassigned\n',
    err: 'broken (broken), explain: boom.\n',
  })
})

test('C-GR-02: explain agent says what somebody is given, or why nothing; of one, or of all', async () => {
  const desk = `desks:
  support:
    use: desk
    people: { amy: { name: Amy }, cy: { name: Cy } }
    teams: { presale: { members: [amy], sources: [demo] } }
`
  const file = await config(`${yaml()}\n${desk}`, 'agents.yaml')
  vi.stubEnv('LOOPBACK_SECRET', SECRET)
  onTestFinished(() => void vi.unstubAllEnvs())
  const explain = (name?: string) => saidHere(() => explainTopic(file, { topic: 'agent', name, json: false }))
  expect(await switchboard('explain', 'agent', 'amy', file).ended).toEqual(await explain('amy'))
  expect(await explain()).toMatchObject({ status: 0, err: '' })
  expect((await explain('amy')).out).toMatchInlineSnapshot(`
    "agent  name  at once  team     gets  team is  hours
    amy    Amy   5        presale  demo  open     always
    "
  `)
  expect((await explain('cy')).out).toContain('nothing: in no team')
  expect(await explain('zed')).toEqual({
    status: 1,
    out: '',
    err: 'There is no agent "zed". Known here: amy, cy.\n',
  })
})

test('explain with a topic tells what plugins say of their settings, as a table and as JSON; an unknown one is named', async () => {
  const example = fileURLToPath(new URL('../config/examples/agent-identity.yaml', import.meta.url))
  vi.stubEnv('LOOPBACK_SECRET', SECRET)
  onTestFinished(() => void vi.unstubAllEnvs())
  const explain = (topic: string) => saidHere(() => explainTopic(example, { topic, json: false }))
  const { out, ...ended } = await explain('identities')
  expect(ended).toEqual({ status: 0, err: '' })
  expect(out).toMatchInlineSnapshot(`
    "identity  name                    assigned to  seen on
    sales     售前客服 / Sales        amy, bo      demo
    robot     小助手 / Assistant      bot parrot   demo
    night     夜班客服 / Night shift  unassigned
    "
  `)
  expect(JSON.parse((await switchboard('explain', 'identities', example, '--json').ended).out)).toMatchObject({
    identities: [
      { identity: 'sales', 'assigned to': 'amy, bo' },
      { identity: 'robot' },
      { 'assigned to': 'unassigned' },
    ],
  })
  expect(await explain('indentities')).toMatchObject({
    status: 1,
    out: '',
    err: 'No plugin of this configuration explains "indentities". Known here: agent, identities.\n',
  })
})
