/**
 * What a question is compared by: its words, and of Chinese its characters and pairs of them, each with a weight for
 * how much it says. Words of courtesy say next to nothing.
 */
import { fold } from '#core'

/** How much a term says, before it is known how rare it is. Found with the tuning part of the labelled questions. */
const WEIGHT = {
  /** A word that is written with letters. */
  word: 1.6,
  /** A word or phrase of the knowledge file's own `synonyms`. */
  synonym: 2,
  /** A synonym and what stands beside it. */
  besideSynonym: 0.8,
  /** The words that a synonym is written with, of what they would say by themselves: the same one is more alike. */
  ofSynonym: 0.3,
  /** One Chinese character: half of most words, so it bridges 退货 and 退回. */
  character: 0.5,
  /** Two Chinese characters in a row: most words are two. */
  pair: 0.6,
  /** A pair with a particle in it. */
  pairWithParticle: 0.25,
  /** how, where, when … */
  asking: 2,
  /** 怎么, 哪里, 什么时候 … */
  askingInChinese: 1.8,
  /** the, of, please … */
  particle: 0.15,
  /** 的, 了, 请问 … */
  particleInChinese: 0.05,
} as const

type Kind = 'word' | 'character' | 'synonym' | 'asking' | 'askingInChinese' | 'particle' | 'particleInChinese'

interface Token {
  readonly text: string
  readonly kind: Kind
}

export interface Term {
  /** How much it says, before it is known how rare it is. */
  readonly weight: number
  /** It says little even where no other question has it: `who` is not rare. */
  readonly isCommon: boolean
}

/** What a text is made of. */
export type Terms = ReadonlyMap<string, Term>

export interface TakenApart {
  readonly terms: Terms
  /** It names one thing, and asks nothing about it: `coupon`, 退货. */
  readonly isSubject: boolean
}

/** Makes the function that takes texts apart, by the knowledge file's rows of words that mean the same. */
export function termsBy(synonyms: readonly (readonly string[])[]): (text: string) => TakenApart {
  const known = phrasesOf(synonyms)
  const none = new Phrases()
  return (text) => {
    const words = wordsOf(text)
    const tokens = tokensOf(words, known)
    const terms = weighed(tokens)
    if (tokens.some(({ kind }) => kind === 'synonym')) {
      for (const [term, { weight, isCommon }] of weighed(tokensOf(words, none))) {
        if (!terms.has(term)) terms.set(term, { weight: weight * WEIGHT.ofSynonym, isCommon })
      }
    }
    return { terms, isSubject: isSubject(tokens) }
  }
}

/** One word or two Chinese characters, and little beside it. */
function isSubject(tokens: readonly Token[]): boolean {
  const things = tokens.map<number>(({ kind }) =>
    kind === 'character' ? 0.5 : kind === 'word' || kind === 'synonym' ? 1 : 0,
  )
  const isAsking = tokens.some(({ kind }) => kind === 'asking' || kind === 'askingInChinese')
  return tokens.length <= 3 && !isAsking && things.reduce((sum, one) => sum + one, 0) <= 1
}

function phrasesOf(synonyms: readonly (readonly string[])[]): Phrases {
  const known = new Phrases()
  for (const [row, phrases] of synonyms.entries()) {
    for (const phrase of phrases) known.add(wordsOf(phrase), { text: `=${row}`, kind: 'synonym' })
  }
  return known
}

function tokensOf(words: readonly string[], known: Phrases): readonly Token[] {
  const tokens: Token[] = []
  for (let i = 0; i < words.length; ) {
    const { token, length } = known.at(words, i) ?? LANGUAGE.at(words, i) ?? single(words[i] ?? '')
    tokens.push(token)
    i += length
  }
  return tokens
}

function single(text: string): { readonly token: Token; readonly length: number } {
  return { token: { text, kind: HAN.test(text) ? 'character' : 'word' }, length: 1 }
}

function weighed(tokens: readonly Token[]): Map<string, Term> {
  const terms = new Map<string, Term>()
  for (const [i, token] of tokens.entries()) {
    terms.set(token.text, { weight: WEIGHT[token.kind], isCommon: isCommon(token) })
    const next = tokens[i + 1]
    const weight = next && weightOfPair(token.kind, next.kind)
    if (weight) terms.set(`${token.text} ${next.text}`, { weight, isCommon: isCommon(token) && isCommon(next) })
  }
  return terms
}

function isCommon({ kind }: Token): boolean {
  return kind !== 'word' && kind !== 'character' && kind !== 'synonym'
}

/** What two tokens in a row say beyond each of them. */
function weightOfPair(one: Kind, other: Kind): number {
  const kinds = [one, other]
  const particles = kinds.filter((kind) => kind === 'particleInChinese').length
  if (kinds.every((kind) => kind === 'character' || kind === 'particleInChinese')) {
    return particles === 0 ? WEIGHT.pair : WEIGHT.pairWithParticle ** particles
  }
  const isPlain = kinds.every((kind) => kind === 'synonym' || kind === 'character' || kind === 'word')
  return isPlain && kinds.includes('synonym') ? WEIGHT.besideSynonym : 0
}

/**
 * Makes the function that tells what a text says, whatever its particles and the order of its words: two texts with the
 * same gist are the same question.
 */
