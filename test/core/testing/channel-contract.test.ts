import { describe, expect, test } from 'vitest'
import type { Plugin } from '../../../core/index.ts'
import type { ContractCheck } from '../../../core/testing/index.ts'
import { pager, pagerContract } from './pager.ts'
import { polled, polledContract } from './polled.ts'

/** The broken channels of `broken/`: the check that has to find each, and what it has to say. */
interface Broken {
  readonly file: string
  readonly check: string
  readonly says: RegExp
  /** Other checks that such a channel cannot pass either. */
  readonly also?: readonly string[]
  /** Found out only by waiting in vain: for seconds, and so beside the others of its kind. */
  readonly waits?: boolean
}

const BROKEN: readonly Broken[] = [
  {
    file: 'mistakes-the-time',
    check: 'every fixture is the event that it should be',
    says: /^pager: page\.json: atMs should be 1767225600000 and is 1767225600000000\.$/,
  },
  {
    file: 'takes-unsigned',
    check: 'what is not signed is refused and never received',
    says: /^pager: a request without a signature was received/,
  },
  {
    file: 'compares-a-prefix',
    check: 'what is not signed is refused and never received',
    says: /^pager: a request with only the first half of its signature was received/,
  },
  {
    file: 'drops-the-id',
    check: 'a repeated event is handled once',
    says: /^pager: an event that came three times was handled 3 times/,
    also: [
      'every fixture is the event that it should be',
      'a request that was hung up on and comes again gets the same answer',
      'the account stays the same under another name',
    ],
  },
  {
    file: 'swallows-errors',
    check: 'a refusal of the platform becomes the right error',
    says: /^pager: the platform refused a message with "bad token", and send resolved as if it were sent/,
  },
  {
    file: 'blames-the-chat',
    check: 'a refusal of the platform becomes the right error',
    says: /^pager: for "bad token" the error’s scope should be channel and is chat \(401 bad token\)/,
  },
  {
    file: 'throws-anything',
    check: 'a refusal of the platform becomes the right error',
    says: /^pager: for "bad token" send threw Error \(401 bad token\)\. Throw a DeliveryError with CHANNEL_TOKEN/,
  },
  {
    file: 'acknowledges-early',
    check: 'what could not be accepted is not acknowledged, and comes again',
    says: /^pager: it acknowledged 20 events that were not accepted/,
  },
  {
    file: 'forgets-what-was-refused',
    check: 'what could not be accepted is not acknowledged, and comes again',
    says: /^polled: \d+ of 220 messages never arrived: message 201/,
    waits: true,
  },
  {
    file: 'leaves-a-timer',
    check: 'stopped, it leaves no timer, socket or route behind',
    says: /^pager: still there after stop: a timer, made at .*leaves-a-timer\.ts:\d+/,
  },
  {
    file: 'leaves-a-socket',
    check: 'stopped, it leaves no timer, socket or route behind',
    says: /^pager: still there after stop: a listening socket/,
  },
  {
    file: 'leaves-an-alarm',
    check: 'stopped, it leaves no timer, socket or route behind',
    says: /^pager: 1 of the clock’s timers still wait after stop/,
  },
  {
    file: 'sends-undeclared',
    check: 'what it declares arrives, and nothing else',
    says: /^pager: the platform was sent a part of type link, which the capabilities do not declare/,
  },
  {
    file: 'cannot-send-what-it-declares',
    check: 'what it declares arrives, and nothing else',
    says: /^pager: it declares choices, and when one was sent nothing arrived\..* no choices here/,
  },
  {
    file: 'overtakes',
    check: 'messages of a chat keep their order, however fast they come',
    says: /^pager: messages came in the order 1001\/1, .* and were received in the order 1001\/2/,
  },
  {
    file: 'writes-too-much',
    check: 'a long text arrives whole, in pieces within its limits',
    says: /^pager: it declares texts of at most 500 characters and ∞ bytes, and sent one of 5\d\d/,
  },
  {
    file: 'sends-twice',
    check: 'a message sent twice is shown once, if that is declared',
    says: /^pager: it declares idempotentSend, and one delivery sent twice was shown 2 times/,
  },
  {
    file: 'leaves-the-response-empty',
    check: 'an answer in time stands in the response, if that is declared',
    says: /^pager: it declares inline, and answered 200 {}/,
    also: ['a request that was hung up on and comes again gets the same answer'],
  },
  {
    file: 'answers-repeats-itself',
    check: 'a request that was hung up on and comes again gets the same answer',
    says: /^pager: the platform hung up and asked again, and was answered 200 {}/,
    waits: true,
  },
  {
    file: 'shows-its-inside',
    check: 'what is no message is refused without a word about our inside',
    says: /^pager: it answered 500 .* to ""\. Refuse it with 400/,
  },
  {
    file: 'has-many-accounts',
    check: 'the account stays the same under another name',
    says: /^pager: its account is "[-0-9a-f]+" once and "[-0-9a-f]+" once/,
    also: ['a reload in the middle keeps every event', 'it may be stopped twice, and started again'],
  },
  {
    file: 'tolerates-no-other',
    check: 'a reload in the middle keeps every event',
    says: /pager.*the line is taken/,
    also: ['the account stays the same under another name'],
  },
  {
    file: 'cannot-be-stopped',
    check: 'it may be stopped twice, and started again',
    says: /^pager: it failed while it was stopped: .*the line is engaged/,
  },
  {
    file: 'changes-its-mind',
    check: 'what it is and can do is said without doing anything',
    says: /^pager: its capabilities differ from one call to the next/,
  },
]

