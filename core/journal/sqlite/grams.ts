/**
 * How texts are found by any part of them: each is kept as the pairs of characters that stand beside each other in it,
 * and a part of it is the same pairs in a row. Three in a row, as SQLite has them itself, find no name of two
 * characters, and most Chinese names that people search for are that long.
 */
import { spelling } from '../../spelling.ts'

/** To SQLite's tokenizer `ascii` every other character of ASCII stands between words: those move up here. */
const BESIDE_WORDS = 0x2800

/** The pairs of a text; the last character stands alone at the end. */
export function gramsOf(text: string): string {
  const units = unitsOf(text)
  return units.map((unit, i) => unit + (units[i + 1] ?? '')).join(' ')
}

/** The pairs that stand one after the other where a text is a part; of one character it is how they begin. `undefined`: by nothing. */
export function gramsIn(text: string): { readonly phrase: string; readonly isBeginning: boolean } | undefined {
  const units = unitsOf(text)
  const [first] = units
  if (units.length < 2) return first === undefined ? undefined : { phrase: first, isBeginning: true }
  const pairs = units.slice(0, -1).map((unit, i) => unit + units[i + 1])
  return { phrase: pairs.join(' '), isBeginning: false }
}

/** A text that is only found as a whole: a tag, an account. */
export function wholeOf(text: string): string {
  return Buffer.from(text).toString('hex')
}

function unitsOf(text: string): readonly string[] {
  return Array.from(spelling(text).trim(), (unit) => {
    const code = unit.codePointAt(0) ?? 0
    return code > 0x7f || /[0-9a-z]/.test(unit) ? unit : String.fromCodePoint(BESIDE_WORDS + code)
  })
}
