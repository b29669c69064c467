/** Why something happened is told in Chinese, too: whatever the core, the desk and the plugins beside it give as a reason. */
import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseSync } from 'vite'
import { describe, expect, test } from 'vitest'
import { reasonInChinese } from './words/reasons.ts'

const ROOT = resolve(import.meta.dirname, '../../../..')
/** Where reasons are given that a conversation or a step of its trace has. */
const GIVEN_IN = [
  'core/conversation.ts',
  'core/pipeline/{command,compose,ledger,pipeline,router,settle}.ts',
  'core/runtime/runtime.ts',
  'plugins/bots/*/{index,answer}.ts',
  'plugins/channels/wechat/{customers/leaving,receiving/voice,receiving/platform-desk}.ts',
  'plugins/desks/desk/queue/*.ts',
  'plugins/features/{auto-reply,blacklist,keyword-handoff}/*.ts',
]
const CHINESE = /\p{Script=Han}/u

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}
const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'

function* nodesIn(value: unknown): Generator<Node> {
  if (Array.isArray(value)) for (const one of value) yield* nodesIn(one)
  if (!isNode(value)) return
  yield value
  for (const inner of Object.values(value)) yield* nodesIn(inner)
}

/** The sentences that an expression can become; what is put in is a number, a name, or what its own name says. */
function sentencesOf(node: unknown, source: string): readonly string[] {
  if (!isNode(node)) return []
  switch (node.type) {
    case 'Literal':
      return typeof node.value === 'string' ? [node.value] : []
    case 'TemplateLiteral': {
      const quasis = [...nodesIn(node.quasis)].filter(({ type }) => type === 'TemplateElement')
      const inside = Array.isArray(node.expressions) ? node.expressions : []
      return quasis.reduce<readonly string[]>(
        (begun, quasi, index) => {
          const put = inside[index]
          const puts = isNode(put) ? putIn(put, source) : ['']
          return begun.flatMap((one) => puts.map((more) => one + textOf(quasi) + more))
        },
        [''],
      )
    }
    case 'ConditionalExpression':
      return [...sentencesOf(node.consequent, source), ...sentencesOf(node.alternate, source)]
    case 'LogicalExpression':
      return [...sentencesOf(node.left, source), ...sentencesOf(node.right, source)]
    default:
      return []
  }
}

function textOf({ value }: Node): string {
  return typeof value === 'object' && value !== null && 'cooked' in value ? `${value.cooked}` : ''
}

/** Each of the events by which a conversation begins; reasons inside a reason, for what `because` means. */
function putIn(node: Node, source: string): readonly string[] {
  const text = source.slice(node.start, node.end)
  if (text === 'event.type') return ['message', 'menu-click', 'scan']
  if (text === 'committed.why') return ['conversation', 'allowance']
  if (/because$|^why$/.test(text)) return ['keyword agent']
  const inner = sentencesOf(node, source)
  return inner.length > 0 ? inner : ['7']
}

/** Constants that stand for a reason. */
const CONSTANTS = /^(?:LEFT_THE_QUEUE|COLLECTED)$/

function reasonsIn(file: string): readonly string[] {
  const source = readFileSync(resolve(ROOT, file), 'utf8')
  return [...nodesIn(parseSync(file, source).program)].flatMap((node) => {
    if (node.type === 'Property' && isNamed(node.key, /^because$/)) return sentencesOf(node.value, source)
    if (node.type === 'CallExpression') return sentencesOf(reasonGiven(node), source)
    if (node.type !== 'VariableDeclarator' || !isNamed(node.id, /^(?:because|reason|why)$|^[A-Z_]+$/)) return []
    if (isNamed(node.id, /^[A-Z_]+$/) && !isNamed(node.id, CONSTANTS)) return []
    return sentencesOf(node.init, source)
  })
}

/** What a turn ends with, or a step is refused for, is given in a call. */
function reasonGiven({ callee, arguments: given }: Node): unknown {
  if (!isNode(callee) || !Array.isArray(given)) return undefined
  if (isNamed(callee, /^refuse$/)) return given[1]
  return isNamed(callee.property, /^(?:drop|done)$/) ? given[0] : undefined
}

const isNamed = (node: unknown, name: RegExp) => isNode(node) && name.test(`${node.name ?? node.value ?? ''}`)

/** What is only logged, or put beside what a person said. */
const NOT_SHOWN = new Set(['', '7', 'keyword agent'])
/** Codes of the screen, which has its own words for them. */
const CODES = new Set(['solved', 'blacklisted'])

describe('each reason that is given has its words', () => {
  const files = GIVEN_IN.flatMap((pattern) => globSync(pattern, { cwd: ROOT }))
    .filter((file) => !file.endsWith('.test.ts'))
    .toSorted()
  test('there are many', () => {
    expect(files.length).toBeGreaterThan(20)
    expect(files.flatMap(reasonsIn).length).toBeGreaterThan(50)
  })
  test.each(files.filter((file) => reasonsIn(file).length > 0))('%s', (file) => {
    const reasons = reasonsIn(file).filter((one) => !NOT_SHOWN.has(one) && !CODES.has(one))
    expect(reasons.filter((one) => !CHINESE.test(reasonInChinese(one)))).toEqual([])
    // Of what is put in, a reason is said in Chinese as well.
    expect(reasons.filter((one) => /keyword agent/.test(reasonInChinese(one)))).toEqual([])
  })
})

test.each([
  ['message on routes[0]', '客户发来消息（routes[0]）'],
  ['keyword 转人工, but nobody is there at support', '关键词“转人工”，但 support 无人在线'],
  ['unknown: may be delivery (0.52), returns (0.48)', '未能回答：可能是 delivery (0.52), returns (0.48)'],
  ['The picture was sent as text, because this channel has none.', '图片改以文字发送：此渠道不支持'],
  ['bo has not answered within 120 s', 'bo 未在 120 秒内回复'],
  ['The owner has changed meanwhile. It is with the bot helper now.', '接待方刚刚已变化。会话目前由机器人 helper 接待'],
  ['It waits in the queue of presale now.', '会话目前在“presale”排队'],
  ['3 left until 2026-11-24 07:58:26', '剩余 3 条，截至 2026-11-24 07:58:26'],
])('%s', (because, chinese) => {
  expect(reasonInChinese(because)).toBe(chinese)
})

test('what a person or another plugin has written stays as they wrote it', () => {
  for (const words of [
    'Please look at the invoice.',
    '客户要发票',
    'The customer is waiting on Bo',
    'constructor',
    'Payment failed',
    'Everyone is gone',
    'message on Saturday',
    '$1',
  ])
    expect(reasonInChinese(words)).toBe(words)
})
