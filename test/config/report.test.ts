import { describe, expect, test } from 'vitest'
import { found, PROBLEM_CODES } from '../../core/config/problems.ts'
import {
  displayWidth,
  formatProblems,
  type Problem,
  problemAt,
  showYamlPath,
  sortProblems,
} from '../../core/config/report.ts'

const finding = found('CONFIG_TAB', {})
const at = (text: string, line: number, column: number, length: number, hidden: { from: number; to: number }[] = []) =>
  problemAt(finding, { span: { line, column, length }, path: ['a'] }, { shown: 'x.yaml', text, hidden })
/** What stands above and below each other in the frame. */
const frame = (problem: Problem) => {
  const lines = formatProblems([problem]).split('\n')
  const marked = lines.findIndex((line) => line.startsWith('  > '))
  return [lines[marked]?.slice(8), lines[marked + 1]?.slice(8)]
}

describe('the carets', () => {
  test('stand under what is meant, Chinese characters counting two', () => {
    expect(frame(at('title: 在线客服', 1, 8, 4))).toEqual(['title: 在线客服', '       ^^^^^^^^'])
    expect(frame(at('在线: x', 1, 5, 1))).toEqual(['在线: x', '      ^'])
  })

  test('count an emoji of several characters once', () => {
    expect(displayWidth('👨‍👩‍👧')).toBe(2)
    expect(displayWidth('👋🏽')).toBe(2)
    expect(displayWidth('é')).toBe(1)
    expect(displayWidth('ＡＢ，')).toBe(6)
    expect(displayWidth('abc')).toBe(3)
  })

  test('stand right behind and before a secret that is not shown', () => {
    const text = 'a: { key: hunter2, mood: sad }'
    const hidden = [{ from: 10, to: 17 }]
    expect(frame(at(text, 1, 20, 4, hidden))).toEqual(['a: { key: ••••••••, mood: sad }', '                    ^^^^'])
    expect(frame(at(text, 1, 11, 7, hidden))).toEqual(['a: { key: ••••••••, mood: sad }', '          ^^^^^^^^'])
    expect(frame(at(text, 1, 1, 30, hidden))).toEqual(['a: { key: ••••••••, mood: sad }', '^'.repeat(31)])
  })
})

test('a long line is shown around the place that is meant', () => {
  const [line = '', carets = ''] = frame(at(`${'x'.repeat(500)}HERE${'y'.repeat(500)}`, 1, 501, 4))
  expect(line.slice(carets.indexOf('^'), carets.lastIndexOf('^') + 1)).toBe('HERE')
  expect(line.length).toBeLessThan(140)
})

test('nothing that a terminal would obey is printed', () => {
  const [line] = frame(at('a: \u001b[31mred\u202e\u0007\tx', 1, 1, 1))
  expect(line).toBe('a: ·[31mred··→x')
})

test('paths are written as one would name them', () => {
  expect(showYamlPath(['features', 0, 'users'])).toBe('features[0].users')
  expect(showYamlPath(['texts', 'a.b', '在线'])).toBe('texts["a.b"].在线')
  expect(showYamlPath([])).toBe('')
})

test('problems stand in the order of the file, and each once', () => {
  const text = 'a\nb\nc\n'
  const sorted = sortProblems([at(text, 3, 1, 1), at(text, 1, 1, 1), at(text, 3, 1, 1), at(text, 2, 1, 1)])
  expect(sorted.map(({ line }) => line)).toEqual([1, 2, 3])
})

test('every code says where it belongs', () => {
  for (const code of PROBLEM_CODES) expect(code).toMatch(/^CONFIG_[A-Z0-9_]+$/)
})