async function contractOf({ file }: Broken): Promise<readonly ContractCheck[]> {
  const { default: plugin }: { default: Plugin } = await import(`./broken/${file}.ts`)
  return plugin.name === 'polled' ? polledContract(plugin) : pagerContract(plugin)
}

async function failing(checks: readonly ContractCheck[]): Promise<readonly string[]> {
  const found: string[] = []
  for (const { name, run } of checks) await run().catch((error: unknown) => found.push(`${name}: ${error}`))
  return found
}

describe('a sound channel keeps it', () => {
  for (const { name, run } of pagerContract(pager())) test(name, run)
})

describe('a channel that can only answer inside the response keeps it', () => {
  const plugin = pager(() => ({
    capabilities: () => ({
      sends: { text: { maxChars: 500 }, image: {} },
      inline: { withinMs: 5_000 },
      later: [],
      showsIdentity: 'none',
    }),
  }))
  for (const { name, run } of pagerContract(plugin)) test(name, run)
})

// `outsider.test.ts` is such a one too.
describe.runIf(process.env.LONG)('a channel that asks its platform for what is new keeps it', () => {
  for (const { name, run } of polledContract(polled((receive, event) => receive(event)))) test(name, run)
})

test('a fixture of which nothing is expected is found out', async () => {
  const fixtures = { folder: new URL('__fixtures__/pager/', import.meta.url), events: {} }
  const [check] = pagerContract(pager(), { fixtures })
  await expect(check?.run()).rejects.toThrow('pager: nothing is expected of page.json. Name each under fixtures.events')
})

describe('a broken channel', () => {
  const isFoundOut = async (broken: Broken) => {
    const check = (await contractOf(broken)).find(({ name }) => name === broken.check)
    await expect(check?.run()).rejects.toThrow(broken.says)
  }
  test.each(BROKEN.filter(({ waits }) => !waits))('that $file is found out: $check', isFoundOut)
  test.concurrent.each(BROKEN.filter(({ waits }) => waits))('that $file is found out: $check', isFoundOut)

  test.runIf(process.env.LONG).each(BROKEN)(
    'that $file keeps everything else',
    { timeout: 120_000 },
    async (broken) => {
      const known = new Set([broken.check, ...(broken.also ?? [])])
      const others = (await contractOf(broken)).filter(({ name }) => !known.has(name))
      expect(others).toHaveLength(17 - known.size)
      expect(await failing(others)).toEqual([])
    },
  )
})
