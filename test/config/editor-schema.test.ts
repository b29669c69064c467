import { readdirSync, readFileSync } from 'node:fs'
import Fastify from 'fastify'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { editorSchema } from '../../core/config/editor-schema.ts'
import { SECTIONS, shippedPlugins } from '../../core/runtime/load.ts'

const FILE = 'config/switchboard.schema.json'
const schema = z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(FILE, 'utf8')))

test('config/switchboard.schema.json is current: if not, run  npm run schema', async () => {
  expect(await editorSchema()).toBe(readFileSync(FILE, 'utf8'))
})

/** Fastify's validator stands in for an editor. */
async function editorSays(value: unknown): Promise<string> {
  await using server = Fastify({
    ajv: {
      customOptions: {
        removeAdditional: false,
        coerceTypes: false,
        useDefaults: false,
        strict: false,
        allErrors: true,
      },
    },
  })
  server.post('/', { schema: { body: schema } }, () => 'right')
  const answer = await server.inject({ method: 'POST', url: '/', payload: JSON.stringify(value), headers: JSON_TYPE })
  return answer.body
}
const JSON_TYPE = { 'content-type': 'application/json' }

/** What has no routes is a file that a configuration names, with a shape of its own. */
const files = readdirSync('config', { recursive: true, encoding: 'utf8' }).filter(
  (name) =>
    /\.ya?ml$/.test(name) && !name.includes('.test.') && /^routes:/m.test(readFileSync(`config/${name}`, 'utf8')),
)

test.each(files)('an editor finds nothing wrong in config/%s', async (name) => {
  expect(await editorSays(parse(readFileSync(`config/${name}`, 'utf8')))).toBe('right')
})

const good = {
  channels: { demo: { use: 'loopback', secret: `\${LOOPBACK_SECRET}` } },
  bots: { parrot: { use: 'echo' } },
  routes: [{ from: 'demo', mode: 'bot-only', bot: 'parrot' }],
}

test('an editor finds what is misspelt, of the wrong type, or missing', async () => {
  expect(await editorSays(good)).toBe('right')
  expect(await editorSays({ ...good, chanels: {} })).toContain('must NOT have additional properties')
  const channel = { use: 'loopback', secret: `\${LOOPBACK_SECRET}` }
  expect(await editorSays({ ...good, channels: { demo: { ...channel, secrt: 'x' } } })).toContain('/channels/demo')
  expect(await editorSays({ ...good, channels: { demo: { ...channel, secret: 'literal' } } })).toContain('demo/secret')
  expect(await editorSays({ ...good, channels: { demo: { ...channel, reserve: 'two' } } })).toContain('demo/reserve')
  expect(await editorSays({ ...good, channels: { demo: { secret: channel.secret } } })).toContain("'use'")
  expect(await editorSays({ ...good, routes: [{ from: 'demo', mode: 'bot-only' }] })).toContain('/routes/0')
})

test('an editor takes plugins from elsewhere, and variables for numbers', async () => {
  const mine = { use: './my-channel/index.ts', anything: { goes: true } }
  expect(await editorSays({ ...good, channels: { demo: mine }, server: { port: `\${PORT}` } })).toBe('right')
})

test('every shipped plugin is offered, with its summary and its settings', () => {
  const definitions = z.record(z.string(), z.looseObject({})).parse(schema.definitions)
  for (const section of SECTIONS) {
    for (const use of shippedPlugins(section)) {
      expect(definitions[`${section}-${use}`]?.properties).toHaveProperty('use')
      expect(JSON.stringify(definitions)).toContain(`{"const":${JSON.stringify(use)},"description":`)
    }
  }
})
