/**
 * The work that every server is given, always the same from one seed: what they have to look for, what customers write,
 * and what the right reply is. Nothing here is random twice, so that two launches differ only by what is measured.
 *
 * With the real keyword-handoff the conversation goes to people, who would get all that the customer writes from then
 * on. So whoever writes a keyword is new and writes only that; the 10,000 customers never write one. Every server
 * answers it with the same text.
 */
import { fold } from '../core/matcher.ts'
import { keywordFinder, ruleFinder } from './plain-search.ts'
import { type Random, randomFrom } from './random.ts'

const SEED = 20261122
const BLACKLISTED = 10_000
const KEYWORDS = 1_000
const RULES = { contains: 70, equals: 20, pattern: 10 } as const
/** How many different texts there are, and of which kind: 70, 25 and 5 of a hundred. */
const TEXTS = { echo: 7_000, rule: 2_500, keyword: 500 } as const
const MIN_CHARS = 20
const MAX_CHARS = 50
/** A text that happens to hold a word of another kind is made again, so often at most. */
const MAX_TRIES = 1_000

const HANDED_OVER = '正在为您转接人工客服，请稍候。'
export const ECHO = 'echo: '

/** One of the rules: the first that fits a text gives the reply. */
export interface Rule {
  readonly kind: keyof typeof RULES
  /** What is contained or equal, or the source of a regular expression. */
  readonly when: string
  readonly say: string
}

/** What a server has to look for. Written as JSON for those that have no configuration of their own. */
export interface Task {
  readonly blacklist: readonly string[]
  readonly keywords: readonly string[]
  /** What is said to who writes a keyword. */
  readonly handedOver: string
  readonly rules: readonly Rule[]
  /** Stands before what is said back when nothing else is. */
  readonly echo: string
}

/** What a customer writes, and what must come back. */
export interface Exchange {
  readonly text: string
  readonly reply: string
  readonly isHandOff: boolean
}

export interface Work {
  readonly task: Task
  /** In an order that mixes the kinds. */
  readonly exchanges: readonly Exchange[]
}

/** Makes all of it. */
export function makeWork(): Work {
  const random = randomFrom(SEED)
  const words = makeWords(random)
  const keywords = Array.from({ length: KEYWORDS }, () =>
    random(10) < 7 ? words.chinese(2 + random(3)) : words.english(4 + random(5)),
  )
  const holdsKeyword = keywordFinder(keywords)
  const rules = makeRules(random, words, holdsKeyword)
  const exchanges = makeExchanges(random, words, { keywords, rules, holdsKeyword })
  const blacklist = Array.from({ length: BLACKLISTED }, (_, i) => openId('b', i))
  return { task: { blacklist, keywords, handedOver: HANDED_OVER, rules, echo: ECHO }, exchanges }
}

/** Who writes: of those who always come again one by chance, or somebody who was never there, in no launch before either. */
export function makeCustomers(count: number) {
  const random = randomFrom(SEED)
  const launch = Date.now().toString(36)
  let strangers = 0
  return {
    known: () => openId('c', random(count)),
    /** Everybody once, in turns. */
    inOrder: (i: number) => openId('c', i % count),
    stranger: () => openId(`s${launch}`, strangers++),
  }
}

/** As WeChat makes them: 28 characters. */
export function openId(kind: string, n: number): string {
  return `o${kind}${(n * 7_919).toString(36).padStart(27 - kind.length, '0')}`
}

/** The words of texts. No two spellings of one word are among them, so that comparing letter by letter finds the same. */
function makeWords(random: Random) {
  const characters = Array.from({ length: 3_000 }, (_, i) => String.fromCharCode(0x4e00 + i)).filter(
    (character) => fold(character) === character,
  )
  const chinese = (chars: number) => Array.from({ length: chars }, () => characters[random(characters.length)]).join('')
  const english = (letters: number) => String.fromCharCode(...Array.from({ length: letters }, () => 0x61 + random(26)))
  function text(chars: number): string {
    let made = ''
    while (made.length < chars) made += random(2) === 0 ? chinese(1 + random(6)) : ` ${english(2 + random(7))} `
    return made.slice(0, chars).trim()
  }
  return { chinese, english, text }
}
type Words = ReturnType<typeof makeWords>

