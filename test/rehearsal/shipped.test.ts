/** The shipped configuration keeps its own scenarios; whatever is changed in it, one of them fails. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { storyInShort } from '../../core/cli/story.ts'
import { checkConfig } from '../../core/config/check.ts'
import { checkWithMadeUpVariables } from '../../core/rehearsal/made-up.ts'
import { play } from '../../core/rehearsal/play.ts'
import { readScenarios, scenariosBeside } from '../../core/rehearsal/read-scenarios.ts'

const FILE = 'config/switchboard.yaml'
const TEXT = readFileSync(FILE, 'utf8')

/** Plays until one fails; gives its name. A file that the scenarios no longer fit has failed too. */
async function firstFailure(text: string): Promise<string | undefined> {
  const checked = await checkWithMadeUpVariables(FILE, (change) => checkConfig(FILE, { text, env: change({}) }))
  if (!checked.ok) throw new Error(`This change is no configuration: ${checked.problems[0]?.what}`)
  const read = await readScenarios(scenariosBeside(FILE), checked.config)
  if (!read.ok) return read.problems[0]?.what
  for (const scenario of read.scenarios.scenarios) {
    const { failure } = await play(scenario, checked.config, storyInShort)
    if (failure) return scenario.name
  }
  return undefined
}

test('the scenario in the README comes true', async () => {
  const [, text = ''] =
    /^```yaml switchboard\.test\.yaml\n([\s\S]*?)^```/m.exec(readFileSync('README.md', 'utf8')) ?? []
  const checked = await checkWithMadeUpVariables(FILE, (change) => checkConfig(FILE, { env: change({}) }))
  if (!checked.ok) throw new Error('The shipped configuration has problems.')
  const read = await readScenarios(scenariosBeside(FILE), checked.config, text)
  const [scenario] = read.ok ? read.scenarios.scenarios : []
  expect(scenario && (await play(scenario, checked.config, storyInShort))).toMatchObject({
    failure: undefined,
    errors: [],
  })
})

/** From, to: what an operator might change, or mistype. */
const CHANGES: readonly (readonly [from: string, to: string])[] = [
  ['[en, zh-CN]', '[zh-CN, en]'],
  ['  demo:\n    use', '  demonstration:\n    use'],
  ['  site:\n    use: web', '  shop:\n    use: web'],
  ['  helper:\n', '  parrot:\n'],
  ['    use: faq\n    knowledge: ./faq.yaml\n', '    use: echo\n'],
  ['    knowledge: ./faq.yaml\n', '    knowledge: ./faq.yaml\n    understood: 1\n'],
  ['    knowledge: ./faq.yaml\n', '    knowledge: ./faq.yaml\n    guided: 0\n'],
  ['    knowledge: ./faq.yaml\n', '    knowledge: ./faq.yaml\n    choices: 2\n'],
  ['    knowledge: ./faq.yaml\n', '    knowledge: ./faq.yaml\n    didYouMean: What do you mean?\n'],
  ['    knowledge: ./faq.yaml\n', '    knowledge: ./faq.yaml\n    unknown: What is that?\n'],
  ['    person: { en: "None of these: a person, please", zh-CN: 都不是，转人工 }\n', ''],
  ['None of these: a person, please', 'A person'],
  ['都不是，转人工', '人工'],
  ['  support:\n', '  helpdesk:\n'],
  ['      amy: { name: Amy, role: administrator }\n', ''],
  ['      bo: { name: Bo }\n', ''],
  ['presale:', 'aftersale:'],
  ['[转人工, ', '['],
  ['人工, trans', 'trans'],
  ['人工, trans', '客服, trans'],
  ['trans-to-agent, ', ''],
  [' agent,', ''],
  [', { text: r, match: exact }', ''],
  ['{ text: r, match: exact }', 'r'],
  ['{ text: r, match: exact }', '{ text: r, match: contains }'],
  ['agent, { text', 'person, { text'],
  ['en: One moment please, I am getting someone for you.', 'en: One moment, I am getting someone for you.'],
  ['zh-CN: 正在为您转接人工客服，请稍候。', 'zh-CN: 正在为您转接人工客服，请稍等。'],
  ['      zh-CN: 正在为您转接人工客服，请稍候。\n', ''],
  ['mode: bot-first', 'mode: agent-only'],
  ['mode: bot-first', 'mode: bot-only'],
  ['mode: bot-first', 'mode: cooperation'],
  ['unknown: 2, ', ''],
  ['unknown: 2', 'unknown: 1'],
  ['unknown: 2', 'unknown: 3'],
  [', failures: 2', ''],
  [', intents: [item-damaged]', ''],
  ['intents: [item-damaged]', 'intents: [item-damaged, delivery-time]'],
  ['failures: 2', 'failures: 1'],
  ['failures: 2', 'failures: 3'],
  ['    handOff: { unknown: 2, failures: 2, intents: [item-damaged] }\n', ''],
  ['    handOff:', '    collect: 3s\n    handOff:'],
]

