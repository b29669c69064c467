/** The words of the language that is chosen, and what makes words of codes. */
import { computed, signal } from '@preact/signals'
import type { By, Person, Reason, Text } from '../../api/shapes.ts'
import type { Refusal } from '../server.ts'
import { recall, remember } from '../storage.ts'
import { en, type Words } from './en.ts'
import { reasonInChinese } from './reasons.ts'
import { zh } from './zh.ts'

export const LANGUAGES = ['en', 'zh-CN'] as const
export type Language = (typeof LANGUAGES)[number]

export const dictionary: Record<Language, Words> = { en, 'zh-CN': zh }

const nearest = (tag: string): Language => (/^zh\b/i.test(tag) ? 'zh-CN' : 'en')

/** Chosen in this browser, else the one of the browser. */
export const language = signal<Language>(nearest(recall('language') ?? navigator.language))
export const words = computed(() => dictionary[language.value])

export function setLanguage(next: Language): void {
  remember('language', next)
  language.value = next
}

/** A text of the operator in the language of the screen, else in the nearest that it has. */
export function textIn(text: Text): string {
  if (typeof text === 'string') return text
  const short = language.value.slice(0, 2)
  return text[language.value] ?? text[short] ?? text['zh-CN'] ?? text.zh ?? text.en ?? Object.values(text)[0] ?? ''
}

/** The words of a page in the language of the screen. It is called while something is drawn, which then follows it. */
export const inLanguage = <W>(both: Readonly<Record<Language, W>>): W => both[language.value]

/** The entry of a table of words, if there is one for this code. */
export function wordOf(table: Readonly<Record<string, string>>, code: string): string | undefined {
  return Object.hasOwn(table, code) ? table[code] : undefined
}

/**
 * Why something happened: the codes of the screen in its words, and what the core and our plugins say in its language.
 * What people and other plugins give as reasons are their own words.
 */
export const reasonOf = (because: string): string =>
  wordOf(words.value.reasons, because) ?? (language.value === 'zh-CN' ? reasonInChinese(because) : because)

export function refusalText({ code }: Pick<Refusal, 'code'>): string {
  return wordOf(words.value.refusals, code) ?? words.value.refusals.UNKNOWN
}

/** Why a colleague cannot be given a conversation now; `undefined`: they can. */
export function whyNot({ mayChat, load, capacity, status }: Person, titleOf: (status: string) => string) {
  const { mayNot } = words.value
  if (mayChat !== true) return reasonWords(mayChat, mayNot.status(titleOf(status.name)))
  return load >= capacity ? mayNot.full : undefined
}

function reasonWords({ code }: Reason, status: string): string {
  const { mayNot } = words.value
  if (code === 'status') return status
  return code === 'no-team' || code === 'not-connected' ? mayNot[code] : mayNot.unknown
}

/** Somebody, as colleagues know them. `people`: the title of a person by their name. */
export function whoIs({ kind, name, title }: By, titleOf: (person: string) => string): string {
  const { actors } = words.value
  switch (kind) {
    case 'agent':
      return title ?? (name === undefined ? actors.desk : titleOf(name))
    case 'bot':
      return actors.bot(name ?? '')
    case 'feature':
    case 'channel':
      return actors.feature(name ?? '')
    default:
      return actors[kind]
  }
}
