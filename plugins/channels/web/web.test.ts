import { describe, test } from 'vitest'
import { channelContract } from '#core/testing'
import web from './index.ts'
import { SECRET, startPlatform } from './simulated-platform.ts'

const fixtures = { folder: new URL('__fixtures__/', import.meta.url), events: {} }

describe('the contract', () => {
  const contract = channelContract({
    plugin: web,
    platform: startPlatform,
    settings: () => ({
      identify: { secret: SECRET },
      // A customer of the contract writes faster than any person.
      limits: { messagesPerMinute: 10_000, sessionsPerMinute: 10_000 },
    }),
    fixtures,
  })
  for (const { name, run } of contract) test(name, run)
})
