/** Stand-ins take the place of what is asked outside, and of nothing else of a plugin. */
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { resolvedAsText, resolvedPipeline } from '../../core/cli/resolved.ts'
import { storyInShort } from '../../core/cli/story.ts'
import { checkConfig } from '../../core/config/check.ts'
import type { CheckedConfig } from '../../core/config/checked.ts'
import { formatProblems } from '../../core/config/report.ts'
import {
  ALWAYS,
  defineBot,
  defineChannel,
  definePlugin,
  optional,
  type Plugin,
  service,
  tables,
  z,
} from '../../core/index.ts'
import { type Played, play } from '../../core/rehearsal/play.ts'
import { readScenarios } from '../../core/rehearsal/read-scenarios.ts'
import { rehearse } from '../../core/rehearsal/rehearse.ts'
import { tellEnd } from '../../core/rehearsal/tell.ts'
import { makeLog } from '../../core/services/log.ts'

const doorbell = service<{ ring(): string }>('doorbell')
const declared = {
  config: z.strictObject({}),
  account: () => 'shop',
  capabilities: () => ({ sends: { text: {} }, later: [ALWAYS], showsIdentity: 'none' }) as const,
}

function asked(): never {
  throw new Error('The platform was asked.')
}

/** With hooks, a table, a state and a service of its own. */
const post = defineChannel({
  ...declared,
  name: 'post',
  summary: 'Letters, with a doorbell.',
  state: z.object({ seen: z.number().default(0) }),
  provides: { doorbell },
  tables: tables<{ stamp: { id: string } }>({ '1-stamp': 'CREATE TABLE stamp (id TEXT NOT NULL)' }),
  setup: ({ sql }) => ({
    inbound: {
      async respond(turn, next) {
        turn.state.seen += 1
        if (turn.text !== 'stamps') return next()
        const stamps = await sql.selectFrom('stamp').select('id').execute()
        return turn.reply(`letter ${turn.state.seen}, ${stamps.length} stamps`)
      },
    },
    services: { doorbell: { ring: () => 'ding' } },
    send: asked,
    listen: asked,
    fetchMedia: asked,
    typing: asked,
    draft: asked,
  }),
})

/** Asks its platform already when it is set up. */
const eager = (provides: { readonly [name: string]: typeof doorbell }) =>
  defineChannel({
    ...declared,
    name: 'post',
    summary: 'Signs in first.',
    provides,
    async setup({ http }) {
      await http('https://post.example.com/login')
      return { send: asked, services: { doorbell: { ring: () => 'ding' } } }
    },
  })

const visitor = definePlugin({
  name: 'visitor',
  summary: 'Rings.',
  config: z.strictObject({}),
  needs: { doorbell: optional(doorbell) },
  setup: (context) => ({
    inbound: {
      respond: (turn, next) => (turn.text === 'ring' ? turn.reply(context.doorbell?.ring() ?? 'no bell') : next()),
    },
  }),
})

const model = defineBot({
  name: 'model',
  summary: 'Asks which models there are first.',
  config: z.strictObject({}),
  async setup({ http }) {
    await http('https://model.example.com/models')
    return { answer: (turn) => turn.reply('never') }
  },
})

const YAML = `
server: { publicUrl: http://localhost }
channels: { letters: { use: post } }
bots: { llm: { use: model } }
features: [{ use: visitor }]
routes: [{ from: letters, mode: bot-only, bot: llm }]
`

async function shopWith(channel: Plugin): Promise<CheckedConfig> {
  const plugins = { post: channel, visitor, model }
  const checked = await checkConfig(resolve('stand-ins.yaml'), { text: YAML, plugins, env: {} })
  if (!checked.ok) throw new Error(formatProblems(checked.problems))
  return checked.config
}

async function playAll(config: CheckedConfig, steps: string): Promise<readonly Played[]> {
  const text = `scenarios: [{ scenario: one, bots: { llm: [{ says: 12 € }] }, steps: ${steps} }]`
  const read = await readScenarios(resolve('stand-ins.test.yaml'), config, text)
  if (!read.ok) throw new Error(formatProblems(read.problems))
  const played: Played[] = []
  for (const one of read.scenarios.scenarios) played.push(await play(one, config, storyInShort))
  return played
}

const OFFLINE = 'In a rehearsal nothing outside is asked. GET https://post.example.com/login'

test('a channel keeps its own hooks, state, tables and what it lends; its platform is asked for nothing', async () => {
  const steps = '[{ li says: stamps, li hears: "letter 1, 0 stamps" }, { li says: ring, li hears: ding }]'
  const [one] = await playAll(await shopWith(post), steps)
  expect(one).toMatchObject({ failure: undefined, errors: [] })
})

test('explain tells a channel by its own summary', async () => {
  const config = await shopWith(post)
  const without = { ...config, bots: [], routes: [] }
  await using rehearsal = await rehearse(without, { log: makeLog({ level: 'silent' }) })
  expect(resolvedAsText(resolvedPipeline(without, rehearsal.runtime.plan))).toContain('Letters, with a doorbell.')
})

test('a channel and a bot that cannot be set up offline go on as stand-ins alone, and that is told once', async () => {
  const config = await shopWith(eager({}))
  const [one] = await playAll(config, '[{ li says: price, li hears: 12 € }, { li says: ring, li hears: no bell }]')
  expect(one).toMatchObject({
    failure: undefined,
    errors: [],
    warnings: [
      expect.stringMatching(
        /^llm \(model\) could not be set up with nothing outside, and its own hooks are left out: /,
      ),
      `letters (post) could not be set up with nothing outside, and its own hooks are left out: ${OFFLINE}`,
    ],
  })
  const told = tellEnd(one ? [one, one] : [])
  expect(told.match(/Warning: letters/g)).toHaveLength(1)
  expect(told).toMatch(/\n2 scenarios, all well\.\n$/)
})

test('one that lends something must be set up: others wait for it', async () => {
  const [one] = await playAll(await shopWith(eager({ doorbell })), '[{ li says: price, li hears: 12 € }]')
  expect(one?.failure?.message).toContain(`letters (post), setup: ${OFFLINE}`)
})
