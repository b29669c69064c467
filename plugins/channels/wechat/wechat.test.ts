import { describe, test } from 'vitest'
import { channelContract } from '#core/testing'
import { EXPECTED, NOT_KEPT } from './expected-events.ts'
import wechat from './index.ts'
import { COVER, contractPlatform } from './simulated-platform/contract.ts'
import type { Mode } from './simulated-platform/index.ts'

const fixtures = {
  folder: new URL('__fixtures__/', import.meta.url),
  events: { ...EXPECTED, ...Object.fromEntries(NOT_KEPT.map((file) => [file, []])) },
}

const card = { type: 'mini-program', title: '我的订单', appId: 'wxmini', page: 'pages/order?id=1' }
/** What only WeChat has. */
const native = {
  type: 'native',
  platform: 'wechat',
  text: '我的订单',
  data: { ...card, image: `wechat:${COVER}` },
} as const

function contract(mode: Mode) {
  return channelContract({
    plugin: wechat,
    platform: () => contractPlatform(mode),
    settings({ wechat: { keys, apiBase } }) {
      const { encodingAesKey, ...rest } = keys
      return { ...rest, apiBase, ...(mode !== 'plain' && { encodingAesKey }) }
    },
    fixtures,
    samples: { native },
    refusals: {
      'outside the window': { code: 'CHANNEL_WINDOW_CLOSED', retry: false },
      'too many messages': { code: 'CHANNEL_WINDOW_CLOSED', retry: false },
      'no such openid': { code: 'CHANNEL_NO_CHAT', retry: false },
      'not like this': { code: 'CHANNEL_REFUSED', retry: false },
      'too fast': { code: 'CHANNEL_RATE_LIMITED', scope: 'channel', retryAfterMs: 60_000 },
      'too many today': { code: 'CHANNEL_RATE_LIMITED', scope: 'channel', retryAfterMs: 3_600_000 },
      'no right to': { code: 'CHANNEL_ONLY_ANSWERS', scope: 'channel' },
      'somebody else has the token': { code: 'CHANNEL_TOKEN', scope: 'channel' },
      busy: { code: 'CHANNEL_BUSY', retry: true },
    },
  })
}

describe('C-WX: in plain mode, as every channel', () => {
  for (const { name, run } of contract('plain')) test(name, run)
})

describe('C-WX: in secure mode, as every channel', () => {
  for (const { name, run } of contract('secure')) test(name, run)
})
