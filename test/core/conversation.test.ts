import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RefusalCode } from '../../core/command.ts'
import { type Actor, type Conversation, decide, maySpeak, type Owner, type Step } from '../../core/conversation.ts'

const RUNS = { seed: 1, numRuns: process.env.LONG ? 10_000 : 1_000 }

const core: Actor = { kind: 'core' }
const faq: Actor = { kind: 'bot', name: 'faq' }
const desk: Actor = { kind: 'desk', name: 'support' }
const customer: Actor = { kind: 'customer' }
const amy: Actor = { kind: 'agent', person: 'amy' }
const bo: Actor = { kind: 'agent', person: 'bo' }
const withFaq: Owner = { kind: 'bot', bot: 'faq' }
const presale: Owner = { kind: 'queue', desk: 'support', team: 'presale' }
const withAmy: Owner = { kind: 'agent', desk: 'support', team: 'presale', person: 'amy' }

function openStep(owner: Owner = withFaq): Extract<Step, { type: 'open' }> {
  const because = 'the first message'
  return { type: 'open', by: core, because, id: 'c1', owner, origin: 'customer', route: 'routes[0]', atMs: 1 }
}

/** The conversation after these steps, none of which may be refused. */
function walk(...steps: readonly Step[]): Conversation {
  let now: Conversation | undefined
  for (const step of steps) {
    const decision = decide(now, step)
    if ('refused' in decision) throw new Error(`${step.type}: ${decision.message}`)
    now = decision.conversation
  }
  if (!now) throw new Error('no step')
  return now
}

function refusalOf(conversation: Conversation | undefined, step: Step): RefusalCode | undefined {
  const decision = decide(conversation, step)
  return 'refused' in decision ? decision.refused : undefined
}

const queue = { type: 'queue', by: faq, because: 'keyword 人工', desk: 'support', team: 'presale' } satisfies Step
const take = { type: 'assign', by: amy, because: 'taken', desk: 'support', person: 'amy' } satisfies Step
const giveBack = { type: 'return', by: amy, because: 'solved', bot: 'faq' } satisfies Step
const close = { type: 'close', by: amy, reason: 'solved', atMs: 9 } satisfies Step

