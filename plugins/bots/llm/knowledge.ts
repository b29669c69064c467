/**
 * What the operator lets the model know: the entries of a file that fit what the customer asks.
 *
 * Any file will do that people can read, such as the one of a faq bot: of YAML what stands in `entries`, or else every
 * entry of its lists and maps, whatever its keys; of any other text every section with a heading, or every paragraph.
 * The model reads them as they stand.
 */
import MiniSearch from 'minisearch'
import { parse, stringify } from 'yaml'
import { fold, type SettingFile } from '#core'

/** How many entries the model is shown at most, and how much of each. */
const MAX_ENTRIES = 5
const MAX_ENTRY_CHARS = 2_000
/** How much of a text is searched for, and how long a word may be to be found though misspelt: the time grows with both. */
const MAX_SEARCHED_CHARS = 1_000
const MAX_MISSPELT_CHARS = 20

/** The entries of a file. Throws when it is YAML that cannot be read. */
export function entriesOf({ path, text }: SettingFile): readonly string[] {
  const entries = /\.(ya?ml|json)$/i.test(path) ? yamlEntries(parse(text)) : sections(text)
  return entries.map((entry) => entry.trim().slice(0, MAX_ENTRY_CHARS)).filter((entry) => entry !== '')
}

function yamlEntries(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.map((entry) => stringify(entry))
  if (typeof value !== 'object' || value === null) return value === null ? [] : [String(value)]
  // A faq bot's file has more on top, such as synonyms, that answers nothing.
  if ('entries' in value) return yamlEntries(value.entries)
  return Object.entries(value).flatMap(([key, inner]) =>
    Array.isArray(inner) ? yamlEntries(inner) : [stringify({ [key]: inner })],
  )
}

function sections(text: string): readonly string[] {
  return /^#{1,6} /m.test(text) ? text.split(/^(?=#{1,6} )/m) : text.split(/\n\s*\n/)
}

/** Finds the entries that fit what was said, the best first. */
export function makeSearch(entries: readonly string[]): (...said: readonly string[]) => readonly string[] {
  const index = new MiniSearch<{ id: number; text: string }>({
    fields: ['text'],
    tokenize: terms,
    processTerm: (term) => term,
  })
  index.addAll(entries.map((text, id) => ({ id, text })))
  const mayBeMisspelt = (term: string) => /^[a-z]{5,}$/.test(term) && term.length <= MAX_MISSPELT_CHARS
  return (...said) =>
    index
      .search(said.map((text) => text.slice(0, MAX_SEARCHED_CHARS)).join('\n'), {
        prefix: (term) => term.length > 3,
        fuzzy: (term) => mayBeMisspelt(term) && 0.2,
      })
      .slice(0, MAX_ENTRIES)
      .map(({ id }) => entries[id] ?? '')
}

/** Scripts without spaces between words, and the words of all others. */
const RUNS =
  /[\p{scx=Hani}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Thai}]+|[[\p{L}\p{N}\p{M}]--[\p{scx=Hani}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Thai}]]+/gv
const UNSPACED = /^[\p{scx=Hani}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Thai}]/v

/** Words; where there are none to be seen, every two characters that stand together. */
function terms(text: string): string[] {
  return [...fold(text).matchAll(RUNS)].flatMap(([run]) => {
    if (!UNSPACED.test(run)) return [run]
    const characters = [...run]
    if (characters.length === 1) return characters
    return characters.slice(1).map((character, i) => `${characters[i]}${character}`)
  })
}
