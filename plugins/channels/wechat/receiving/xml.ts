/**
 * Reads the platform's messages, and nothing else that XML has: elements with texts, CDATA, the five named characters
 * and numbered ones. There are no document types, entities, comments or name spaces here, so nothing can be expanded or
 * fetched; whatever has them outside of a text is refused. Its time grows as the text does.
 */

/** What an element holds: its text, other elements, or a list where the element is there several times. */
export type XmlValue = string | XmlFields | readonly XmlValue[]
export interface XmlFields {
  readonly [element: string]: XmlValue
}

/** The platform's deepest messages have five levels. */
const MAX_DEPTH = 16
/** Of a message of the largest size that is taken, most is text. */
const MAX_ELEMENTS = 2_000
const MAX_ATTRIBUTES_CHARS = 1_024

const NAMED: { readonly [name: string]: string } = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }
const NAME = /[A-Za-z_][A-Za-z0-9_.-]{0,63}/y
const ROOT = /\s*(?:<\?xml\s[^<>?]{0,200}\?>\s*)?<xml(?=[\s/>])/y
const SPACE = /^\s*$/
const REFERENCE = /&(?:#x([0-9a-fA-F]{1,6})|#([0-9]{1,7})|([a-z]{2,4}));|&/g

/** Thrown inside only. */
class NotXml extends Error {}

/**
 * The elements inside `<xml>`. Texts stay texts, whatever they look like. Control characters, which customers can type
 * and the platform passes on, are left out. `undefined`: not in this form.
 */
export function readXml(text: string): XmlFields | undefined {
  try {
    return new Reader(withoutControls(text)).document()
  } catch (error) {
    if (error instanceof NotXml) return undefined
    throw error
  }
}

class Reader {
  readonly #text: string
  #at = 0
  #elements = 0

  constructor(text: string) {
    this.#text = text
  }

  document(): XmlFields {
    if (this.#text.charCodeAt(0) === 0xfeff) this.#at = 1
    if (!this.#matches(ROOT)) throw new NotXml()
    // Clients have put markers of their own there.
    const isEmpty = this.#skipAttributes()
    const content = isEmpty ? '' : this.#content('xml', 1)
    if (!SPACE.test(this.#text.slice(this.#at))) throw new NotXml()
    if (typeof content !== 'string') return content
    if (!SPACE.test(content)) throw new NotXml()
    return {}
  }

  #skipAttributes(): boolean {
    const end = this.#text.indexOf('>', this.#at)
    if (end < 0 || end - this.#at > MAX_ATTRIBUTES_CHARS) throw new NotXml()
    const attributes = this.#text.slice(this.#at, end)
    if (attributes.includes('<')) throw new NotXml()
    this.#at = end + 1
    return attributes.endsWith('/')
  }

  /** Up to and with the end of the element: its text, or the elements in it. Beside elements there is only space. */
  #content(name: string, depth: number): string | XmlFields {
    if (depth > MAX_DEPTH) throw new NotXml()
    let text = ''
    let hasCdata = false
    let fields: Collected | undefined
    for (;;) {
      const next = this.#text.indexOf('<', this.#at)
      if (next < 0) throw new NotXml()
      if (next > this.#at) text += plain(this.#text.slice(this.#at, next))
      this.#at = next
      if (this.#takes('<![CDATA[')) {
        text += this.#upTo(']]>')
        hasCdata = true
      } else if (this.#takes('</')) {
        this.#endOf(name)
        if (!fields) return text
        if (hasCdata || !SPACE.test(text)) throw new NotXml()
        return fields.all()
      } else {
        fields ??= new Collected()
        this.#child(fields, depth)
      }
    }
  }

  #child(fields: Collected, depth: number): void {
    this.#at += 1
    const name = this.#matches(NAME)
    this.#elements += 1
    if (!name || this.#elements > MAX_ELEMENTS) throw new NotXml()
    const isEmpty = this.#takes('/>')
    if (!isEmpty && !this.#takes('>')) throw new NotXml()
    fields.add(name, isEmpty ? '' : this.#content(name, depth + 1))
  }

  #endOf(name: string): void {
    if (!this.#takes(name)) throw new NotXml()
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at += 1
    if (!this.#takes('>')) throw new NotXml()
  }

  #takes(expected: string): boolean {
    if (!this.#text.startsWith(expected, this.#at)) return false
    this.#at += expected.length
    return true
  }

  #matches(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const [found] = pattern.exec(this.#text) ?? []
    if (found !== undefined) this.#at = pattern.lastIndex
    return found
  }

  #upTo(end: string): string {
    const at = this.#text.indexOf(end, this.#at)
    if (at < 0) throw new NotXml()
    const found = this.#text.slice(this.#at, at)
    this.#at = at + end.length
    return found
  }
}

/** The elements of one level. Without a prototype: an element may have any name. */
class Collected {
  readonly #fields: Record<string, XmlValue> = Object.create(null)
  readonly #lists = new Map<string, XmlValue[]>()

  add(name: string, value: XmlValue): void {
    const before = this.#fields[name]
    const list = this.#lists.get(name)
    if (list) list.push(value)
    else if (before === undefined) this.#fields[name] = value
    else {
      const both = [before, value]
      this.#fields[name] = both
      this.#lists.set(name, both)
    }
  }

  all(): XmlFields {
    return this.#fields
  }
}

/** A text outside of CDATA, with what its references stand for. */
function plain(text: string): string {
  if (!text.includes('&')) return text
  const read = text.replace(REFERENCE, (_all, hex?: string, decimal?: string, name?: string) => {
    if (name !== undefined && Object.hasOwn(NAMED, name)) return NAMED[name] ?? ''
    const digits = hex ?? decimal
    if (digits === undefined) throw new NotXml()
    const code = Number.parseInt(digits, hex === undefined ? 10 : 16)
    if (code > 0x10_ffff || (code >= 0xd800 && code <= 0xdfff)) throw new NotXml()
    return String.fromCodePoint(code)
  })
  return withoutControls(read)
}

/** The characters that XML cannot have. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g

/** Without the characters that no XML may have, written or read. */
export function withoutControls(text: string): string {
  return text.replace(CONTROLS, '')
}
