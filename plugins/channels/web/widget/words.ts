/** What the widget says, in both languages. Each word of one language must be there in the other: the types see to it. */
import type { Text } from '../protocol.ts'

/** So long a text is taken by the server. */
export const MAX_CHARS = 10_000

export type Language = 'zh-CN' | 'en'

/** The language of the widget that is nearest to a language tag. */
export const languageOf = (tag: string): Language => (/^zh\b/i.test(tag) ? 'zh-CN' : 'en')

/** All that the loader needs to say; it does without the rest. */
export const launcherWords: Record<Language, readonly [open: string, broken: string]> = {
  en: ['Open chat', 'Chat cannot be loaded. Try again.'],
  'zh-CN': ['打开在线客服', '客服暂时无法打开，请重试'],
}

const en = {
  title: 'Chat with us',
  openWithUnread: (count: number) => `Open chat, ${count} unread ${count === 1 ? 'message' : 'messages'}`,
  close: 'Close chat',
  /** Said in the language that it leads to. */
  otherLanguage: '中文',
  connecting: 'Connecting…',
  online: 'Online',
  away: 'Away right now',
  queued: 'Finding someone for you…',
  offline: 'You are offline. What you write is sent when you are back.',
  reconnecting: 'Reconnecting… What you write is sent as soon as we are connected.',
  messages: 'Messages',
  loading: 'Loading earlier messages…',
  newMessages: 'New messages',
  message: 'Message',
  placeholder: 'Write a message…',
  send: 'Send',
  you: 'You',
  typing: (name: string) => `${name} is typing`,
  waiting: 'Waiting to be sent',
  sending: 'Sending',
  retry: 'Try again',
  remove: 'Remove',
  notSent: 'Not sent.',
  choose: 'Choose',
  system: {
    queued: 'We are finding someone for you.',
    assigned: 'Someone from our team is here.',
    returned: 'Our assistant is answering again.',
    closed: 'This conversation has ended.',
  },
}

export type Words = typeof en

const zh: Words = {
  title: '在线客服',
  openWithUnread: (count) => `打开在线客服，${count} 条未读消息`,
  close: '关闭聊天窗口',
  otherLanguage: 'English',
  connecting: '连接中…',
  online: '在线',
  away: '客服暂时不在线',
  queued: '正在为您接入客服…',
  offline: '网络已断开，您发送的消息会在恢复后自动送达。',
  reconnecting: '正在重新连接…消息会在连上后自动发送。',
  messages: '聊天记录',
  loading: '正在加载更早的消息…',
  newMessages: '新消息',
  message: '消息',
  placeholder: '请输入消息…',
  send: '发送',
  you: '我',
  typing: (name) => `${name}正在输入`,
  waiting: '等待发送',
  sending: '发送中',
  retry: '重试',
  remove: '删除',
  notSent: '发送失败',
  choose: '请选择',
  system: {
    queued: '正在为您接入人工客服，请稍候',
    assigned: '人工客服已接入',
    returned: '已转回智能助手',
    closed: '本次会话已结束',
  },
}

export const words: Record<Language, Words> = { en, 'zh-CN': zh }

/** A text of the operator in the language that is wanted, else in the nearest that there is. */
export function textIn(text: Text, language: Language): string {
  if (typeof text === 'string') return text
  for (const key of [language, language.slice(0, 2), 'zh-CN', 'zh', 'en']) {
    const found = text[key]
    if (found) return found
  }
  return Object.values(text)[0] ?? ''
}

/** One or two letters that stand for a name where there is no picture. */
export function initialsOf(name: string): string {
  const [first = '', second = ''] = name.trim().split(/\s+/)
  const letterOf = (word: string) => [...word][0] ?? ''
  const letters = /^[\p{L}\p{N}]/u.test(second) && /^[\p{Script=Latin}]/u.test(first) ? letterOf(second) : ''
  return (letterOf(first) + letters).toUpperCase()
}
