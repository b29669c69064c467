/**
 * The pages of the workbench besides the conversations, in the order of the rail. A new one is an entry here and a
 * folder beside this file: its component as the default export of `<page>.tsx`, its words in both languages in
 * `words.ts`, its looks in `<page>.css`. All of that is loaded when the page is first shown.
 */
import type { FunctionComponent } from 'preact'
import type { Me, Now, Text } from '../../api/shapes.ts'
import type { IconName } from '../icon.tsx'
import type { Asked } from '../location.ts'

export interface PageOf {
  /** As the address has it: `#page=customers`. */
  readonly name: string
  readonly title: Text
  readonly icon: IconName
  /** Whether this one may open it, with this asked of it. What they may see of it, the desk decides. */
  readonly isFor: (who: Me, now: Now, asked?: Asked) => boolean
  /** The menu of the account leads to it, and not the rail. */
  readonly isInMenu?: true
  readonly load: () => Promise<{ readonly default: FunctionComponent<PageProperties> }>
}

export interface PageProperties {
  /** What the address asks of the page. `askOfPage` changes it. */
  readonly asked: Asked
}

export const PAGES: readonly PageOf[] = [
  {
    name: 'customers',
    title: { en: 'Customers', 'zh-CN': '客户' },
    icon: 'customers',
    // The list is not for every agent; a customer whose conversation they have before them is.
    isFor: ({ role }, { customers }, asked) =>
      role !== 'agent' || customers.isForAgents || asked?.customer !== undefined,
    load: () => import('./customers/customers.tsx'),
  },
  {
    name: 'statistics',
    title: { en: 'Statistics', 'zh-CN': '统计' },
    icon: 'statistics',
    // Agents are shown what they have done themselves.
    isFor: () => true,
    load: () => import('./statistics/statistics.tsx'),
  },
  {
    name: 'replies',
    title: { en: 'Canned replies', 'zh-CN': '快捷回复' },
    icon: 'slash',
    isFor: () => true,
    load: () => import('./replies/replies.tsx'),
  },
  {
    name: 'audit',
    title: { en: 'Audit log', 'zh-CN': '操作日志' },
    icon: 'audit',
    isFor: ({ role }) => role !== 'agent',
    load: () => import('./audit/audit.tsx'),
  },
  {
    name: 'monitor',
    title: { en: 'Monitor', 'zh-CN': '实时监控' },
    icon: 'monitor',
    isFor: ({ role }) => role !== 'agent',
    load: () => import('./monitor/monitor.tsx'),
  },
  {
    name: 'people',
    title: { en: 'People', 'zh-CN': '人员' },
    icon: 'key',
    isFor: ({ role }) => role === 'administrator',
    load: () => import('./people/people.tsx'),
  },
  {
    name: 'account',
    title: { en: 'My account', 'zh-CN': '我的账号' },
    icon: 'person',
    isFor: () => true,
    isInMenu: true,
    load: () => import('./account/account.tsx'),
  },
]
