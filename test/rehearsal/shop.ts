/** The configuration that the scenarios of these tests are about, with plugins in which anything can happen. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { storyInShort } from '../../core/cli/story.ts'
import { checkConfig } from '../../core/config/check.ts'
import type { CheckedConfig } from '../../core/config/checked.ts'
import { formatProblems } from '../../core/config/report.ts'
import {
  ALWAYS,
  type Capabilities,
  defineBot,
  defineChannel,
  definePlugin,
  type Plugin,
  textOf,
  z,
} from '../../core/index.ts'
import { play } from '../../core/rehearsal/play.ts'
import { readScenarios } from '../../core/rehearsal/read-scenarios.ts'

const HOUR_MS = 3_600_000

function channel(name: string, capabilities: Capabilities): Plugin {
  return defineChannel({
    name,
    summary: 'Its platform is asked for nothing in a rehearsal.',
    config: z.strictObject({}),
    account: () => 'shop',
    capabilities: () => capabilities,
    setup: () => ({ send: asked, listen: asked, fetchMedia: asked, typing: asked, draft: asked }),
  })
}

function asked(): never {
  throw new Error('A rehearsal has asked a real platform.')
}

const channels = [
  channel('cards', {
    sends: { text: {}, choices: {}, image: {}, link: {} },
    later: [ALWAYS],
    showsIdentity: { avatar: true },
  }),
  channel('letters', {
    sends: { text: {} },
    later: [
      { on: 'message', withinMs: HOUR_MS, max: 3, resets: true },
      { on: 'follow', withinMs: HOUR_MS, max: 1, resets: true },
    ],
    showsIdentity: 'none',
  }),
  channel('counter', { sends: { text: {} }, inline: { withinMs: 4_500 }, later: [], showsIdentity: 'none' }),
  channel('notes', { sends: { text: {} }, later: [ALWAYS], showsIdentity: 'none' }),
]

const asksOutside = defineBot({
  name: 'asks-outside',
  summary: 'Asks a model that is somewhere else.',
  config: z.strictObject({}),
  setup: ({ http }) => ({
    async answer(turn) {
      const response = await http('https://model.example.com', { method: 'POST', body: turn.text })
      return turn.reply(await response.text())
    },
  }),
})

const MENU = [
  { id: 'hours', label: 'Opening hours' },
  { id: 'price', label: '价格' },
] as const

const allSorts = definePlugin({
  name: 'all-sorts',
  summary: 'Answers every kind of event.',
  config: z.strictObject({}),
  state: z.object({ latest: z.string().default('') }),
  setup: (_context) => ({
    inbound: {
      async intercept(turn, next) {
        const { event } = turn
        if (turn.text === 'slowly') await setTimeout(100)
        if (turn.text === 'very slowly') await setTimeout(1_200)
        if (turn.text === 'never') await new Promise(() => {})
        if (turn.text === 'broken') throw new Error('The feature is broken.')
        if (event.type === 'agent-message') return turn.done(`${event.agent} wrote elsewhere`)
        return event.type === 'other' ? turn.done(`noted ${event.kind}`) : next()
      },
      respond(turn, next) {
        const { event } = turn
        switch (event.type) {
          case 'follow':
            return turn.reply({ en: 'welcome', 'zh-CN': '欢迎' })
          case 'unfollow':
            return turn.done('gone')
          case 'scan':
            return turn.reply(`scanned ${event.entry}`)
          case 'menu-click':
            return event.key === 'HUMAN' ? next() : turn.reply(`menu ${event.key}`)
          case 'edit':
            return turn.reply(
              `${event.of === turn.state.latest ? 'the latest' : 'another'} is now ${textOf(event.parts)}`,
            )
          case 'recall':
            return turn.reply(event.of === turn.state.latest ? 'the latest is gone' : 'another is gone')
        }
        if (event.type === 'message') turn.state.latest = event.id
        if (turn.choice !== undefined) return turn.reply(`chose ${turn.choice}`)
        if (turn.text === 'menu') return turn.reply({ type: 'choices', prompt: 'What is it?', choices: MENU })
        if (turn.text === 'picture') return turn.reply({ type: 'image', url: 'https://example.com/a.png' })
        if (turn.text === 'ask') return turn.reply('your name?', { expect: { key: 'name', forMs: HOUR_MS } })
        if (turn.text === 'three')
          return turn.reply([{ type: 'text', text: 'one' }, MENU_PART, { type: 'text', text: 'three' }])
        if (turn.text !== 'remind me') return next()
        turn.wake('reminder', { inMs: 600_000 })
        return turn.done('a reminder in ten minutes')
      },
    },
    answered(turn) {
      turn.learn({ customer: { fields: { asked: turn.text } } })
      return turn.reply(`hello ${turn.text}`)
    },
    outbound: {
      rewrite: ({ by }, next) => (by.kind === 'agent' && by.person === 'bo' ? next({ identity: NIGHT }) : next()),
    },
    woken: (turn) => turn.reply('this is your reminder', { because: 'ten minutes are over' }),
  }),
})
/** As whom bo is seen. */
const NIGHT = { id: 'night', name: { en: 'Night shift', 'zh-CN': '夜班' } }
const MENU_PART = { type: 'choices', prompt: 'two', choices: MENU } as const

/** The shop, checked; with `change` made to its text. */
export async function shop(change: (text: string) => string = (text) => text): Promise<CheckedConfig> {
  const file = resolve('test/rehearsal/shop.yaml')
  const plugins = Object.fromEntries([...channels, asksOutside, allSorts].map((plugin) => [plugin.name, plugin]))
  const checked = await checkConfig(file, { text: change(readFileSync(file, 'utf8')), plugins, env: {} })
  if (!checked.ok) throw new Error(formatProblems(checked.problems))
  return checked.config
}

/** The scenarios of a file, which must have no mistakes. */
export async function scenariosIn(file: string, config: CheckedConfig) {
  const read = await readScenarios(file, config)
  if (!read.ok) throw new Error(formatProblems(read.problems))
  return read.scenarios
}

export const played = (scenario: Parameters<typeof play>[0], config: CheckedConfig) =>
  play(scenario, config, storyInShort)
