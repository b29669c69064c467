/** Everything that the core itself says to a customer, in both languages that are built in. */
import type { Localized } from '../message.ts'

/**
 * The built-in texts. An operator replaces one under `texts:`; an empty text there says nothing.
 * Each `when` is what the operator reads about it.
 */
export const TEXTS = {
  fallback: {
    when: 'An event could not be handled: the bot failed, or a plugin did.',
    'zh-CN': '抱歉，出了点问题，请稍后再试。',
    en: 'Sorry, something went wrong. Please try again later.',
  },
  unknown: {
    when: 'The bot does not know, and says nothing of its own.',
    'zh-CN': '抱歉，我没有理解您的意思，请换个说法试试。',
    en: 'Sorry, I did not understand. Could you say it in other words?',
  },
  handedOver: {
    when: 'The conversation now waits for a person, and whoever handed it over says nothing of its own.',
    'zh-CN': '正在为您转接人工客服，请稍候。',
    en: 'One moment please, we are getting someone for you.',
  },
  offline: {
    when: 'A person is asked for, and nobody is there: the conversation waits all the same, or stays with the bot.',
    'zh-CN': '客服不在线，请留言，我们会尽快回复您。',
    en: 'Nobody is here right now. Please leave a message and we will get back to you.',
  },
  waiting: {
    when: 'The customer waits for a person: their place, where nobody knows yet how long it takes. {place} is filled in.',
    'zh-CN': '您当前排在第 {place} 位，请稍候。',
    en: 'You are number {place} in the queue.',
  },
  waitingFor: {
    when: 'The same, with how long it will probably take. {place}, {from} and {to}, in minutes, are filled in.',
    'zh-CN': '您当前排在第 {place} 位，预计还需等待 {from}–{to} 分钟。',
    en: 'You are number {place} in the queue. It will probably take {from} to {to} minutes.',
  },
  queueLeft: {
    when: 'The customer has said that they wait no longer.',
    'zh-CN': '好的，已为您取消排队。',
    en: 'All right, you are no longer in the queue.',
  },
  agentGone: {
    when: 'Whoever had the conversation is gone, and it waits for somebody else.',
    'zh-CN': '客服暂时离开了，正在为您转接其他同事，请稍候。',
    en: 'Your agent had to leave. One moment please, we are getting someone else for you.',
  },
  noPeople: {
    when: 'A person is asked for where only bots answer.',
    'zh-CN': '抱歉，这里没有人工客服。',
    en: 'Sorry, there are no people to talk to here.',
  },
  choose: {
    when: 'Stands after choices that are sent as numbered text.',
    'zh-CN': '请回复数字选择。',
    en: 'Please answer with a number.',
  },
  image: { when: 'Stands before the link of a picture that the channel cannot show.', 'zh-CN': '图片', en: 'Picture' },
  audio: {
    when: 'Stands before the link of a recording that the channel cannot play.',
    'zh-CN': '语音',
    en: 'Recording',
  },
  video: { when: 'Stands before the link of a video that the channel cannot play.', 'zh-CN': '视频', en: 'Video' },
  file: { when: 'Stands before the link of a file that the channel cannot send.', 'zh-CN': '文件', en: 'File' },
  location: { when: 'Stands before a place that the channel cannot show.', 'zh-CN': '位置', en: 'Location' },
} as const satisfies { readonly [name: string]: BuiltIn }

interface BuiltIn {
  readonly when: string
  readonly 'zh-CN': string
  readonly en: string
}

export type TextName = keyof typeof TEXTS

/** The built-in text of a name, per language. */
export function builtInText(name: TextName): Localized<string> {
  const { 'zh-CN': chinese, en } = TEXTS[name]
  return { 'zh-CN': chinese, en }
}

/** Something for each text. */
export function mapTexts<T>(make: (name: TextName) => T): { readonly [name in TextName]: T } {
  return {
    fallback: make('fallback'),
    unknown: make('unknown'),
    handedOver: make('handedOver'),
    offline: make('offline'),
    waiting: make('waiting'),
    waitingFor: make('waitingFor'),
    queueLeft: make('queueLeft'),
    agentGone: make('agentGone'),
    noPeople: make('noPeople'),
    choose: make('choose'),
    image: make('image'),
    audio: make('audio'),
    video: make('video'),
    file: make('file'),
    location: make('location'),
  }
}
