/**
 * Plugins' own tables live in the journal's file as `<instance>__<table>`. Kysely's queries are given that name when
 * they are compiled (`kysely.ts`); the SQL of a plugin's migrations is rewritten here.
 */

const BETWEEN = '__'

/** A plugin's table as it is called in the file. */
export function tableName(instance: string, table: string): string {
  return `${instance}${BETWEEN}${table}`
}

/** Whose table it is; `undefined`: one of the core's. */
export function instanceOfTable(name: string): string | undefined {
  const at = name.indexOf(BETWEEN)
  return at > 0 ? name.slice(0, at) : undefined
}

/** What stands between the words: texts, comments, spaces, signs. Words and quoted names are the groups. */
const TOKENS =
  /'(?:[^']|'')*'|--[^\n]*|\/\*[\s\S]*?\*\/|("(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\])|([\p{L}_][\p{L}\p{N}_$]*)|\s+|[\s\S]/gu

/** After these words comes the name of a table or index. */
const BEFORE_NAME = new Set(['TABLE', 'INDEX', 'TRIGGER', 'VIEW', 'INTO', 'FROM', 'JOIN', 'UPDATE', 'REFERENCES'])
/** These may stand between such a word and the name. */
const BETWEEN_WORDS = new Set(['IF', 'NOT', 'EXISTS', 'OR', 'ABORT', 'FAIL', 'IGNORE', 'REPLACE', 'ROLLBACK'])
/** After `ON` or `UPDATE` these are no names: ON CONFLICT, ON DELETE SET NULL, ON UPDATE CASCADE, AFTER UPDATE OF. */
const NO_NAMES = new Set(['CONFLICT', 'DELETE', 'UPDATE', 'SET', 'CASCADE', 'RESTRICT', 'NO', 'OF', 'ON', 'SELECT'])

/** What fires a trigger, ON a table. */
const TRIGGERS = new Set(['INSERT', 'DELETE', 'UPDATE'])

/**
 * The SQL of a migration with the plugin's names for its tables and indexes made those of the file. Names are found by
 * the word before them; joins are written with JOIN, and a plugin's tables refer to no others.
 */
export function forInstance(instance: string, sql: string): string {
  const tokens = [...sql.matchAll(TOKENS)].map(([text, quoted, word]) => ({
    text,
    name: quoted !== undefined ? unquoted(quoted) : word,
    word: word?.toUpperCase(),
  }))
  const words = tokens.filter((token) => token.name !== undefined)
  /** The names found, each with the word that it stands after. */
  const found = new Map<(typeof tokens)[number], string>()
  words.forEach((token, index) => {
    if (token.word !== undefined && (NO_NAMES.has(token.word) || BETWEEN_WORDS.has(token.word))) return
    let before = index - 1
    while (BETWEEN_WORDS.has(words[before]?.word ?? '')) before -= 1
    const word = words[before]?.word ?? ''
    const earlier = words[before - 1]
    const isName =
      word === 'ON'
        ? // Of an index or a trigger; that of a join is followed by a condition.
          (earlier !== undefined && found.get(earlier) === 'INDEX') || TRIGGERS.has(earlier?.word ?? '')
        : word === 'TO'
          ? earlier?.word === 'RENAME'
          : BEFORE_NAME.has(word) && !(word === 'FROM' && earlier?.word === 'DISTINCT')
    if (isName) found.set(token, word)
  })
  const names = new Set([...found.keys()].map((token) => token.name?.toLowerCase()))
  return tokens
    .map((token, index) => {
      if (token.name === undefined) return token.text
      const qualifies = tokens[index + 1]?.text === '.' && names.has(token.name.toLowerCase())
      return found.has(token) || qualifies ? quotedName(tableName(instance, token.name)) : token.text
    })
    .join('')
}

function unquoted(name: string): string {
  return name.slice(1, -1).replaceAll('""', '"')
}

function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