function makeRules(random: Random, words: Words, holdsKeyword: (text: string) => boolean): readonly Rule[] {
  const kinds = shuffled(
    random,
    Object.entries(RULES).flatMap(([kind, count]) => Array.from({ length: count }, () => kind)),
  )
  const rules: Rule[] = []
  for (const kind of kinds) {
    const when = again(
      () => {
        if (kind === 'contains') return random(2) === 0 ? words.chinese(3 + random(3)) : words.english(6 + random(4))
        if (kind === 'equals') return words.text(MIN_CHARS + 1 + random(10))
        return `${words.chinese(2)} ?[0-9]{4}`
      },
      (when) => !holdsKeyword(when) && (kind !== 'equals' || when.length >= MIN_CHARS) && !ruleFinder(rules)(when),
    )
    const say = `Rule ${rules.length + 1}: ${words.chinese(20)}。`
    rules.push({ kind: kind === 'contains' || kind === 'equals' ? kind : 'pattern', when, say })
  }
  return rules
}

function makeExchanges(
  random: Random,
  words: Words,
  {
    keywords,
    rules,
    holdsKeyword,
  }: { readonly keywords: readonly string[]; readonly rules: readonly Rule[]; holdsKeyword(text: string): boolean },
): readonly Exchange[] {
  const ruleOf = ruleFinder(rules)
  /** A text with this inside; spaces around it, where it is a word. */
  function around(word: string): string {
    const filled = words.text(Math.max(MIN_CHARS - word.length, 4 + random(MAX_CHARS - word.length - 6)))
    const at = random(filled.length)
    const space = /^[a-z]/.test(word) ? ' ' : ''
    return `${filled.slice(0, at).trimEnd()}${space}${word}${space}${filled.slice(at).trimStart()}`.trim()
  }
  const fits = (text: string) => text.length >= MIN_CHARS && text.length <= MAX_CHARS
  const pick = <T>(list: readonly T[]): T => {
    const one = list[random(list.length)]
    if (one === undefined) throw new Error('There is nothing to choose from.')
    return one
  }
  const echo = (): Exchange => {
    const make = () => words.text(MIN_CHARS + random(MAX_CHARS - MIN_CHARS + 1))
    const text = again(make, (text) => fits(text) && !holdsKeyword(text) && !ruleOf(text))
    return { text, reply: `${ECHO}${text}`, isHandOff: false }
  }
  const rule = (): Exchange => {
    const wanted = pick(rules)
    const make = () => {
      if (wanted.kind === 'equals') return wanted.when
      if (wanted.kind === 'contains') return around(wanted.when)
      return around(`${wanted.when.slice(0, 2)}${random(2) === 0 ? ' ' : ''}${1_000 + random(9_000)}`)
    }
    const text = again(make, (text) => fits(text) && !holdsKeyword(text) && ruleOf(text) === wanted)
    return { text, reply: wanted.say, isHandOff: false }
  }
  const keyword = (): Exchange => {
    const wanted = pick(keywords)
    const text = again(() => around(wanted), fits)
    return { text, reply: HANDED_OVER, isHandOff: true }
  }
  return shuffled(random, [
    ...Array.from({ length: TEXTS.echo }, echo),
    ...Array.from({ length: TEXTS.rule }, rule),
    ...Array.from({ length: TEXTS.keyword }, keyword),
  ])
}

function again(make: () => string, isRight: (text: string) => boolean): string {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const made = make()
    if (isRight(made)) return made
  }
  throw new Error(`None of ${MAX_TRIES} texts was of the kind that was wanted.`)
}

function shuffled<T>(random: Random, list: readonly T[]): readonly T[] {
  return list
    .map((one) => ({ one, place: random(2 ** 31) }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ one }) => one)
}
