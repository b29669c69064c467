/** What the YAML parser has against a text, in an operator's words. */
import { type Document, isScalar, visit, type YAMLParseError, type YAMLWarning } from 'yaml'
import { type Finding, found } from './problems.ts'

/** A finding, and the offsets in the text that it is about. */
export interface SyntaxFinding {
  readonly finding: Finding
  readonly from: number
  readonly to: number
}

/** More than these say nothing new. */
const MAX_FINDINGS = 20

/** One finding for each line that the parser complains about; what only follows from an earlier one is left out. */
export function syntaxFindings(document: Document.Parsed, text: string): readonly SyntaxFinding[] {
  const errors = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0])
  if (errors.some((error) => error.code === 'RESOURCE_EXHAUSTION')) {
    return [{ finding: found('CONFIG_TOO_DEEP', {}), from: 0, to: 1 }]
  }
  const findings: SyntaxFinding[] = []
  const lines = new Set<number>()
  for (const error of errors) {
    // The parser has given up on the value and stumbles over what is left of it.
    if (findings.length > 0 && error.message.includes('in YAML stream')) continue
    const one = variableInBraces(error, text) ?? translate(error, text, document)
    const line = lineStart(text, one.from)
    if (lines.has(line)) continue
    lines.add(line)
    if (findings.push(one) === MAX_FINDINGS) break
  }
  return findings
}

type YamlError = YAMLParseError | YAMLWarning

function variableInBraces(error: YamlError, text: string): SyntaxFinding | undefined {
  const start = lineStart(text, error.pos[0])
  const line = lineAt(text, start)
  for (const match of line.matchAll(/\$\{([A-Za-z_]\w*)\}/g)) {
    const from = start + match.index
    const to = from + match[0].length
    if (error.pos[0] < from || error.pos[0] > to) continue
    const key = /([\w-]+)\s*:\s*$/.exec(line.slice(0, match.index))?.[1]
    return { finding: found('CONFIG_VARIABLE_IN_BRACES', { key, variable: match[1] ?? '' }), from, to }
  }
  return undefined
}

function translate(error: YamlError, text: string, document: Document.Parsed): SyntaxFinding {
  const [from, to] = error.pos
  const start = lineStart(text, from)
  const line = lineAt(text, start)
  const whole = { from: start + (line.length - line.trimStart().length), to: start + line.length }
  const yaml = (what: string, instead: string | undefined, at: { from: number; to: number } = { from, to }) => ({
    finding: found('CONFIG_YAML', { what, instead }),
    ...at,
  })
  switch (error.code) {
    case 'TAB_AS_INDENT':
      return { finding: found('CONFIG_TAB', {}), from: text[from] === '\t' ? from : start, to }
    case 'BAD_INDENT':
      return error.message.startsWith('Flow') ? unclosed(error, text) : { finding: misaligned(text, start), ...whole }
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY':
    case 'MISSING_CHAR':
      if (/^Missing closing/.test(error.message)) return unclosedQuote(document, from, to)
      if (error.message.startsWith('Sequence item')) return { finding: misaligned(text, start), ...whole }
      if (/^Missing , or :/.test(error.message))
        return yaml('A comma is missing in front of this.', 'Write  [one, two].')
      return keyTrouble(line, start, whole)
    case 'BAD_SCALAR_START':
      return yaml(
        `A value cannot begin with ${text[from]} unless it is in quotes.`,
        `Write  "${lineAt(text, from).trim()}".`,
      )
    case 'BAD_DQ_ESCAPE':
      return yaml(
        `${text.slice(from, from + 2)} means nothing inside double quotes.`,
        "Write the text in single quotes ('…'), where a backslash is just a backslash, or double it.",
      )
    case 'MULTIPLE_DOCS':
      return yaml('A second document begins here (---). A configuration is one.', 'Take the line away.')
    case 'TAG_RESOLVE_FAILED':
      return yaml(
        `${text.slice(from, to)} is a tag, and a configuration has none.`,
        'Put a text that begins with ! in quotes.',
      )
    case 'UNEXPECTED_TOKEN':
      if (error.message.includes('at node end')) {
        return yaml(
          'The value has ended before this.',
          "Put the whole text in double quotes; a quote inside is written \\\" (inside '…' it is doubled).",
        )
      }
      return yaml(
        `${text[from] ?? 'This'} is not expected here.`,
        'Count the brackets, quotes and commas of this line.',
      )
    default:
      return yaml(`This is no YAML: ${error.message}.`, undefined)
  }
}

