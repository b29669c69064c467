import { describe, expect, test } from 'vitest'
import { makeRandom, type Random } from '../../../../test/crash/random.ts'
import { momentsOf, type Story, type StoryChange, type StoryMessage } from './moments.ts'
import type { MomentRow } from './tables.ts'

const SEED = 20_260_302
const STORIES = 80

const MINUTE = 60_000
const agent = (person: string) => ({ kind: 'agent', person })
const DESK = { kind: 'desk', name: 'support' }
const CUSTOMER = { kind: 'customer' }
const BOT = { kind: 'bot', name: 'faq' }

const ofBot = { kind: 'bot', bot: 'faq' }
const queue = (team: string, desk = 'support') => ({ kind: 'queue', desk, team })
const having = (person: string, team = 'presale', desk = 'support') => ({ kind: 'agent', desk, team, person })

interface Step {
  readonly minute: number
  readonly type: StoryChange['type']
  readonly owner: object
  readonly by: object
  readonly because?: string
  readonly cause?: string
}

/** A conversation of these steps, and of what was written at these minutes: by a person, or by the customer. */
function storyOf(
  steps: readonly Step[],
  messages: readonly (readonly [minute: number, person?: string | undefined])[] = [],
): Story {
  return {
    id: 'v1',
    account: 'memory:memory',
    origin: 'customer',
    changes: steps.map(({ minute, type, owner, by, because = 'x', cause = 'e1' }, index) => ({
      n: index + 1,
      at: minute * MINUTE,
      type,
      actor_json: JSON.stringify(by),
      because,
      owner_json: JSON.stringify(owner),
      cause,
    })),
    messages: messages.map(([minute, person]) => ({ at: minute * MINUTE, person })),
  }
}

/** `waited 3 presale bo`, with minutes. */
const told = (moments: readonly MomentRow[]): readonly string[] =>
  moments.map(({ what, ms, team, person, code }) =>
    [what, ms === null ? undefined : ms / MINUTE, team, person, code].filter((part) => part != null).join(' '),
  )

const opened = { minute: 0, type: 'opened', owner: ofBot, by: CUSTOMER } as const

describe('cases at the edge', () => {
  test('in the queue of another team the wait goes on; after a transfer to a team a new one begins', () => {
    const steps: readonly Step[] = [
      opened,
      { minute: 1, type: 'queued', owner: queue('presale'), by: BOT },
      { minute: 3, type: 'queued', owner: queue('night'), by: DESK },
      { minute: 4, type: 'assigned', owner: having('bo', 'night'), by: DESK },
      { minute: 6, type: 'queued', owner: queue('aftersale'), by: agent('bo') },
      { minute: 8, type: 'assigned', owner: having('cai', 'aftersale'), by: agent('cai') },
    ]
    expect(told(momentsOf('support', storyOf(steps)))).toEqual([
      'opened customer',
      'handed-over presale bot',
      'waited 3 night bo',
      'handled 2 night bo transferred',
      'waited 2 aftersale cai',
    ])
  })

  test('given back to the bot and handed over again, it comes to people again, and is answered again', () => {
    const steps: readonly Step[] = [
      opened,
      { minute: 1, type: 'assigned', owner: having('bo'), by: agent('bo') },
      { minute: 3, type: 'returned', owner: ofBot, by: agent('bo') },
      { minute: 5, type: 'queued', owner: queue('presale'), by: { kind: 'feature', name: 'f' }, because: 'keyword x' },
      { minute: 6, type: 'returned', owner: ofBot, by: CUSTOMER },
      { minute: 7, type: 'closed', owner: ofBot, by: BOT },
    ]
    const messages = [
      [2, 'bo'],
      [2, undefined],
    ] as const
    expect(told(momentsOf('support', storyOf(steps, messages)))).toEqual([
      'opened customer',
      'handed-over presale taken',
      'answered 1 presale bo',
      'handled 2 presale bo returned',
      'handed-over presale keyword',
      'left 1 presale left',
      'closed people',
    ])
  })

  test('who is gone or removed has not handled it, and has not transferred it', () => {
    const steps: readonly Step[] = [
      { minute: 0, type: 'opened', owner: queue('presale'), by: { kind: 'core' }, because: 'the route is agent-only' },
      { minute: 0, type: 'queued', owner: queue('presale'), by: { kind: 'core' }, because: 'the route is agent-only' },
      { minute: 1, type: 'assigned', owner: having('bo'), by: DESK },
      { minute: 2, type: 'queued', owner: queue('presale'), by: DESK, cause: 'gone:v1:2' },
      { minute: 3, type: 'assigned', owner: having('cai'), by: DESK },
      { minute: 4, type: 'queued', owner: queue('presale'), by: { kind: 'core' } },
      { minute: 5, type: 'closed', owner: queue('presale'), by: DESK, because: 'solved' },
    ]
    expect(told(momentsOf('support', storyOf(steps)))).toEqual([
      'opened customer',
      'handed-over presale route',
      'waited 1 presale bo',
      'handled 1 presale bo gone',
      'waited 1 presale cai',
      'handled 1 presale cai removed',
      'left 1 presale by-us',
      'closed presale people',
    ])
  })

  const CORE = { kind: 'core' }
  const gone = { minute: 5, by: CORE, because: 'support is no longer in the configuration' } as const

  test('what a person or the queue loses by a change of the settings is neither handled nor left', () => {
    const taken: Step = { minute: 1, type: 'assigned', owner: having('bo'), by: agent('bo') }
    const waits: Step = { minute: 1, type: 'queued', owner: queue('presale'), by: BOT }
    const back = { ...gone, type: 'returned', owner: ofBot } as const
    expect(told(momentsOf('support', storyOf([opened, taken, back])))).toContain('handled 4 presale bo removed')
    expect(told(momentsOf('support', storyOf([opened, waits, back])))).toContain('left 4 presale by-us')
    const end = { ...gone, type: 'closed' } as const
    expect(told(momentsOf('support', storyOf([opened, taken, { ...end, owner: having('bo') }])))).toEqual([
      'opened customer',
      'handed-over presale taken',
      'handled 4 presale bo removed',
      'closed presale bo removed',
    ])
    expect(told(momentsOf('support', storyOf([opened, waits, { ...end, owner: queue('presale') }])))).toEqual([
      'opened customer',
      'handed-over presale bot',
      'left 4 presale by-us',
      'closed presale removed',
    ])
  })

  test.each([
    ['no channel has the account memory:memory any more', 'closed removed'],
    ['presale is no longer at support', 'closed removed'],
    // The second bot of a route closes what the first one has.
    ['the parcel is no longer at the shop', 'closed bot'],
  ])('the core closes with the bot, because: %s', (because, closed) => {
    const steps = [opened, { minute: 5, type: 'closed', owner: ofBot, by: CORE, because } as const]
    expect(told(momentsOf('support', storyOf(steps)))).toEqual(['opened customer', closed])
  })

  test('what is written at the moment of a change counts once: a person’s for them, the customer’s for who has it then', () => {
    const steps: readonly Step[] = [
      opened,
      { minute: 1, type: 'assigned', owner: having('bo'), by: agent('bo') },
      { minute: 2, type: 'assigned', owner: having('cai'), by: agent('bo') },
      { minute: 2, type: 'assigned', owner: having('bo'), by: agent('cai') },
      { minute: 3, type: 'closed', owner: having('bo'), by: agent('bo') },
    ]
    const messages = [[2, 'bo'], [2], [3, 'bo'], [3]] as const
    const handled = momentsOf('support', storyOf(steps, messages)).filter(({ what }) => what === 'handled')
    expect(handled.map(({ person, sent, received }) => [person, sent, received])).toEqual([
      ['bo', 1, 0],
      ['cai', 0, 0],
      ['bo', 1, 2],
    ])
  })

  test('what another desk has had is told by that desk; what both have had, by each its own part', () => {
    const elsewhere: readonly Step[] = [
      opened,
      { minute: 1, type: 'queued', owner: queue('night', 'abroad'), by: BOT },
      { minute: 2, type: 'closed', owner: queue('night', 'abroad'), by: CUSTOMER },
    ]
    expect(momentsOf('support', storyOf(elsewhere))).toEqual([])
    const both: readonly Step[] = [
      opened,
      { minute: 1, type: 'assigned', owner: having('zoe', 'night', 'abroad'), by: DESK },
      { minute: 2, type: 'queued', owner: queue('presale'), by: DESK },
      { minute: 5, type: 'assigned', owner: having('bo'), by: DESK },
    ]
    expect(told(momentsOf('support', storyOf(both, [[1.5, 'zoe']])))).toEqual([
      'opened customer',
      'handed-over presale again',
      'waited 3 presale bo',
    ])
  })
})

