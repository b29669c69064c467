import { mkdir, rename, rmdir, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { beforeEach, expect, test } from 'vitest'
import { answers, config, folder, post, SECRET, started, switchboard, useFolder } from './command.ts'

useFolder()

/** A bot that says its words and what stands in its file; it shows each time it is checked. */
const BOT = `
import { defineBot, file, z } from 'switchboard'

export default defineBot({
  name: 'saying',
  summary: 'Says its words.',
  config: z.strictObject({ words: z.string(), more: file().optional() }),
  check() {
    console.log('checked')
    return []
  },
  async setup({ config }) {
    if (config.words === 'slow') {
      console.log('starting')
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
    if (config.words === 'nothing') throw new Error('I have nothing to say')
    return { answer: (turn) => turn.reply([config.words, config.more?.text].filter(Boolean).join(' ')) }
  },
})
`
/** A channel that needs a secret, and to which nobody writes. */
const MUTE = `
import { defineChannel, secret, z } from 'switchboard'

export default defineChannel({
  name: 'mute',
  summary: 'Is quiet.',
  config: z.strictObject({ secret: secret() }),
  account: () => 'mute',
  capabilities: () => ({ sends: { text: {} }, later: [], showsIdentity: 'none', idempotentSend: true }),
  setup: () => ({ send: async () => ({}) }),
})
`
const yaml = (bot: string, more = '') => `server: { port: 0, publicUrl: http://localhost }
storage: { folder: ./data }
channels:
  demo:
    use: loopback
    secret: \${LOOPBACK_SECRET}
${more}bots:
  bot:
    use: ./saying.ts
    ${bot}
  aside: { use: echo }
routes: [{ from: [demo], mode: bot-only, bot: [bot, aside] }]
`

beforeEach(() => writeFile(join(folder, 'saying.ts'), BOT))

/** Puts another file in the place of this one, as editors and deployments do. */
async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text)
  await rename(`${file}.new`, file)
}

/** Asks once, and waits for the answer. */
function asking(url: string) {
  let asked = 0
  return async () => {
    asked += 1
    await post(url, { id: `${asked}`, chat: 'u1', text: 'hello' })
    return (await answers(url, 'u1', asked)).at(-1)
  }
}

const lines = (out: string, text: string) => out.split('\n').filter((line) => line.includes(text))

test('an edited file is applied; a bad one is told once and changes nothing, until it is mended', async () => {
  const file = await config(yaml('words: one'))
  const { url, says, count, child, ended } = await started(file)
  const answer = asking(url)
  expect(await answer()).toBe('one')

  await writeFile(file, yaml('words: two'))
  const [line = '{}'] = lines(await says('"reloaded: '), 'reloaded: ')
  expect(JSON.parse(line)).toMatchObject({
    revision: expect.stringMatching(/^[0-9a-f]{12}$/),
    ...{ started: [], restarted: ['bot'], stopped: [], kept: ['demo', 'aside'], down: [] },
    msg: 'reloaded: 1 restarted (bot), 2 kept (demo, aside)',
  })
  expect(await answer()).toBe('two')

  await replace(file, yaml('words: three').replace('from: [demo]', 'from: [dem]'))
  await says('CONFIG_UNKNOWN_NAME')
  const checked = count('checked')
  await utimes(file, new Date(), new Date())
  await says('checked', checked + 1)
  expect(await answer()).toBe('two')
  await replace(file, yaml('words: nothing'))
  await says('saying')
  expect(await answer()).toBe('two')
  await replace(file, yaml('words: four'))
  await says('"reloaded: ', 2)
  expect(await answer()).toBe('four')

  child.kill('SIGTERM')
  const { status, out, err } = await ended
  expect(status).toBe(0)
  expect(err.match(/CONFIG_\w+/g)).toEqual(['CONFIG_NO_ROUTE', 'CONFIG_UNKNOWN_NAME'])
  expect(err).toMatch(/switchboard\.yaml:12:19 {2}routes\[0\]\.from\[0\]/)
  expect(err).toMatch(/the one that is running goes on unchanged\.\n$/)
  expect(lines(out, 'was not applied')).toHaveLength(1)
  expect(out).toContain('bot (saying), setup: I have nothing to say')
})

test('what counts as a change: an edited file of a setting, a link turned elsewhere, a variable', async () => {
  await mkdir(join(folder, 'v1'))
  await mkdir(join(folder, 'v2'))
  await writeFile(join(folder, 'v1/more.txt'), 'of v1')
  await writeFile(join(folder, 'v2/more.txt'), 'of v2')
  await symlink('v1', join(folder, 'now'))
  await writeFile(join(folder, 'mute.ts'), MUTE)
  const site = `  site:\n    use: ./mute.ts\n    secret: \${SITE_SECRET}\n`
  const file = await config(yaml(`words: \${WORDS}\n    more: ./now/more.txt`, site).replace('[demo]', '[demo, site]'))
  const env = (words: string) => `LOOPBACK_SECRET=${SECRET}\nSITE_SECRET=${SECRET}-of-site\nWORDS=${words}\n`
  await replace(join(folder, 'switchboard.env'), env('words'))
  const { url, says, child, ended } = await started(file)
  const answer = asking(url)
  expect(await answer()).toBe('words of v1')

  await writeFile(join(folder, 'v1/more.txt'), 'edited')
  await says('"reloaded: ')
  expect(await answer()).toBe('words edited')

  await symlink('v2', join(folder, 'next'))
  await rename(join(folder, 'next'), join(folder, 'now'))
  await says('"reloaded: ', 2)
  expect(await answer()).toBe('words of v2')

  await replace(join(folder, 'switchboard.env'), env('greetings'))
  await says('"reloaded: ', 3)
  expect(await answer()).toBe('greetings of v2')

  await replace(join(folder, 'switchboard.env'), env('still').replace(/SITE_SECRET=.*\n/, ''))
  await says('site (./mute.ts) is down: The environment variable SITE_SECRET is not set.')
  expect(await answer()).toBe('still of v2')

  // Who calls a channel that is down is asked to come again.
  await replace(join(folder, 'switchboard.env'), env('still').replace(/LOOPBACK_SECRET=.*\n/, ''))
  await says('demo (loopback) is down: The environment variable LOOPBACK_SECRET is not set.')
  expect(await post(url, { id: 'early', chat: 'u1', text: 'hello' })).toBe(503)
  await replace(join(folder, 'switchboard.env'), env('still'))
  await says('"reloaded: ', 6)
  expect(await answer()).toBe('still of v2')

  child.kill('SIGTERM')
  const { status, out, err } = await ended
  expect([status, err]).toEqual([0, ''])
  expect(lines(out, '"reloaded: ')).toHaveLength(6)
  expect(out).not.toContain(SECRET)
})

