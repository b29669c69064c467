const en = {
  title: 'Audit log',
  appendOnly: 'What stands here is only added to: nobody changes it or takes it away.',
  when: 'When',
  who: 'Who',
  what: 'What',
  loading: 'Loading…',
  failed: 'The audit log could not be loaded.',
  again: 'Try again',
  more: 'Show more',
}

const zh: typeof en = {
  title: '操作日志',
  appendOnly: '日志只增不改：任何人都不能修改或删除。',
  when: '时间',
  who: '操作人',
  what: '操作',
  loading: '正在加载…',
  failed: '操作日志加载失败。',
  again: '重试',
  more: '显示更多',
}

export const words = { en, 'zh-CN': zh }