/** Any conversation: as the core lets one be, and some more. */
function anyStory({ upTo, pick }: Random): Story {
  const steps: Step[] = [opened]
  const messages: [number, string | undefined][] = []
  let minute = 0
  let owner: object = ofBot
  for (let left = upTo(10); left > 1; left--) {
    minute += upTo(5)
    const [type, next] = pick<readonly [string, object]>([
      ['queued', queue(pick(['presale', 'aftersale']))],
      ['assigned', having(pick(['bo', 'cai']))],
      ['returned', ofBot],
    ])
    owner = next
    steps.push({ minute, type, owner, by: pick<object>([BOT, DESK, CUSTOMER, agent('bo')]) })
    for (let said = upTo(4); said > 1; said--) messages.push([minute + upTo(10) / 10, pick([['bo'], ['cai'], []])[0]])
  }
  if (upTo(10) < 8) steps.push({ minute: minute + 6, type: 'closed', owner, by: pick<object>([DESK, CUSTOMER]) })
  return storyOf(
    steps,
    messages.toSorted(([a], [b]) => a - b),
  )
}

const until = ({ changes, messages, ...story }: Story, ms: number): Story => ({
  ...story,
  changes: changes.filter(({ at }: StoryChange) => at <= ms),
  messages: messages.filter(({ at }: StoryMessage) => at <= ms),
})

test(`read at any time, a conversation gives moments that it still gives in the end (seed ${SEED})`, () => {
  const random = makeRandom(SEED)
  let read = 0
  for (let i = 0; i < STORIES; i++) {
    const story = anyStory(random)
    const moments = momentsOf('support', story)
    const whole = moments.map((moment) => JSON.stringify(moment))
    const keys = moments.map(({ what, at, n }) => `${what} ${at} ${n}`)
    expect(new Set(keys).size, 'by their key they are told apart').toBe(keys.length)
    for (let ms = 0; ms < 60 * MINUTE; ms += 5 * MINUTE) {
      const soFar = momentsOf('support', until(story, ms)).map((moment) => JSON.stringify(moment))
      read += soFar.length
      expect(soFar.filter((moment) => !whole.includes(moment))).toEqual([])
      // Nothing is told late either: all that had happened by then was told then.
      expect(soFar.length).toBe(moments.filter(({ at }) => at <= ms).length)
    }
  }
  expect(read).toBeGreaterThan(STORIES)
})