test('a SIGHUP that comes while it starts reloads once it is ready', async () => {
  const file = await config(yaml('words: slow'))
  const { says, child, ended } = switchboard('start', file)
  await says('starting')
  child.kill('SIGHUP')
  await says('"ready:')
  await says('reload: nothing has changed')
  child.kill('SIGTERM')
  expect((await ended).status).toBe(0)
})

test('another port, which is in force only after a restart, starts nobody anew', async () => {
  const server = (port: number, words: string) =>
    yaml(`words: ${words}`).replace(/^server: .*$/m, `server: { port: ${port} }`)
  const file = await config(server(0, 'one'))
  const { says, child, ended } = await started(file)
  await writeFile(file, server(9, 'two'))
  const [line = '{}'] = lines(await says('"reloaded: '), 'reloaded: ')
  expect(JSON.parse(line)).toMatchObject({ restarted: ['bot'], kept: ['demo', 'aside'] })
  child.kill('SIGTERM')
  expect((await ended).status).toBe(0)
})

test('a file that cannot be applied is tried and told once, also when it names another file', async () => {
  await writeFile(join(folder, 'more.txt'), 'more')
  const file = await config(yaml('words: one'))
  const { url, says, count, child, ended } = await started(file)
  await writeFile(file, yaml('words: nothing\n    more: ./more.txt'))
  await says('was not applied')
  // Several looks at the files: there is nothing to wait for when nothing comes.
  await setTimeout(1_000)
  expect(count('was not applied')).toBe(1)
  await writeFile(join(folder, 'more.txt'), 'even more')
  await says('was not applied', 2)
  await replace(file, yaml('words: two\n    more: ./more.txt'))
  await says('"reloaded: ')
  expect(await asking(url)()).toBe('two even more')
  expect(count('was not applied')).toBe(2)
  child.kill('SIGTERM')
  expect((await ended).status).toBe(0)
})

test('a file of variables that cannot be read is a problem like any other, and is told once', async () => {
  const file = await config(yaml('words: one'))
  const { url, says, count, child, ended } = await started(file)
  const variables = join(folder, 'switchboard.env')
  await rename(variables, `${variables}.before`)
  await mkdir(variables)
  await says('CONFIG_UNREADABLE')
  await utimes(file, new Date(), new Date())
  child.kill('SIGHUP')
  await says('CONFIG_UNREADABLE', 2)
  expect(await asking(url)()).toBe('one')
  const early = await switchboard('start', file).ended
  expect(early.status).toBe(1)
  expect(early.err).toContain(`switchboard.env" cannot be read: it is a folder.`)
  expect(early.err).not.toContain('    at ')
  await rmdir(variables)
  await rename(`${variables}.before`, variables)
  await writeFile(file, yaml('words: two'))
  await says('"reloaded: ')
  expect(count('CONFIG_UNREADABLE')).toBe(2)
  child.kill('SIGTERM')
  expect((await ended).status).toBe(0)
})

test('SIGHUP reads the file at once, says that nothing has changed, and names what waits for a restart', async () => {
  const file = await config(yaml('words: one'))
  const { url, says, child, ended } = await started(file)
  child.kill('SIGHUP')
  await says('reload: nothing has changed')
  await writeFile(
    file,
    yaml('words: one').replace('./data', './other').replace('port: 0', 'port: 9, maxConnections: 9'),
  )
  child.kill('SIGHUP')
  await says(
    'server.port, server.maxConnections, storage.folder: changed in the file, and in force only after a restart',
  )
  expect(await asking(url)()).toBe('one')
  child.kill('SIGTERM')
  expect((await ended).status).toBe(0)
})

test('a variable of the process wins over the one in the file, also when that is edited', async () => {
  const file = await config(yaml(`words: \${WORDS}`))
  const env = (words: string) => `LOOPBACK_SECRET=${SECRET}\nWORDS=${words}\n`
  await writeFile(join(folder, 'switchboard.env'), env('of the file'))
  const { url, says, child, ended } = await started(file, { WORDS: 'of the process' })
  const answer = asking(url)
  expect(await answer()).toBe('of the process')
  await writeFile(join(folder, 'switchboard.env'), env('edited'))
  child.kill('SIGHUP')
  await says('reload: nothing has changed')
  expect(await answer()).toBe('of the process')
  child.kill('SIGTERM')
  expect((await ended).status).toBe(0)
})
