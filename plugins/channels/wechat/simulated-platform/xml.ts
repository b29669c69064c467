/** The platform’s XML: written as it writes it, and read as strictly as its own server does. */

/** Elements by name, in their order. Several of one name are a list. */
export interface Fields {
  readonly [name: string]: Field | readonly Field[]
}
/** A text stands in CDATA, a number as it is. */
type Field = string | number | bigint | Fields

/** What was read: texts and elements, those that repeat as a list. */
export type Read = string | { readonly [name: string]: Read | readonly Read[] }

export function writeXml(fields: Fields): string {
  return `<xml>${elements(fields)}</xml>`
}

function elements(fields: Fields): string {
  return Object.entries(fields)
    .flatMap(([name, value]) => [value].flat().map((one) => `<${name}>${content(one)}</${name}>`))
    .join('')
}

function content(value: Field): string {
  if (typeof value === 'object') return elements(value)
  return typeof value === 'string' ? `<![CDATA[${value.replaceAll(']]>', ']]]]><![CDATA[>')}]]>` : String(value)
}

/** What stands between two tags, as far as it is no element. */
const TEXT = /[^<&]+|<!\[CDATA\[(.*?)\]\]>|&(amp|lt|gt|quot|apos|#\d+|#x[\da-f]+);/isuy
const OPENING = /\s*<([A-Za-z]\w*)>/y
const NAMED: { readonly [name: string]: string } = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what no XML may hold.
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/

/** Reads one `<xml>` element, of which nothing but elements and texts is known. Throws with what is wrong. */
export function readXml(text: string): Read {
  if (FORBIDDEN.test(text)) throw new Error('it holds a control character')
  const reader = new Reader(text)
  const [name, root] = reader.element()
  if (name !== 'xml') throw new Error(`its root is <${name}>`)
  reader.end()
  return root
}

class Reader {
  readonly #text: string
  #at = 0
  constructor(text: string) {
    this.#text = text
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text) ?? undefined
    if (found) this.#at = pattern.lastIndex
    return found
  }

  /** Its name and what it holds. */
  element(): readonly [string, Read] {
    const name = this.#take(OPENING)?.[1]
    if (name === undefined)
      throw new Error(`there is no element at ${JSON.stringify(this.#text.slice(this.#at, this.#at + 20))}`)
    const from = this.#at
    let words = ''
    let children: { [name: string]: Read | readonly Read[] } | undefined
    for (;;) {
      if (this.#text.startsWith(`</${name}>`, this.#at)) break
      const piece = this.#take(TEXT)
      if (piece) {
        words += this.#wordsOf(piece)
        continue
      }
      if (this.#text.startsWith('</', this.#at) || this.#at >= this.#text.length)
        throw new Error(`<${name}> is not closed`)
      const [child, value] = this.element()
      const before = children?.[child]
      children = { ...children, [child]: before === undefined ? value : [before, value].flat() }
    }
    const isMixed = children !== undefined && words.trim() !== ''
    if (isMixed) throw new Error(`<${name}> holds text beside elements: ${this.#text.slice(from, from + 40)}`)
    this.#at += `</${name}>`.length
    return [name, children ?? words]
  }

  #wordsOf([all, inside, entity]: RegExpExecArray): string {
    if (entity?.startsWith('#x')) return String.fromCodePoint(Number.parseInt(entity.slice(2), 16))
    if (entity?.startsWith('#')) return String.fromCodePoint(Number(entity.slice(1)))
    return entity === undefined ? (inside ?? all) : (NAMED[entity] ?? all)
  }

  end(): void {
    if (this.#text.slice(this.#at).trim() !== '') throw new Error('something stands behind </xml>')
  }
}