describe('one owner at a time', () => {
  test('a conversation goes from the bot to the queue, to a person, back and to its end', () => {
    const steps = [queue, take, giveBack, close] as const
    let now = walk(openStep())
    expect(now).toEqual({
      id: 'c1',
      state: 'bot',
      owner: withFaq,
      lease: 1,
      openedAtMs: 1,
      origin: 'customer',
      route: 'routes[0]',
      counts: { unknown: 0, failures: 0 },
    })
    const seen: unknown[] = []
    for (const step of steps) {
      const decision = decide(now, step)
      if ('refused' in decision) throw new Error(decision.message)
      now = decision.conversation
      seen.push([now.state, now.owner, now.lease, ...decision.changes])
    }
    expect(seen).toEqual([
      ['queued', presale, 2, { type: 'queued', actor: faq, because: 'keyword 人工' }],
      ['assigned', withAmy, 3, { type: 'assigned', actor: amy, because: 'taken' }],
      ['bot', withFaq, 4, { type: 'returned', actor: amy, because: 'solved' }],
      ['closed', withFaq, 4, { type: 'closed', actor: amy, because: 'solved' }],
    ])
    expect(now.closed).toEqual({ atMs: 9, reason: 'solved', by: amy })
  })

  test('what opens in a queue or with a person is also noted as queued or assigned', () => {
    const types = [withFaq, presale, withAmy].map((owner) => {
      const decision = decide(undefined, openStep(owner))
      return 'refused' in decision ? decision.refused : decision.changes.map((change) => change.type)
    })
    expect(types).toEqual([['opened'], ['opened', 'queued'], ['opened', 'assigned']])
  })

  test('queueing, assigning and returning to who has it already changes nothing', () => {
    for (const [owner, step] of [
      [presale, queue],
      [withAmy, { ...take, team: 'aftersale' }],
      [withFaq, giveBack],
      [withAmy, { type: 'owner-gone', by: core, because: 'reload', to: withAmy }],
    ] as const) {
      const before = walk(openStep(owner))
      expect(decide(before, { ...step, by: core })).toEqual({ conversation: before, changes: [] })
    }
  })

  test('a person who takes from a queue keeps its team, and another desk does not', () => {
    expect(walk(openStep(presale), take).owner).toEqual(withAmy)
    expect(walk(openStep(presale), { ...take, desk: 'partner' }).owner).toEqual({
      kind: 'agent',
      desk: 'partner',
      person: 'amy',
    })
  })

  test('the route changes only with a return or a reload', () => {
    const queued = walk(openStep(presale))
    expect(walk(openStep(presale), { ...giveBack, route: 'routes[1]' }).route).toBe('routes[1]')
    const rerouted = decide(queued, {
      type: 'owner-gone',
      by: core,
      because: 'reload',
      to: presale,
      route: 'routes[2]',
    })
    expect(rerouted).toEqual({ conversation: { ...queued, route: 'routes[2]' }, changes: [] })
  })

  test('counts add up, are reset, and start again with another owner', () => {
    const add: Step = { type: 'count', by: core, unknown: 'add', failures: 'add' }
    const now = walk(openStep(), add, add, { type: 'count', by: core, failures: 'reset' })
    expect(now).toMatchObject({ counts: { unknown: 2, failures: 0 }, lease: 1 })
    expect(decide(now, { type: 'count', by: core, failures: 'reset' })).toEqual({ conversation: now, changes: [] })
    expect(decide(now, { ...queue, by: core })).toMatchObject({ conversation: { counts: { unknown: 0, failures: 0 } } })
  })
})

describe('refusals', () => {
  test.each<[string, Conversation | undefined, Step, RefusalCode]>([
    ['opening a second one', walk(openStep()), { ...openStep(), id: 'c2' }, 'ALREADY_OPEN'],
    ['closing what is not there', undefined, close, 'NOT_FOUND'],
    ['closing twice', walk(openStep(), close), close, 'NOT_FOUND'],
    ['opening a closed one again', walk(openStep(), close), openStep(), 'INVALID'],
    ['an agent taking from a colleague', walk(openStep(withAmy)), { ...take, by: bo, person: 'bo' }, 'NOT_OWNER'],
    ['an agent closing a colleague’s', walk(openStep(withAmy)), { ...close, by: bo }, 'NOT_OWNER'],
    ['a bot handing over what a person has', walk(openStep(withAmy)), queue, 'NOT_OWNER'],
    ['a bot closing what waits in a queue', walk(openStep(presale)), { ...close, by: faq }, 'NOT_OWNER'],
    ['a step under an old lease', walk(openStep(), queue), { ...close, by: desk, lease: 1 }, 'NOT_OWNER'],
    ['a bot choosing the person', walk(openStep()), { ...take, by: faq }, 'INVALID'],
    ['a customer choosing the person', walk(openStep()), { ...take, by: customer }, 'INVALID'],
    [
      'a desk removing an owner',
      walk(openStep()),
      { type: 'owner-gone', by: desk, because: '', to: presale },
      'INVALID',
    ],
    [
      'counting while a person answers',
      walk(openStep(withAmy)),
      { type: 'count', by: core, unknown: 'add' },
      'NOT_OWNER',
    ],
  ])('%s', (_, conversation, step, code) => {
    expect(refusalOf(conversation, step)).toBe(code)
  })

  test('a callback is opened by the agent who is to have it, and nothing else is', () => {
    const callBack = { ...openStep(withAmy), origin: 'callback', by: amy } satisfies Step
    expect(refusalOf(undefined, callBack)).toBeUndefined()
    expect(refusalOf(undefined, { ...callBack, by: bo })).toBe('INVALID')
    expect(refusalOf(undefined, { ...callBack, origin: 'customer' })).toBe('INVALID')
  })

  test('a supervisor takes from an agent through the desk', () => {
    const now = walk(openStep(withAmy), { ...take, by: desk, person: 'bo', lease: 1 })
    expect(now.owner).toEqual({ ...withAmy, person: 'bo' })
  })

  test('they say who has it', () => {
    const messageOf = (owner: Owner) => {
      const refusal = maySpeak(walk(openStep(owner)), { kind: 'bot', name: 'other' })
      return refusal === true ? '' : refusal.message
    }
    expect([withFaq, presale, withAmy].map(messageOf)).toEqual([
      'It is with the bot faq now.',
      'It waits in the queue of presale now.',
      'It is with amy now.',
    ])
  })
})

