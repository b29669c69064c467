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

/** What a pattern may be compiled to, in instructions; a usual one takes 10 to 50. */
const MAX_INSTRUCTIONS = 200
/** So much of a text is looked at. The worst pattern takes some 20 ms for it. */
const MAX_CHARS = 1_000

/** A pattern of signs that have no case: Chinese, digits, and what stands for several of them. */
const CASELESS = /^(?:\\[ds]|\[0-9\]|[\p{scx=Hani}0-9 ,:.?*+|(){}])*$/u

/** A regular expression that takes time by its size and the text's length only. Case does not matter. */
function compile(pattern: string): RE2JS {
  // Only where case matters to it, it looks first whether its fixed part is in the text at all, which is seldom so.
  return RE2JS.compile(pattern, CASELESS.test(pattern) ? 0 : RE2JS.CASE_INSENSITIVE)
}

/** Why a pattern cannot be used, as a sentence and what to write instead; `undefined` when it can. */
export function problemOf(pattern: string): string | undefined {
  try {
    const compiled = compile(pattern)
    if (compiled.test('')) return `"${pattern}" fits every message, or one without a text. Write what must be in it.`
    if (compiled.programSize() <= MAX_INSTRUCTIONS) return undefined
    return `"${pattern}" is too large: it is ${compiled.programSize()} instructions, and ${MAX_INSTRUCTIONS} are taken. Repeat less of it, or write it as several patterns.`
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error
    const piece = error.getPattern()
    const wrong = piece && piece !== pattern ? `${error.getDescription()} in ${piece}` : error.getDescription()
    return `"${pattern}" is no regular expression that can be used: ${wrong}. ${adviceOn(pattern)}`
  }
}

function adviceOn(pattern: string): string {
  return /\(\?<?[=!]|\\[1-9k]/.test(pattern)
    ? 'Look-around and back-references are not known here.'
    : 'Write a \\ before a sign that means itself.'
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
    // The sign stands for the rest: what is looked for at the end of a text is not found where it was cut.
    const start = text.length <= MAX_CHARS ? text : `${text.slice(0, MAX_CHARS)}…`
    const pattern = patterns.find(({ place, compiled }) => place < before && compiled.test(start))
    if (pattern) return { rule: pattern.rule, key: pattern.key, because: `pattern ${pattern.pattern}` }
    return word && { rule: word.rule, key: word.key, because: `keyword ${word.text}` }
  }
}
