/** The plainest ways to find what the work looks for: they say what the right reply is, and the baselines use them. */
import type { Rule } from './data.ts'

/** Whether a text holds one of these, found by their first two characters. */
export function keywordFinder(keywords: readonly string[]): (text: string) => boolean {
  const byStart = Map.groupBy(keywords, (keyword) => keyword.slice(0, 2))
  return (text) => {
    for (let i = 0; i < text.length; i++)
      if (byStart.get(text.slice(i, i + 2))?.some((keyword) => text.startsWith(keyword, i))) return true
    return false
  }
}

/** The first rule that fits a text: the plainest way to find it. */
export function ruleFinder(rules: readonly Rule[]): (text: string) => Rule | undefined {
  const all = rules.map((rule) => ({ rule, pattern: new RegExp(rule.when) }))
  return (text) =>
    all.find(({ rule: { kind, when }, pattern }) => {
      if (kind === 'equals') return text === when
      return kind === 'contains' ? text.includes(when) : pattern.test(text)
    })?.rule
}
