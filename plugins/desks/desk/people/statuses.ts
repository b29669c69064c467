/** What people say of themselves: may they be given conversations? */
import type { Localized } from '#core'
import type { Settings } from '../config.ts'

export interface Status {
  /** As the YAML calls it. */
  readonly name: string
  /** What colleagues see, in one or several languages. */
  readonly title: string | Localized<string>
  /** Whether they are given conversations, and may write, while they are in it. */
  readonly isForChats: boolean
}

/** The very first status of everybody; it is also the one of whoever was in one that is gone. */
export const FIRST = 'online'

const BUILT_IN: readonly Status[] = [
  { name: FIRST, title: { 'zh-CN': '在线', en: 'Online' }, isForChats: true },
  { name: 'busy', title: { 'zh-CN': '忙碌', en: 'Busy' }, isForChats: false },
  { name: 'away', title: { 'zh-CN': '离开', en: 'Away' }, isForChats: false },
  { name: 'meeting', title: { 'zh-CN': '会议中', en: 'In a meeting' }, isForChats: false },
]

/** All that there are: the built-in ones, in their places those of the YAML by the same name, and behind them the others. */
export function statusesOf({ statuses }: Pick<Settings, 'statuses'>): readonly Status[] {
  const written = new Map(
    Object.entries(statuses).map(([name, { name: title, chats }]) => [name, { name, title, isForChats: chats }]),
  )
  const builtIn = BUILT_IN.map((status) => written.get(status.name) ?? status)
  return [...builtIn, ...[...written.values()].filter(({ name }) => !builtIn.some((status) => status.name === name))]
}
