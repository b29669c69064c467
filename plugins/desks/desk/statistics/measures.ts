/**
 * Every number of the statistics, with what it means: the one place where that stands. Whoever asks for a number is given
 * its definition with it, the table in the README is made of this, and `figures.ts` counts what `of` says.
 *
 * For all of them: what counts is the moment at which something happened or ended, so what is over never changes. A
 * conversation over midnight is opened on one day and closed on another.
 */
import type { What } from './tables.ts'

/** By what a number may be told apart, and asked for alone. Days and hours are always possible, but for what is now. */
export type Split = 'channel' | 'team' | 'person' | 'bot' | 'reason' | 'status'

type Both = { readonly 'zh-CN': string; readonly en: string }

export interface Measure {
  /** `share`: between 0 and 1. */
  readonly unit: 'count' | 'ms' | 'share'
  /** What it is counted from; `now`: from what is open at this moment; `attendance`: from who was there. */
  readonly of: What | 'now' | 'attendance'
  readonly splits: readonly Split[]
  readonly name: Both
  readonly definition: Both
  readonly formula: Both
  /** What does not count, and what becomes of cases at the edge. */
  readonly exclusions: Both
}

const NOTHING: Both = { 'zh-CN': '无。', en: 'Nothing.' }

export const MEASURES = {
  opened: {
    unit: 'count',
    of: 'opened',
    splits: ['channel'],
    name: { 'zh-CN': '新会话', en: 'Opened' },
    definition: { 'zh-CN': '开始了多少个会话，包括回呼。', en: 'How many conversations began, callbacks included.' },
    formula: { 'zh-CN': '按开始时刻计数。', en: 'Counted when they began.' },
    exclusions: {
      'zh-CN': '黑名单客户不产生会话。合并的客户各自的会话都计入。',
      en: 'Blacklisted customers open none. Customers who were merged keep each conversation that they had.',
    },
  },
  closed: {
    unit: 'count',
    of: 'closed',
    splits: ['channel', 'team', 'person', 'bot'],
    name: { 'zh-CN': '已结束', en: 'Closed' },
    definition: {
      'zh-CN': '结束了多少个会话，不论由谁、因何结束。',
      en: 'How many conversations ended, whoever ended them and why.',
    },
    formula: {
      'zh-CN': '按结束时刻计数；计入最后接待的组、客服，以及最后接待的机器人。',
      en: 'Counted when they ended, for the team and person who had them last, and the last bot that had them.',
    },
    exclusions: {
      'zh-CN': '无；因黑名单或配置变更而结束的也计入。',
      en: 'Nothing: those that were closed by the blacklist or by a change of the settings count too.',
    },
  },
  openNow: {
    unit: 'count',
    of: 'now',
    splits: ['channel', 'team', 'person'],
    name: { 'zh-CN': '当前进行中', en: 'Open now' },
    definition: {
      'zh-CN': '此刻尚未结束的会话，不论所选时段。',
      en: 'Conversations that have not ended at this moment, whatever the period.',
    },
    formula: { 'zh-CN': '此刻计数。', en: 'Counted now.' },
    exclusions: NOTHING,
  },
  botAlone: {
    unit: 'count',
    of: 'closed',
    splits: ['channel', 'bot'],
    name: { 'zh-CN': '机器人独立完成', en: 'By the bot alone' },
    definition: {
      'zh-CN': '从开始到结束只有机器人接待的会话。',
      en: 'Conversations that no person had and that never waited for one, from beginning to end.',
    },
    formula: { 'zh-CN': '按结束时刻计数。', en: 'Counted when they ended.' },
    exclusions: {
      'zh-CN': '因黑名单或配置变更而结束的不计。长时间无人说话而自动结束的计入。',
      en: 'Not those closed by the blacklist or by a change of the settings. Those that ended by themselves after a silence count.',
    },
  },
  containment: {
    unit: 'share',
    of: 'closed',
    splits: ['channel', 'bot'],
    name: { 'zh-CN': '机器人独立完成率', en: 'Containment' },
    definition: {
      'zh-CN': '机器人接待过的会话中，由机器人独立完成的比例。',
      en: 'Of the conversations that a bot had, the share that it handled alone.',
    },
    formula: {
      'zh-CN': '机器人独立完成 ÷ 机器人接待过且已结束的会话。',
      en: 'By the bot alone ÷ closed conversations that a bot had.',
    },
    exclusions: {
      'zh-CN': '因黑名单或配置变更而结束的、机器人从未接待的不计。',
      en: 'Not those closed by the blacklist or by a change of the settings, nor those that no bot ever had.',
    },
  },
  handedOver: {
    unit: 'count',
    of: 'handed-over',
    splits: ['channel', 'team', 'bot', 'reason'],
    name: { 'zh-CN': '转人工', en: 'Came to people' },
    definition: {
      'zh-CN': '会话来到人工的次数，并按原因区分。',
      en: 'How often a conversation came to people, by why it did.',
    },
    formula: {
      'zh-CN': '按进入排队或被直接接管的时刻计数；转回机器人后再次转人工，另计一次。',
      en: 'Counted when it began to wait, or was taken. Given back to the bot and handed over again, it counts again.',
    },
    exclusions: {
      'zh-CN': '回呼不计。无人可接、仍由机器人接待的不计。',
      en: 'Not callbacks, nor what stayed with the bot because nobody would come.',
    },
  },
  firstResponseMedian: {
    unit: 'ms',
    of: 'answered',
    splits: ['channel', 'team', 'person'],
    name: { 'zh-CN': '首次响应（中位数）', en: 'First response, median' },
    definition: {
      'zh-CN': '从转人工到客服说出第一句话的时间：一半在此之内。',
      en: 'From coming to people to the first words of a person: half of them took no longer.',
    },
    formula: {
      'zh-CN': '按首次回复的时刻计入，归于回复的客服；每次转人工计一次；中位数取插值。',
      en: 'Counted at the first answer, for whoever gave it, once each time it came to people. The median is interpolated.',
    },
    exclusions: {
      'zh-CN': '自动问候语不算回复。从未得到回复的、回呼的不计。',
      en: 'An automatic greeting is no answer. Not what was never answered, nor callbacks.',
    },
  },
  firstResponseP90: {
    unit: 'ms',
    of: 'answered',
    splits: ['channel', 'team', 'person'],
    name: { 'zh-CN': '首次响应（90%）', en: 'First response, 90 %' },
    definition: {
      'zh-CN': '从转人工到客服说出第一句话的时间：十分之九在此之内。',
      en: 'From coming to people to the first words of a person: nine of ten took no longer.',
    },
    formula: {
      'zh-CN': '同首次响应中位数，取第 90 百分位（插值）。',
      en: 'As its median; the 90th percentile, interpolated.',
    },
    exclusions: { 'zh-CN': '同首次响应中位数。', en: 'As its median.' },
  },
  handlingMedian: {
    unit: 'ms',
    of: 'handled',
    splits: ['channel', 'team', 'person'],
    name: { 'zh-CN': '处理时长（中位数）', en: 'Handling, median' },
    definition: {
      'zh-CN': '一位客服接待一个会话的时间：一半在此之内。',
      en: 'How long a person had a conversation: half of them no longer.',
    },
    formula: {
      'zh-CN': '从得到会话到结束、转接或转回机器人；在那一刻计入，归于该客服；中位数取插值。',
      en: 'From getting it to closing, passing on or giving it back; counted then, for that person. The median is interpolated.',
    },
    exclusions: {
      'zh-CN': '因未应答、离线或配置变更而失去的会话不计。',
      en: 'Not what they lost because they did not answer, were gone, or by a change of the settings.',
    },
  },
  handlingP90: {
    unit: 'ms',
    of: 'handled',
    splits: ['channel', 'team', 'person'],
    name: { 'zh-CN': '处理时长（90%）', en: 'Handling, 90 %' },
    definition: {
      'zh-CN': '一位客服接待一个会话的时间：十分之九在此之内。',
      en: 'How long a person had a conversation: nine of ten no longer.',
    },
    formula: {
      'zh-CN': '同处理时长中位数，取第 90 百分位（插值）。',
      en: 'As its median; the 90th percentile, interpolated.',
    },
    exclusions: { 'zh-CN': '同处理时长中位数。', en: 'As its median.' },
  },
  waitMedian: {
    unit: 'ms',
    of: 'waited',
    splits: ['channel', 'team'],
    name: { 'zh-CN': '排队（中位数）', en: 'Waiting, median' },
    definition: {
      'zh-CN': '客户从开始排队到有客服接待的时间：一半在此之内。',
      en: 'From beginning to wait until a person had them: half of the customers waited no longer.',
    },
    formula: {
      'zh-CN':
        '在被接待的时刻计入，归于当时排队的组；换到别的组继续计时；因未应答或转接而再次排队，另计一次；中位数取插值。',
      en: 'Counted when a person got it, for the team that it waited for then. In the queue of another team the wait goes on; after a transfer or no answer a new one begins. The median is interpolated.',
    },
    exclusions: {
      'zh-CN': '离开排队的、直接被接管的不计。',
      en: 'Not those who left the queue, nor what was taken without waiting.',
    },
  },
  waitP90: {
    unit: 'ms',
    of: 'waited',
    splits: ['channel', 'team'],
    name: { 'zh-CN': '排队（90%）', en: 'Waiting, 90 %' },
    definition: {
      'zh-CN': '客户从开始排队到有客服接待的时间：十分之九在此之内。',
      en: 'From beginning to wait until a person had them: nine of ten customers waited no longer.',
    },
    formula: {
      'zh-CN': '同排队中位数，取第 90 百分位（插值）。',
      en: 'As its median; the 90th percentile, interpolated.',
    },
    exclusions: { 'zh-CN': '同排队中位数。', en: 'As its median.' },
  },
  waitLongest: {
    unit: 'ms',
    of: 'waited',
    splits: ['channel', 'team'],
    name: { 'zh-CN': '最长排队', en: 'Longest wait' },
    definition: {
      'zh-CN': '被接待的客户中，排队最久的时间。',
      en: 'The longest that a customer waited before a person had them.',
    },
    formula: { 'zh-CN': '同排队中位数，取最大值。', en: 'As the median; the greatest.' },
    exclusions: {
      'zh-CN': '同排队中位数；仍在排队的不计。',
      en: 'As the median. Those who still wait do not count.',
    },
  },
  left: {
    unit: 'count',
    of: 'left',
    splits: ['channel', 'team'],
    name: { 'zh-CN': '放弃排队', en: 'Left the queue' },
    definition: {
      'zh-CN': '没有等到客服，排队就结束的次数。',
      en: 'How often a wait ended without a person.',
    },
    formula: {
      'zh-CN': '排队中由客户或规则结束会话、或转回机器人的时刻计数，归于当时排队的组。',
      en: 'Counted when the customer or a rule closed it while it waited, or gave it back to the bot, for that team.',
    },
    exclusions: {
      'zh-CN': '由客服或主管结束或转回机器人的、因黑名单或配置变更而结束排队的不计。',
      en: 'Not what one of us closed or gave back, nor what the blacklist or a change of the settings ended.',
    },
  },
  noAnswer: {
    unit: 'count',
    of: 'handled',
    splits: ['channel', 'team', 'person'],
    name: { 'zh-CN': '未应答', en: 'No answer' },
    definition: {
      'zh-CN': '客服未在规定时间内回复，会话回到排队的次数。',
      en: 'How often a person lost a conversation because they had not answered it in time.',
    },
    formula: { 'zh-CN': '在失去的时刻计数，归于该客服。', en: 'Counted when they lost it, for that person.' },
    exclusions: {
      'zh-CN': '客服离线而失去的不计。没有设置 answerWithin 的组没有此数。',
      en: 'Not what they lost because they were gone. Teams without answerWithin have none.',
    },
  },
  transfers: {
    unit: 'count',
    of: 'handled',
    splits: ['channel', 'team', 'person'],
    name: { 'zh-CN': '转接', en: 'Transfers' },
    definition: {
      'zh-CN': '会话从一位客服转给另一位客服或另一个组的次数。',
      en: 'How often a conversation passed from a person to another one or to a team.',
    },
    formula: {
      'zh-CN': '在转出的时刻计数，归于转出前接待的客服；主管接走也计入。',
      en: 'Counted when it passed on, for whoever had it before. A supervisor who takes it counts too.',
    },
    exclusions: {
      'zh-CN': '转回机器人、未应答、离线、配置变更不计。',
      en: 'Not what went back to the bot, nor by no answer, by being gone, or by a change of the settings.',
    },
  },
  sent: {
    unit: 'count',
    of: 'handled',
    splits: ['channel', 'team', 'person'],
    name: { 'zh-CN': '客服消息', en: 'Messages of people' },
    definition: { 'zh-CN': '客服发给客户的消息。', en: 'Messages that people wrote to customers.' },
    formula: {
      'zh-CN': '在该客服不再接待的时刻一并计入；未送达的也计入。',
      en: 'Counted when that person no longer has the conversation. What was not delivered counts too.',
    },
    exclusions: {
      'zh-CN': '自动问候语、内部备注、机器人的消息不计。',
      en: 'Not automatic greetings, notes, or what bots said.',
    },
  },
  received: {
    unit: 'count',
    of: 'handled',
    splits: ['channel', 'team', 'person'],
    name: { 'zh-CN': '客户消息', en: 'Messages to people' },
    definition: {
      'zh-CN': '客服接待期间，客户发来的消息。',
      en: 'Messages that customers wrote while a person had the conversation.',
    },
    formula: {
      'zh-CN': '在该客服不再接待的时刻一并计入。',
      en: 'Counted when that person no longer has the conversation.',
    },
    exclusions: {
      'zh-CN': '发给机器人的、排队时发来的不计。',
      en: 'Not what they wrote to the bot, or while they waited.',
    },
  },
  online: {
    unit: 'ms',
    of: 'attendance',
    splits: ['person', 'status'],
    name: { 'zh-CN': '在岗时长', en: 'Time at the desk' },
    definition: {
      'zh-CN': '客服打开工作台的时间，按状态区分。',
      en: 'How long people had the workbench open, by the status they were in.',
    },
    formula: {
      'zh-CN': '时段内各状态时间之和；短于 grace 的断线不中断计时。',
      en: 'The sum of the time in each status within the period. A cut connection shorter than grace does not end it.',
    },
    exclusions: {
      'zh-CN': '没有打开工作台的时间不计。服务异常停止时，最多少计五分钟。',
      en: 'Not time without a screen. When the service stops without warning, up to five minutes are missing.',
    },
  },
} as const satisfies { readonly [code: string]: Measure }

export type MeasureCode = keyof typeof MEASURES

const all: { readonly [code in MeasureCode]: Measure } = MEASURES
export const measureOf = (code: MeasureCode): Measure => all[code]

const isCode = (code: string): code is MeasureCode => Object.hasOwn(MEASURES, code)
export const CODES: readonly MeasureCode[] = Object.keys(MEASURES).filter(isCode)