export function gistsBy(synonyms: readonly (readonly string[])[]): (text: string) => string {
  const known = phrasesOf(synonyms)
  return (text) => {
    const tokens = tokensOf(wordsOf(text), known)
    const said = tokens.filter(({ kind }) => kind !== 'particle' && kind !== 'particleInChinese')
    return inWords(said.length > 0 ? said : tokens)
      .sort()
      .join('\n')
  }
}

/** Characters in a row are one word, so that their order counts. */
function inWords(tokens: readonly Token[]): string[] {
  const words: string[] = []
  for (const [i, { text, kind }] of tokens.entries()) {
    if (kind === 'character' && tokens[i - 1]?.kind === 'character') words.push(`${words.pop()}${text}`)
    else words.push(text)
  }
  return words
}

// ── words ───────────────────────────────────────────────────────────────────────────────────

const HAN = /\p{Script=Han}/u
const WORD = /\p{Script=Han}|[[\p{L}\p{M}\p{N}]--\p{Script=Han}]+(?:'[a-z]+)?/gv

/** Chinese characters, and the stems of words that are written with letters. */
export function wordsOf(text: string): readonly string[] {
  const words = fold(text).replaceAll('’', "'").match(WORD) ?? []
  return words.map((word) => (HAN.test(word) ? word : stemOf(word)))
}

/** `parcels` and `parcel`, `shipped` and `shipping` are one: endings are cut off, not understood. */
export function stemOf(word: string): string {
  const bare = word.replace(/'(s|m|d|ve|re|ll)$/, '').replaceAll("'", '')
  if (bare.length > 4 && bare.endsWith('ies')) return `${bare.slice(0, -3)}y`
  const verb = /^(\p{L}{3,})ing$|^(\p{L}{3,})ed$/u.exec(bare)
  if (verb) return (verb[1] ?? verb[2] ?? '').replace(/([^aeiouls])\1$/, '$1').replace(/e$/, '')
  if (bare.length > 4 && /(s|x|ch|sh)es$/.test(bare)) return bare.slice(0, -2)
  const singular = bare.length > 3 && /[^s]s$/.test(bare) ? bare.slice(0, -1) : bare
  return singular.length > 4 ? singular.replace(/e$/, '') : singular
}

/** Phrases that stand for one token. The longest one that begins at a place is found. */
class Phrases {
  readonly #byFirst = new Map<string, { readonly words: readonly string[]; readonly token: Token }[]>()

  add(words: readonly string[], token: Token): this {
    const [first] = words
    if (first === undefined) return this
    const same = this.#byFirst.get(first) ?? []
    same.push({ words, token })
    same.sort((a, b) => b.words.length - a.words.length)
    this.#byFirst.set(first, same)
    return this
  }

  at(words: readonly string[], i: number): { readonly token: Token; readonly length: number } | undefined {
    const phrase = this.#byFirst.get(words[i] ?? '')?.find((one) => one.words.every((word, k) => words[i + k] === word))
    return phrase && { token: phrase.token, length: phrase.words.length }
  }
}

// ── the languages ───────────────────────────────────────────────────────────────────────────

const LANGUAGE = new Phrases()
for (const word of 'what which who how when where why not no'.split(' ')) {
  LANGUAGE.add([stemOf(word)], { text: stemOf(word), kind: 'asking' })
}
for (const words of [
  'a an the i me my mine we our us you your u ur it its this that these those here there',
  'is are am was were be been being do does did doing have has had having will would shall should can could may might must',
  'to of in on at by for from with as about into and or but if so then than',
  'please pls plz hi hello hey thanks thank just also some any get got want need like wanna im ive id',
]) {
  for (const word of words.split(' ')) LANGUAGE.add([stemOf(word)], { text: stemOf(word), kind: 'particle' })
}
/** Each row asks for the same. */
for (const row of [
  '怎么 如何 怎样 咋 怎么样 怎么办 咋办 怎么弄',
  '多久 多长时间 几天 多长 多少天',
  '什么时候 啥时候 何时 几时 啥时',
  '多少钱 几块钱 什么价 怎么收费',
  '哪里 哪儿 在哪 什么地方 什么位置',
  '什么 啥 哪些',
  '可以 能 能不能 可不可以 可否 能否',
  '几点 什么时间',
  '谁 哪个人',
  '为什么 为啥 怎么回事',
  '多少 几',
  '哪 哪个 哪种 哪家 哪款',
]) {
  const phrases = row.split(' ')
  for (const phrase of phrases) LANGUAGE.add([...phrase], { text: phrases[0] ?? '', kind: 'askingInChinese' })
}
for (const words of [
  '请问 你好 您好 我想问一下 想问一下 问一下 想问 我想知道 一下 谢谢 麻烦 帮我 帮忙 有没有 我们 你们 他们 这个 那个',
  '我 你 您 咱 亲 哦 啊 呀 呢 吗 嘛 吧 么 啦 哈 的 了 着 过 这 那 是 在 有 要 想 就 都 也 还 才 又 很 太 把 给 请 到 会 去 来',
  '个 和 跟 与 说 不 没 上 里 下 得 对 做 再 只 好 为 以 出 用',
]) {
  for (const word of words.split(' ')) LANGUAGE.add([...word], { text: word, kind: 'particleInChinese' })
}
