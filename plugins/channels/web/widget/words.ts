/** What the widget says, in both languages. Each word of one language must be there in the other: the types see to it. */
import type { Text } from '../protocol.ts'

/** So long a text is taken by the server. */
export const MAX_CHARS = 10_000

export type Language = 'zh-CN' | 'en'

/** The language of the widget that is nearest to a language tag. */
export const languageOf = (tag: string): Language => (/^zh\b/i.test(tag) ? 'zh-CN' : 'en')

/** What the loader says. The widget says the first of it, too. */
export const openWords: Record<Language, string> = { en: 'Open chat', 'zh-CN': '打开在线客服' }
export const brokenWords: Record<Language, string> = {
  en: 'Chat cannot be loaded. Try again.',
  'zh-CN': '客服暂时无法打开，请重试',
}

const en = {
  title: 'Chat with us',
  openWithUnread: (count: number) => `Open chat, ${count} unread`,
  close: 'Close chat',
  connecting: 'Connecting…',
  online: 'Online',
  away: 'Away',
  queued: 'Finding someone for you…',
  messages: 'Messages',
  newMessages: 'New messages',
  message: 'Message',
  placeholder: 'Write a message…',
  send: 'Send',
  you: 'You',
  typing: (name: string) => `${name} is typing`,
}

export type Words = typeof en

const zh: Words = {
  title: '在线客服',
  openWithUnread: (count) => `打开在线客服，${count} 条未读`,
  close: '关闭',
  connecting: '连接中…',
  online: '在线',
  away: '暂时不在线',
  queued: '正在为您接入客服…',
  messages: '聊天记录',
  newMessages: '新消息',
  message: '消息',
  placeholder: '请输入消息…',
  send: '发送',
  you: '我',
  typing: (name) => `${name}正在输入`,
}

export const words: Record<Language, Words> = { en, 'zh-CN': zh }

/** A text of the operator in the language that is wanted, else in the nearest that there is. */
export function textIn(text: Text, language: Language): string {
  if (typeof text === 'string') return text
  return (
    text[language] || text[language.slice(0, 2)] || text['zh-CN'] || text.zh || text.en || Object.values(text)[0] || ''
  )
}

/** One or two letters that stand for a name where there is no picture. */
export function initialsOf(name: string): string {
  const letters = name
    .trim()
    .split(/\s+/)
    .map((word) => [...word][0] ?? '')
  return letters
    .slice(0, /^\p{Script=Latin}{2}/u.test(letters.join('')) ? 2 : 1)
    .join('')
    .toUpperCase()
}
