/** Canned replies as the composer uses them: what is looked for, what is found, and the words that go in. */
import type { CannedReply } from '../replies/shapes.ts'

/** What is being looked for. */
export interface Slash {
  /** Where the sign stands, and what is written behind it. */
  readonly from: number
  readonly part: string
}

/** More nobody looks through: whoever does not see it goes on writing. */
const MAX_FOUND = 8

/**
 * The sign before the caret, if it begins a word, with what is written behind it. Chinese keyboards write another sign
 * by the same key.
 */
export function slashAt(text: string, caret: number): Slash | undefined {
  const part = /(?:^|\s)[/／、]([^\s/／、]*)$/.exec(text.slice(0, caret))?.[1]
  return part === undefined ? undefined : { from: caret - part.length - 1, part }
}

/** Those whose shortcut begins with it, then those that have it in the shortcut, then those that have it in a text. */
export function foundBy(replies: readonly CannedReply[], part: string, most = MAX_FOUND): readonly CannedReply[] {
  const wanted = folded(part)
  const rankOf = ({ shortcut, texts }: CannedReply) => {
    const at = folded(shortcut).indexOf(wanted)
    if (at >= 0) return at === 0 ? 0 : 1
    return Object.values(texts).some((text) => folded(text).includes(wanted)) ? 2 : 3
  }
  const ranked = replies.map((reply) => ({ reply, rank: rankOf(reply) })).filter(({ rank }) => rank < 3)
  // Equal ones stay in the order of their use.
  return ranked
    .sort((a, b) => a.rank - b.rank)
    .slice(0, most)
    .map(({ reply }) => reply)
}

/** Full-width signs and case do not matter. */
const folded = (text: string) => text.normalize('NFKC').toLowerCase()

/** The text in the first of these languages that it has, else in any. */
export function textFor({ texts }: Pick<CannedReply, 'texts'>, languages: readonly (string | undefined)[]): string {
  const tags = Object.keys(texts)
  for (const wanted of languages) {
    const base = wanted?.split('-')[0]
    const tag = tags.find((one) => one === wanted) ?? tags.find((one) => one.split('-')[0] === base)
    if (tag !== undefined) return texts[tag] ?? ''
  }
  return Object.values(texts)[0] ?? ''
}

/** With the names in it. A name that is not known is left out, with the space before it. */
export function filled(text: string, names: { readonly customer: string | undefined; readonly agent: string }): string {
  return text
    .replace(/ ?\{customer\}/g, (found) =>
      names.customer === undefined ? '' : found.replace('{customer}', () => names.customer ?? ''),
    )
    .replaceAll('{agent}', () => names.agent)
}