describe('who may speak', () => {
  test('the system always may, a customer never', () => {
    for (const now of [undefined, walk(openStep(withAmy)), walk(openStep(), close)]) {
      expect(maySpeak(now, { kind: 'feature', name: 'rating' })).toBe(true)
      expect(maySpeak(now, { kind: 'channel', name: 'site' })).toBe(true)
      expect(maySpeak(now, desk)).toBe(true)
      expect(maySpeak(now, core)).toBe(true)
      expect(maySpeak(now, customer)).toMatchObject({ refused: 'INVALID' })
    }
  })

  test('nobody owns what is not open', () => {
    expect(maySpeak(undefined, amy)).toMatchObject({ refused: 'NOT_FOUND' })
    expect(maySpeak(walk(openStep(withAmy), close), amy)).toMatchObject({ refused: 'NOT_FOUND' })
    expect(maySpeak(walk(openStep(), { ...close, by: core }), faq)).toMatchObject({ refused: 'NOT_FOUND' })
  })

  test('an old lease is an old owner, whoever speaks', () => {
    const now = walk(openStep(), queue, take)
    expect(maySpeak(now, amy, 3)).toBe(true)
    expect(maySpeak(now, amy, 2)).toMatchObject({ refused: 'NOT_OWNER' })
    expect(maySpeak(now, desk, 2)).toMatchObject({ refused: 'NOT_OWNER' })
  })
})

// ── a random walk beside a model ────────────────────────────────────────────────────────────

const BOTS = ['faq', 'ai']
const DESKS = ['support', 'partner']
const TEAMS = [undefined, 'presale', 'aftersale']
const PEOPLE = ['amy', 'bo']
const of = <T>(values: readonly T[]) => fc.constantFrom(...values)

const someOwner: fc.Arbitrary<Owner> = fc.oneof(
  fc.record({ kind: fc.constant('bot' as const), bot: of(BOTS) }),
  fc.record({ kind: fc.constant('queue' as const), desk: of(DESKS), team: of(TEAMS) }),
  fc.record({ kind: fc.constant('agent' as const), desk: of(DESKS), team: of(TEAMS), person: of(PEOPLE) }),
)
const someActor: fc.Arbitrary<Actor> = fc.oneof(
  fc.constant(customer),
  fc.constant(core),
  fc.record({ kind: fc.constant('bot' as const), name: of(BOTS) }),
  fc.record({ kind: of(['feature', 'channel', 'desk'] as const), name: fc.constant('x') }),
  fc.record({ kind: fc.constant('agent' as const), person: of(PEOPLE) }),
)
const common = { by: someActor, because: of(['one', 'two']) }
/** Mostly none; sometimes one that was right at some time. */
const lease = fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined, freq: 4 })
const route = of([undefined, 'routes[0]', 'routes[1]'])
const how = of([undefined, 'add', 'reset'] as const)
const someStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    type: fc.constant('open' as const),
    ...common,
    id: of(['c1', 'c2', 'c3']),
    owner: someOwner,
    origin: of(['customer', 'callback'] as const),
    route: fc.constant('routes[0]'),
    atMs: fc.nat(),
  }),
  fc.record({ type: fc.constant('queue' as const), ...common, lease, desk: of(DESKS), team: of(TEAMS) }),
  fc.record({
    type: fc.constant('assign' as const),
    ...common,
    lease,
    desk: of(DESKS),
    team: of(TEAMS),
    person: of(PEOPLE),
  }),
  fc.record({ type: fc.constant('return' as const), ...common, lease, bot: of(BOTS), route }),
  fc.record({ type: fc.constant('owner-gone' as const), ...common, lease, to: someOwner, route }),
  fc.record({ type: fc.constant('close' as const), by: someActor, lease, reason: of(['one', 'two']), atMs: fc.nat() }),
  fc.record({ type: fc.constant('count' as const), by: someActor, lease, unknown: how, failures: how }),
)