/** A file with a change in it, and whatever must change with it for the file to be right. */
function changed(from: string, to: string): string {
  const text = TEXT.replace(from, to)
  expect(text, from).not.toBe(TEXT)
  if (to.startsWith('  demonstration')) return text.replace('from: [demo,', 'from: [demonstration,')
  if (to.startsWith('  shop')) return text.replace('site]', 'shop]')
  if (to.startsWith('  parrot')) return text.replace('bot: helper', 'bot: parrot')
  if (to.includes('use: echo')) return text.replace(/ {4}person: .*\n/, '')
  if (to.startsWith('  helpdesk')) return text.replace('desk: support', 'desk: helpdesk')
  if (to === '' && from.includes('amy')) return text.replace('[amy, bo]', '[bo]')
  if (to === '' && from.includes('bo:')) return text.replace('[amy, bo]', '[amy]')
  if (to === 'mode: agent-only') return text.replace(/ {4}bot: helper\n/, '').replace(/ {4}handOff: .*\n/, '')
  if (to === 'mode: bot-only') return text.replace(/ {4}desk: support\n/, '').replace(/ {4}handOff: .*\n/, '')
  return to === 'mode: cooperation' ? text.replace(/ {4}handOff: .*\n/, '') : text
}

test.each(CHANGES)('a scenario fails when %j becomes %j', { timeout: 60_000 }, async (from, to) => {
  expect(await firstFailure(changed(from, to))).toEqual(expect.any(String))
})

test('no line that decides anything is left out of these changes', () => {
  const isTouched = (line: string) =>
    CHANGES.some(([from]) => TEXT.split(from)[0] !== TEXT && linesOf(from).includes(line))
  const lines = TEXT.split('\n').filter(
    (line) => line.trim() !== '' && !NOTHING_TO_SEE.some((one) => line.startsWith(one)),
  )
  expect(lines.filter((line) => !isTouched(line))).toEqual([])
})

/** The whole lines in which a piece of the file stands. */
function linesOf(piece: string): readonly string[] {
  const at = TEXT.indexOf(piece)
  const from = TEXT.lastIndexOf('\n', at) + 1
  return TEXT.slice(from, TEXT.indexOf('\n', at + piece.trimEnd().length)).split('\n')
}

/** Comments, headings, what concerns only the real thing, and what nothing depends on by itself. */
const NOTHING_TO_SEE = [
  ...['#', 'server:', '  port:', '  publicUrl:', 'storage:', '  folder:', '    secret:'],
  ...[
    'channels:',
    '    title:',
    '    greeting:',
    '      en: Hello!',
    '      zh-CN: 您好！',
    'bots:',
    'desks:',
    'features:',
    'routes:',
    '    people:',
    '    teams:',
    '    say:',
    '    use: desk',
    'timeZone:',
  ],
  ...['  - use: keyword-handoff', '  - from: [demo, site]', '    bot: helper', '    desk: support'],
]