/** A line that begins like a key, and is none. */
function keyTrouble(line: string, start: number, whole: { from: number; to: number }): SyntaxFinding {
  const yaml = (what: string, instead: string, at: { from: number; to: number } = whole) => ({
    finding: found('CONFIG_YAML', { what, instead }),
    ...at,
  })
  const trimmed = line.trim()
  const wide = line.indexOf('：')
  if (wide >= 0) {
    const at = { from: start + wide, to: start + wide + 1 }
    return yaml('This is a full-width colon.', 'Write a plain colon and a space:  name: value.', at)
  }
  if (/^-[^\s-]/.test(trimmed)) return yaml('A space is missing after the dash.', `Write  - ${trimmed.slice(1)}`)
  const [, key = '', value = ''] = /^(?:- +)?([^\s:"'#]+):([^\s/].*)$/.exec(trimmed) ?? []
  if (key) return yaml('A space is missing after the colon.', `Write  ${key}: ${value}`)
  const [, first, rest = ''] = /^(?:- +)?([^\s:"'#]+): +([^"'#].*: .*)$/.exec(trimmed) ?? []
  if (first) return yaml('There is a second colon in this line.', `Put the value in quotes:  ${first}: "${rest}"`)
  const [, name] = /^(?:- +)?([^\s:"'#]+): +\S/.exec(trimmed) ?? []
  if (name) {
    return yaml(
      `"${name}" has a value in its line, and the next line goes on as if it were a map.`,
      'Give the next line as many spaces as this one, or take the value away.',
    )
  }
  return yaml(
    'This line is no key with a value: it has no colon.',
    `Write  ${trimmed.split(/\s/)[0] || 'name'}: value.`,
  )
}

/** Which key above a line stands at no level of this line's own. */
function misaligned(text: string, start: number): Finding {
  const above = text
    .slice(0, start)
    .split('\n')
    .reverse()
    .find((line) => /^\s*[^\s#]/.test(line))
  const key = /^\s*(?:- +)?([^\s:"'#]+):/.exec(above ?? '')?.[1]
  return found('CONFIG_INDENT', { before: key && `"${key}" above it` })
}

/** A bracket that is still open when the block around it goes on. */
function unclosed(error: YamlError, text: string): SyntaxFinding {
  const close = error.message.includes(' ]') ? ']' : '}'
  const open = close === ']' ? '[' : '{'
  const at = text.lastIndexOf(open, error.pos[0] - 1)
  const from = at < 0 ? error.pos[0] : at
  const what = `This ${open} is never closed.`
  const instead = `Write ${close} at its end, and indent every line between more than the key.`
  return { finding: found('CONFIG_YAML', { what, instead }), from, to: from + 1 }
}

/** A quote that is never closed: where it begins, not the end of the file where the parser notices. */
function unclosedQuote(document: Document.Parsed, from: number, to: number): SyntaxFinding {
  let opened: number | undefined
  visit(document, {
    Scalar(_, node) {
      const range = node.range
      if (isScalar(node) && node.type?.startsWith('QUOTE') && range && range[0] <= from && range[1] >= from) {
        opened = range[0]
      }
    },
  })
  const finding = found('CONFIG_YAML', {
    what: 'This quote is never closed.',
    instead: 'Write the same quote at the end of the text.',
  })
  return opened === undefined ? { finding, from, to } : { finding, from: opened, to: opened + 1 }
}

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1
}

function lineAt(text: string, start: number): string {
  const end = text.indexOf('\n', start)
  return text.slice(start, end < 0 ? text.length : end).replace(/\r$/, '')
}