type Rule = 'yes' | 'mine' | 'no-colleague' | 'never'
const NEVER = { queue: 'never', assign: 'never', return: 'never', close: 'never', count: 'never' } as const
const PROGRAM = {
  queue: 'yes',
  assign: 'yes',
  return: 'yes',
  close: 'yes',
  count: 'yes',
  'owner-gone': 'never',
} as const
const MAY: Record<Actor['kind'], Record<Exclude<Step['type'], 'open'>, Rule>> = {
  core: { ...PROGRAM, 'owner-gone': 'yes' },
  feature: PROGRAM,
  channel: PROGRAM,
  desk: PROGRAM,
  customer: { ...NEVER, queue: 'yes', return: 'yes', close: 'yes', 'owner-gone': 'never' },
  bot: { ...NEVER, queue: 'mine', return: 'mine', close: 'mine', count: 'mine', 'owner-gone': 'never' },
  agent: {
    queue: 'no-colleague',
    assign: 'no-colleague',
    return: 'no-colleague',
    close: 'no-colleague',
    count: 'never',
    'owner-gone': 'never',
  },
}

/** Who of all programs and people is the owner, written as one word: `bot faq`, `agent amy`; `undefined` in a queue. */
function voiceOf(owner: Owner): string | undefined {
  if (owner.kind === 'queue') return undefined
  return owner.kind === 'bot' ? `bot ${owner.bot}` : `agent ${owner.person}`
}
const wordOf = (by: Actor) =>
  by.kind === 'agent' ? `agent ${by.person}` : 'name' in by ? `${by.kind} ${by.name}` : by.kind

function expectedRefusal(now: Conversation | undefined, step: Step): RefusalCode | undefined {
  const live = now && !now.closed ? now : undefined
  if (step.type === 'open') {
    if (live) return 'ALREADY_OPEN'
    const own = voiceOf(step.owner) === wordOf(step.by)
    const fine =
      step.by.kind === 'agent' ? own && step.origin === 'callback' : step.by.kind === 'bot' ? own : step.id !== now?.id
    return fine && step.id !== now?.id ? undefined : 'INVALID'
  }
  if (!live) return 'NOT_FOUND'
  if (step.lease !== undefined && step.lease !== live.lease) return 'NOT_OWNER'
  const rule = MAY[step.by.kind][step.type]
  const own = voiceOf(live.owner) === wordOf(step.by)
  if (rule === 'never') return 'INVALID'
  if (rule === 'mine' && !own) return 'NOT_OWNER'
  if (rule === 'no-colleague' && live.owner.kind === 'agent' && !own) return 'NOT_OWNER'
  return step.type === 'count' && live.owner.kind !== 'bot' ? 'NOT_OWNER' : undefined
}

