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

/** Plays one of them; gives its name if it fails. A file that the scenarios no longer fit has failed too: gives why. */
async function failureOf(name: string, text: string): Promise<string | undefined> {
  const checked = await checkWithMadeUpVariables(FILE, (change) => checkConfig(FILE, { text, env: change({}) }))
  if (!checked.ok) throw new Error(`This change is no configuration: ${checked.problems[0]?.what}`)
  const read = await readScenarios(scenariosBeside(FILE), checked.config)
  if (!read.ok) return read.problems[0]?.what
  const scenario = read.scenarios.scenarios.find((one) => one.name === name)
  if (!scenario) throw new Error(`There is no scenario "${name}".`)
  const { failure } = await play(scenario, checked.config, storyInShort)
  return failure && name
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

/** What an operator might change, or mistype (from, to), by the scenario that fails then; or by why none can be played. */
const CHANGES: { readonly [found: string]: readonly (readonly [from: string, to: string])[] } = {
  'There is no channel "demo".': [['  demo:\n    use', '  demonstration:\n    use']],
  'There is no channel "site".': [['  site:\n    use: web', '  shop:\n    use: web']],
  'There is no owner "helper".': [['  helper:\n', '  parrot:\n']],
  'There is no owner "support/presale".': [
    ['  support:\n', '  helpdesk:\n'],
    ['presale:', 'aftersale:'],
  ],
  'There is no person "amy".': [['      amy: { name: Amy, role: administrator }\n', '']],
  'There is no person "bo".': [['      bo: { name: Bo }\n', '']],
  'The bot answers, and keeps the conversation': [
    ['    use: faq\n    knowledge: ./faq.yaml\n', '    use: echo\n'],
    ['    knowledge: ./faq.yaml\n', '    knowledge: ./faq.yaml\n    understood: 1\n'],
    ['{ text: r, match: exact }', '{ text: r, match: contains }'],
    ['mode: bot-first', 'mode: agent-only'],
    ['mode: bot-first', 'mode: cooperation'],
    ['intents: [item-damaged]', 'intents: [item-damaged, delivery-time]'],
    ['    handOff:', '    collect: 3s\n    handOff:'],
  ],
  'What may mean several things is offered, and a click answers': [
    ['    knowledge: ./faq.yaml\n', '    knowledge: ./faq.yaml\n    choices: 2\n'],
    ['    knowledge: ./faq.yaml\n', '    knowledge: ./faq.yaml\n    didYouMean: What do you mean?\n'],
    ['    person: { en: "None of these: a person, please", zh-CN: 都不是，转人工 }\n', ''],
    ['都不是，转人工', '人工'],
  ],
  'None of what is offered, so people take over': [
    ['None of these: a person, please', 'A person'],
    ['agent, { text', 'person, { text'],
    ['mode: bot-first', 'mode: bot-only'],
  ],
  'Something broken goes to people at once, with the answer': [
    [', intents: [item-damaged]', ''],
    ['    handOff: { unknown: 2, failures: 2, intents: [item-damaged] }\n', ''],
  ],
  'Asking for an agent hands over, and the bot keeps quiet': [
    [' agent,', ''],
    ['en: One moment please, I am getting someone for you.', 'en: One moment, I am getting someone for you.'],
  ],
  'Every word for a person is known, in Chinese and in English': [
    ['[en, zh-CN]', '[zh-CN, en]'],
    ['[转人工, ', '['],
    ['人工, trans', 'trans'],
    ['人工, trans', '客服, trans'],
    ['trans-to-agent, ', ''],
    ['zh-CN: 正在为您转接人工客服，请稍候。', 'zh-CN: 正在为您转接人工客服，请稍等。'],
    ['      zh-CN: 正在为您转接人工客服，请稍候。\n', ''],
  ],
  'A bare r asks for a person, and a word with an r in it does not': [
    ['    knowledge: ./faq.yaml\n', '    knowledge: ./faq.yaml\n    unknown: What is that?\n'],
    [', { text: r, match: exact }', ''],
    ['{ text: r, match: exact }', 'r'],
    ['unknown: 2', 'unknown: 1'],
  ],
  'After two questions that the bot does not know, people take over': [
    ['unknown: 2, ', ''],
    ['unknown: 2', 'unknown: 3'],
  ],
  'An answer in between, and it has not been unknown twice in a row': [
    ['    knowledge: ./faq.yaml\n', '    knowledge: ./faq.yaml\n    guided: 0\n'],
  ],
  'An agent has a conversation, answers, and closes it; then the bot answers again': [
    ['zh-CN: 艾米', 'zh-CN: 阿米'],
    ['zh-CN: 小博', 'zh-CN: 阿博'],
    ['amy: amy, bo: bo', 'amy: bo, bo: amy'],
    ['    assign: { amy: amy, bo: bo }\n', ''],
  ],
  'When the bot fails twice, people take over': [
    [', failures: 2', ''],
    ['failures: 2', 'failures: 1'],
    ['failures: 2', 'failures: 3'],
  ],
}
const ALL = Object.entries(CHANGES).flatMap(([found, changes]) => changes.map((change) => [...change, found] as const))

/** A file with a change in it, and whatever must change with it for the file to be right. */
function changed(from: string, to: string): string {
  const text = TEXT.replace(from, to)
  expect(text, from).not.toBe(TEXT)
  if (to.startsWith('  demonstration')) return text.replace('from: [demo,', 'from: [demonstration,')
  if (to.startsWith('  shop')) return text.replace('site]', 'shop]')
  if (to.startsWith('  parrot')) return text.replace('bot: helper', 'bot: parrot')
  if (to.includes('use: echo')) return text.replace(/ {4}person: .*\n/, '')
  if (to.startsWith('  helpdesk')) return text.replace('desk: support', 'desk: helpdesk')
  if (to === '' && from.includes('amy')) return text.replace('[amy, bo]', '[bo]').replace('amy: amy, ', '')
  if (to === '' && from.includes('bo:')) return text.replace('[amy, bo]', '[amy]').replace(', bo: bo', '')
  if (to === 'mode: agent-only') return text.replace(/ {4}bot: helper\n/, '').replace(/ {4}handOff: .*\n/, '')
  if (to === 'mode: bot-only') return text.replace(/ {4}desk: support\n/, '').replace(/ {4}handOff: .*\n/, '')
  return to === 'mode: cooperation' ? text.replace(/ {4}handOff: .*\n/, '') : text
}

test.each(ALL)('%j becomes %j: %s', { timeout: 60_000 }, async (from, to, found) => {
  expect(await failureOf(found, changed(from, to))).toBe(found)
})

test('no line that decides anything is left out of these changes', () => {
  const isTouched = (line: string) => ALL.some(([from]) => TEXT.split(from)[0] !== TEXT && linesOf(from).includes(line))
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
  ...['  - use: agent-identity', '    identities:', '  - use: blacklist'],
  ...['  - use: keyword-handoff', '  - from: [demo, site]', '    bot: helper', '    desk: support'],
]
