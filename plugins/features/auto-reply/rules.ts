/** The rules: which of them a text is for. */
import { createHash } from 'node:crypto'
import { RE2JS, RE2JSSyntaxException } from 're2js'
import { finder, type Keyword, type Say } from '#core'

export interface Rule {
  readonly when: readonly (Keyword | Pattern)[]
  readonly say: readonly Say[]
  readonly every?: number | undefined
  readonly then: 'end' | 'go-on'
}

export interface Pattern {
  readonly pattern: string
}

export interface FoundRule {
  readonly rule: Rule
  readonly because: string
  /** The rule in the plugin's memory: the same wherever it stands in the list. */
  readonly key: string
}

/** A regular expression that takes linear time, whatever is written in it and in the text. Case does not matter. */
function compile(pattern: string): RE2JS {
  return RE2JS.compile(pattern, RE2JS.CASE_INSENSITIVE)
}

/** Why a pattern cannot be used; `undefined` when it can. */
export function problemOf(pattern: string): string | undefined {
  try {
    compile(pattern)
    return undefined
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) {
      const piece = error.getPattern()
      return piece && piece !== pattern ? `${error.getDescription()} in ${piece}` : error.getDescription()
    }
    throw error
  }
}

/** Compiles rules into a function that gives the first one that is for a text. All their words are looked for at once. */
export function ruleFinder(rules: readonly Rule[]): (text: string) => FoundRule | undefined {
  const wishes = rules.flatMap((rule, place) => {
    const key = `rule ${createHash('sha256').update(JSON.stringify(rule.when)).digest('hex').slice(0, 8)}`
    return rule.when.map((when) => ({ when, rule, place, key }))
  })
  const findWord = finder(wishes.flatMap(({ when, ...rest }) => ('pattern' in when ? [] : [{ ...when, ...rest }])))
  const patterns = wishes.flatMap(({ when, ...rest }) =>
    'pattern' in when ? [{ ...rest, pattern: when.pattern, compiled: compile(when.pattern) }] : [],
  )
  return (text) => {
    const word = findWord(text)
    const before = word?.place ?? rules.length
    const pattern = patterns.find(({ place, compiled }) => place < before && compiled.test(text))
    if (pattern) return { rule: pattern.rule, key: pattern.key, because: `pattern ${pattern.pattern}` }
    return word && { rule: word.rule, key: word.key, because: `keyword ${word.text}` }
  }
}