/** The owner that the step asks for. */
function expectedOwner(before: Owner, step: Exclude<Step, { type: 'open' }>): Owner {
  switch (step.type) {
    case 'queue':
      return { kind: 'queue', desk: step.desk, team: step.team }
    case 'return':
      return { kind: 'bot', bot: step.bot }
    case 'owner-gone':
      return step.to
    case 'assign': {
      const here = before.kind !== 'bot' && before.desk === step.desk ? before : undefined
      if (here?.kind === 'agent' && here.person === step.person) return before
      return { kind: 'agent', desk: step.desk, team: step.team ?? here?.team, person: step.person }
    }
    default:
      return before
  }
}

const EVERYONE: readonly Actor[] = [
  ...BOTS.map((name): Actor => ({ kind: 'bot', name })),
  ...PEOPLE.map((person): Actor => ({ kind: 'agent', person })),
]
const TYPE_OF = { bot: ['bot', 'returned'], queue: ['queued', 'queued'], agent: ['assigned', 'assigned'] } as const

function checkInvariants(now: Conversation): void {
  expect(now.state).toBe(now.closed ? 'closed' : TYPE_OF[now.owner.kind][0])
  const speakers = EVERYONE.filter((by) => maySpeak(now, by) === true).map(wordOf)
  expect(speakers).toEqual(now.closed || now.owner.kind === 'queue' ? [] : [voiceOf(now.owner)])
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) deepFreeze(inner)
  return Object.freeze(value)
}

describe('any walk', () => {
  test('keeps one owner, and raises the lease with every change of owner and nothing else', () => {
    const met = new Set<string>()
    fc.assert(
      fc.property(fc.array(someStep, { maxLength: 30 }), (steps) => {
        let now: Conversation | undefined
        for (const step of steps) {
          const decision = decide(now, step)
          const refusal = expectedRefusal(now, step)
          met.add(`${step.type} ${refusal ?? 'done'}`)
          if ('refused' in decision || refusal !== undefined) {
            expect('refused' in decision ? decision.refused : 'done').toBe(refusal)
            continue
          }
          const { conversation, changes } = decision
          const reason = step.type === 'close' ? step.reason : step.type === 'count' ? undefined : step.because
          for (const change of changes) expect(change).toMatchObject({ actor: step.by, because: reason })

          const types = changes.map((change) => change.type)
          if (step.type === 'open') {
            expect(conversation).toMatchObject({ id: step.id, owner: step.owner, lease: 1 })
            const own = step.owner.kind === 'bot' ? [] : [TYPE_OF[step.owner.kind][1]]
            expect(types).toEqual(['opened', ...own])
          } else if (now) {
            const owner = expectedOwner(now.owner, step)
            const moved = JSON.stringify(owner) !== JSON.stringify(now.owner)
            expect(conversation.owner).toEqual(owner)
            expect(conversation.lease).toBe(now.lease + (moved ? 1 : 0))
            expect(types).toEqual(moved ? [TYPE_OF[owner.kind][1]] : step.type === 'close' ? ['closed'] : [])
            if (moved) expect(conversation.counts).toEqual({ unknown: 0, failures: 0 })
            else if (step.type !== 'count') expect(conversation.counts).toEqual(now.counts)
            if (step.type === 'close') {
              expect(conversation.closed).toEqual({ atMs: step.atMs, reason: step.reason, by: step.by })
            } else expect(conversation.closed).toBeUndefined()
            const { id, openedAtMs, origin } = now
            expect(conversation).toMatchObject({ id, openedAtMs, origin })
          }
          checkInvariants(conversation)
          now = deepFreeze(conversation)
        }
      }),
      RUNS,
    )
    // The walk must have come by every step, done and refused, or it proves nothing.
    for (const type of ['queue', 'assign', 'return', 'owner-gone', 'close', 'count']) {
      for (const end of ['done', 'NOT_FOUND', 'NOT_OWNER', 'INVALID']) {
        if (end === 'INVALID' && ['queue', 'return', 'close'].includes(type)) continue
        expect(met).toContain(`${type} ${end}`)
      }
    }
    for (const end of ['done', 'ALREADY_OPEN', 'INVALID']) expect(met).toContain(`open ${end}`)
  })
})
