/** What a look at the file must not show: values that sound secret, whether or not anybody has said that they are. */
import type { Range } from './read.ts'

/** Keys whose values are not shown, even when nobody has said that they are secret. */
export const SECRET_KEY =
  /secret|(?<!max_?)token|passw(or)?d|credential|(api|aes|access|private|signing|hook)[_-]?key|^(key|pwd|pass)$/i

/** Literal values behind keys that sound secret, in a text that could not be parsed. */
export function hiddenIn(text: string): readonly Range[] {
  const hidden: Range[] = []
  let offset = 0
  /** The indentation of a key whose text stands in the lines below it. */
  let block: number | undefined
  for (const line of text.split('\n')) {
    const indent = line.length - line.trimStart().length
    if (block !== undefined && (line.trim() === '' || indent > block))
      hidden.push({ from: offset, to: offset + line.length })
    else block = undefined
    for (const match of line.slice(0, 2000).matchAll(/([\w-]+)["']?\s*:\s+(?=\S)/g)) {
      if (!SECRET_KEY.test(match[1] ?? '')) continue
      const start = match.index + match[0].length
      const rest = line.slice(start)
      if (/^["']?\$\{\w+\}/.test(rest)) continue
      const value = /^("[^"]*"|'[^']*')/.exec(rest)?.[0] ?? untilNext(rest, line)
      if (/^[|>]/.test(value)) block = indent
      else hidden.push({ from: offset + start, to: offset + start + value.length })
    }
    offset += line.length + 1
  }
  return hidden
}

/** A plain value: to the end of the line, or of the entry when the line has brackets. */
function untilNext(rest: string, line: string): string {
  return (line.includes('{') ? /^[^,}]*/.exec(rest)?.[0] : rest)?.trimEnd() ?? ''
}
