/**
 * Days of a desk, each by chance: customers, agents of several teams who come and go, and processes that are killed in
 * the middle of it. What was on disk at that moment is all that the next one has.
 */
import { copyFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Command, type Context, defineDesk, definePlugin, type InboundEvent, type JournalTables, z } from '#core'
import { manualClock, memoryChannel, testRuntime } from '#core/testing'
import { reportLong } from '../../../../test/crash/long.ts'
import { Settings } from '../config.ts'
import { TABLES } from '../people/tables.ts'
import type { Case } from './book.ts'
import { openFloor } from './floor.ts'
import { readCases } from './from-journal.ts'
import { memory } from './memory.ts'

const DAYS = process.env.LONG ? 300 : 8
/** The file, and what was written to it since. */
const JOURNAL = ['journal.sqlite', 'journal.sqlite-wal']
const MORNING = Date.UTC(2026, 0, 1, 9)
const USERS = ['u1', 'u2', 'u3', 'u4', 'u5', 'u6'] as const
const PEOPLE: { readonly [name: string]: { readonly name: string; readonly capacity: number } } = {
  amy: { name: 'Amy', capacity: 1 },
  bo: { name: 'Bo', capacity: 1 },
  cy: { name: 'Cy', capacity: 2 },
  dan: { name: 'Dan', capacity: 1 },
}
const PERSONS = ['amy', 'bo', 'cy', 'dan'] as const
const TEAMS: {
  readonly [name: string]: {
    readonly members: readonly string[]
    readonly priority?: number
    readonly overflow?: string
    readonly answerWithin?: string
    readonly assign?: string
  }
} = {
  sales: { members: ['amy', 'bo'], overflow: 'night' },
  help: { members: ['bo', 'cy'], priority: 1 },
  night: { members: ['dan', 'cy'], assign: 'round-robin', answerWithin: '2m' },
}
const NAMES = ['sales', 'help', 'night'] as const

type Floor = ReturnType<typeof openFloor>

/** The desk without its door: people and queue as they are wired to the core, in sight of the test. */
function floorPlugin(
  see: (floor: Floor, context: Pick<Context<unknown, unknown>, 'name' | 'journal' | 'channels'>) => void,
) {
  return defineDesk({
    name: 'desk',
    summary: 'The floor of the desk.',
    config: Settings,
    state: memory,
    tables: TABLES,
    names: ({ people, teams }) => ({ people: Object.keys(people), teams: Object.keys(teams) }),
    async setup(context) {
      const floor = openFloor(context, context.sql.$pickTables<'person'>())
      await floor.know()
      see(floor, context)
      const { where, attend, intercept, events } = floor
      return { started: floor.begin, where, attend, inbound: { intercept }, events, deliver: async () => {} }
    },
  })
}

/** Hands over whoever writes `person <team>`. */
const asking = definePlugin({
  name: 'asking',
  summary: 'Hands over on a word.',
  config: z.strictObject({}),
  setup: () => ({
    inbound: {
      respond(turn, next) {
        const [word, team] = turn.text.split(' ')
        return word === 'person' ? turn.handOff({ to: { team }, because: turn.text }) : next()
      },
    },
  }),
})

// ── what may happen ──

const user = fc.constantFrom(...USERS)
const person = fc.constantFrom(...PERSONS)
const which = fc.nat(11)
const act = fc.oneof(
  { weight: 5, arbitrary: fc.record({ does: fc.constant('asks'), user, team: fc.constantFrom(...NAMES) } as const) },
  { weight: 4, arbitrary: fc.record({ does: fc.constant('closes'), which } as const) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('comes'), person } as const) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('goes'), person } as const) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('replies'), which } as const) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('says'), user } as const) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('leaves'), user } as const) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('ends'), user } as const) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('takes'), which, person } as const) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('passes'), which, team: fc.constantFrom(...NAMES) } as const) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('returns'), which } as const) },
)
type Act = typeof act extends fc.Arbitrary<infer A> ? A : never
const step = fc.record({
  acts: fc.array(act, { maxLength: 3 }),
  passesMs: fc.constantFrom(0, 0, 1_000, 30_000, 61_000, 121_000),
  /** It is killed after so many turns of the event loop. */
  killedAfter: fc.constantFrom(null, null, null, null, 0, 1, 2, 4, 7, 12),
})
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

interface Change {
  readonly conversation: string
  readonly n: number
  readonly atMs: number
  readonly type: string
  readonly cause: string
  readonly by: { readonly kind: string }
  readonly lease: number
  readonly owner: JsonOwner
}
interface JsonOwner {
  readonly kind: 'bot' | 'queue' | 'agent'
  readonly team?: string
  readonly person?: string
}

const passes: Step = { acts: [], passesMs: 0, killedAfter: null }
/** Days on which something was wrong once. */
const FOUND: readonly Step[][] = [
  // It is known only after the kill who had the conversation before the one that waits.
  [
    { ...passes, acts: [{ does: 'goes', person: 'cy' }] },
    { ...passes, acts: [{ does: 'asks', user: 'u1', team: 'night' }] },
    { ...passes, acts: [{ does: 'asks', user: 'u3', team: 'sales' }] },
    {
      ...passes,
      acts: [
        { does: 'ends', user: 'u3' },
        { does: 'asks', user: 'u3', team: 'night' },
      ],
      killedAfter: 2,
    },
  ],
  // Whoever has answered is not the one who has the conversation when the desk begins anew.
  [
    { ...passes, acts: [{ does: 'asks', user: 'u1', team: 'night' }], passesMs: 121_000 },
    { ...passes, acts: [{ does: 'replies', which: 0 }] },
    { ...passes, acts: [{ does: 'passes', which: 0, team: 'sales' }] },
  ],
  // Whoever is told their place while others are being given to somebody, and then it is killed.
  [
    { ...passes, acts: [{ does: 'asks', user: 'u6', team: 'sales' }] },
    {
      ...passes,
      acts: [
        { does: 'asks', user: 'u4', team: 'sales' },
        { does: 'comes', person: 'amy' },
      ],
    },
    { ...passes, acts: [{ does: 'asks', user: 'u1', team: 'sales' }] },
    { ...passes, acts: [{ does: 'goes', person: 'amy' }] },
    { ...passes, acts: [{ does: 'asks', user: 'u2', team: 'sales' }], passesMs: 61_000 },
    { ...passes, killedAfter: 7 },
    { ...passes, passesMs: 61_000 },
    { ...passes, acts: [{ does: 'comes', person: 'amy' }] },
  ],
]

class Day {
  kills = 0
  assignments = 0
  readonly #folders: string[] = []
  #clock = manualClock(MORNING)
  #channel = memoryChannel()
  #bot: Awaited<ReturnType<typeof testRuntime>> | undefined
  #floor: Floor | undefined
  #read: (() => Promise<readonly Case[]>) | undefined
  /** What customers were sent, by the delivery. */
  readonly #sent: string[] = []
  /** What nobody has been told that it arrived: it is done again. */
  readonly #open = new Map<string, () => Promise<unknown>>()
  readonly #there = new Set<string>()
  /** From when to when somebody was there. */
  readonly #stays: { readonly person: string; readonly fromMs: number; toMs: number }[] = []
  #count = 0

  get bot() {
    if (!this.#bot) throw new Error('Nothing runs.')
    return this.#bot
  }

  async start(folder?: string): Promise<void> {
    const own = folder ?? (await mkdtemp(join(tmpdir(), 'switchboard-day-')))
    if (!folder) this.#folders.push(own)
    this.#channel = memoryChannel()
    const plugin = floorPlugin((floor, context) => {
      this.#floor = floor
      this.#read = async () => (await Array.fromAsync(readCases(context))).flat()
    })
    this.#bot = await testRuntime(
      {
        timeZone: 'UTC',
        bots: { parrot: { use: 'echo' } },
        desks: { support: { use: plugin, people: PEOPLE, teams: TEAMS, leaveWords: ['never mind'] } },
        features: [{ use: asking }],
        texts: { agentGone: 'Gone.', offline: 'Nobody.', waiting: 'Place {place}.', waitingFor: 'Place {place}.' },
      },
      { clock: this.#clock, channel: this.#channel, folder: own, there: [...this.#there] },
    )
  }

  /** The process is gone, and another begins with what was on disk. */
  async kill(): Promise<void> {
    this.kills += 1
    const copy = await mkdtemp(join(tmpdir(), 'switchboard-day-'))
    this.#folders.push(copy)
    const { bot } = this
    // At one moment: nothing else runs until it is copied.
    for (const file of JOURNAL) copyFileSync(join(bot.folder, file), join(copy, file))
    this.#sent.push(...this.#channel.sent.map(({ id }) => id))
    const again = [...this.#open.values()]
    this.#clock = manualClock(this.#clock.now())
    // What it does from now on, nobody sees.
    await bot[Symbol.asyncDispose]()
    this.#open.clear()
    await this.start(copy)
    await Promise.all(again.map((run) => run()))
  }

  async end(): Promise<void> {
    await this.#bot?.[Symbol.asyncDispose]()
    for (const folder of this.#folders) await rm(folder, { recursive: true, force: true })
  }

  // ── what people do ──

  async step({ acts, passesMs, killedAfter }: Step): Promise<void> {
    await this.bot.advance(1)
    const open = await this.#openOnes()
    const doing = acts.map((one) => this.#do(one, open))
    if (killedAfter === null) {
      await Promise.all(doing)
      await this.bot.advance(passesMs)
    } else {
      const passing = this.#clock.advance(passesMs)
      for (let turn = 0; turn < killedAfter; turn++) await setImmediate()
      await this.kill()
      await Promise.allSettled([...doing, passing])
    }
    await this.bot.idle()
    await this.check()
  }

  #do(one: Act, open: readonly JournalTables['conversation'][]): Promise<unknown> {
    const conversation = 'which' in one ? open[one.which % Math.max(1, open.length)] : undefined
    const by = (name: string | null) => ({ kind: 'agent', person: name ?? '' }) as const
    switch (one.does) {
      case 'asks':
        return this.#hears(one.user, { type: 'message', parts: [{ type: 'text', text: `person ${one.team}` }] })
      case 'says':
        return this.#hears(one.user, { type: 'message', parts: [{ type: 'text', text: 'hello' }] })
      case 'leaves':
        return this.#hears(one.user, { type: 'message', parts: [{ type: 'text', text: 'never mind' }] })
      case 'ends':
        return this.#hears(one.user, { type: 'chat-end' })
      case 'comes':
      case 'goes':
        return this.#moves(one.person, one.does)
    }
    if (!conversation) return Promise.resolve()
    const { id, person } = conversation
    const about = { id: `c${++this.#count}`, conversation: id }
    if (one.does === 'takes') return this.#commands({ ...about, type: 'take', by: by(one.person) })
    if (person === null) return Promise.resolve()
    if (one.does === 'closes') return this.#commands({ ...about, type: 'close', by: by(person), because: 'solved' })
    if (one.does === 'replies') return this.#commands({ ...about, type: 'send', by: by(person), content: 'Hello.' })
    if (one.does === 'returns') return this.#commands({ ...about, type: 'return', by: by(person) })
    return this.#commands({ ...about, type: 'transfer', by: by(person), to: { team: one.team } })
  }

  /** A platform gives an event again until it is told that it has arrived. */
  #hears(
    chat: string,
    event:
      | { readonly type: 'message'; readonly parts: readonly [{ readonly type: 'text'; readonly text: string }] }
      | { readonly type: 'chat-end' },
  ) {
    const id = `e${++this.#count}`
    const whole: InboundEvent = { ...event, id, chat, atMs: this.#clock.now(), grants: 'message' }
    return this.#until(id, () => this.#channel.receive(whole))
  }

  /** So does a screen with a command. */
  #commands(command: Command) {
    return this.#until(command.id, () => this.bot.runtime.command(command))
  }

  async #until(id: string, run: () => Promise<unknown>): Promise<void> {
    const whole = async () => {
      const { bot } = this
      this.#open.set(id, whole)
      await run()
      if (bot === this.bot) this.#open.delete(id)
    }
    await whole()
  }

  async #moves(who: string, does: 'comes' | 'goes'): Promise<void> {
    const atMs = this.#clock.now()
    if (does === 'comes' && !this.#there.has(who)) {
      this.#there.add(who)
      this.#stays.push({ person: who, fromMs: atMs, toMs: Number.POSITIVE_INFINITY })
    } else if (does === 'goes' && this.#there.delete(who)) {
      const stay = this.#stays.findLast((one) => one.person === who)
      if (stay) stay.toMs = atMs
    }
    await this.bot.agent(who)[does]()
  }

  comes(who: string): Promise<void> {
    return this.#moves(who, 'comes')
  }

  // ── what must be true ──

  #openOnes() {
    const { read } = this.bot.runtime.engine
    const at = read.selectFrom('conversation').selectAll().where('desk', '=', 'support').where('state', '!=', 'closed')
    return at.orderBy('id').execute()
  }

  async check(): Promise<void> {
    await this.#bookIsJournal()
    const changes = await this.#changes()
    this.assignments = changes.filter(({ type }) => type === 'assigned').length
    this.#nobodyHasTooMany(changes)
    this.#nobodyIsPassedOver(changes)
    await this.#nobodyIsForgotten()
    await this.#toldOnce(changes)
  }

  async #bookIsJournal(): Promise<void> {
    const told = (cases: Iterable<Case> = []) => [...cases].toSorted((a, b) => (a.id < b.id ? -1 : 1)).map(meaning)
    const known = told(this.#floor?.book.all())
    expect(known).toEqual(told(await this.#read?.()))
    const book = this.#floor?.book
    for (const name of NAMES) expect(book?.waiting(name).filter(({ person }) => person !== undefined)).toEqual([])
    const placed = [
      ...NAMES.flatMap((name) => book?.waiting(name) ?? []),
      ...PERSONS.flatMap((one) => [...(book?.of(one) ?? [])]),
    ]
    expect(placed.map(({ id }) => id).toSorted()).toEqual(known.map(({ id }) => id))
  }

  async #changes(): Promise<readonly Change[]> {
    const { read } = this.bot.runtime.engine
    const rows = await read.selectFrom('conversation_change').selectAll().orderBy('at').orderBy('n').execute()
    return rows.map((row) => ({
      ...{ conversation: row.conversation, n: row.n, atMs: row.at, type: row.type, cause: row.cause, lease: row.lease },
      by: JSON.parse(row.actor_json),
      owner: JSON.parse(row.owner_json),
    }))
  }

  /** What each conversation was before and after each moment in which something changed. */
  #moments(changes: readonly Change[]) {
    const owners = new Map<string, JsonOwner>()
    const since = new Map<string, number>()
    return [...Map.groupBy(changes, ({ atMs }) => atMs)].map(([atMs, some]) => {
      const [before, waited] = [new Map(owners), new Map(since)]
      for (const { conversation, type, owner } of some) {
        if (type === 'closed') owners.delete(conversation)
        else owners.set(conversation, owner)
        if (type === 'returned' || type === 'closed') since.delete(conversation)
        else if (type === 'queued' && !since.has(conversation)) since.set(conversation, atMs)
      }
      return { atMs, before, waited, after: new Map(owners), given: some.filter(isGivenByDesk) }
    })
  }

  #nobodyHasTooMany(changes: readonly Change[]): void {
    for (const { atMs, before, after, given } of this.#moments(changes)) {
      for (const { owner } of given) {
        const who = owner.person ?? ''
        const kept = [...before].filter(([id, was]) => was.person === who && after.get(id) === was)
        expect(kept.length, `what ${who} had when they were given one more`).toBeLessThan(PEOPLE[who]?.capacity ?? 0)
        const stays = this.#stays.filter((one) => one.person === who)
        expect(
          stays.some(({ fromMs, toMs }) => fromMs <= atMs && atMs <= toMs),
          `${who} is there at ${atMs}`,
        ).toBe(true)
      }
    }
  }

  /** Of those who have waited all the time for the same team, nobody who came later is given to anybody first. */
  #nobodyIsPassedOver(changes: readonly Change[]): void {
    for (const { before, waited, after, given } of this.#moments(changes)) {
      for (const { conversation } of given) {
        const was = before.get(conversation)
        if (was?.kind !== 'queue' || TEAMS[was.team ?? '']?.answerWithin !== undefined) continue
        const mine = waited.get(conversation) ?? 0
        const passed = [...before].filter(
          ([id, other]) =>
            other.kind === 'queue' &&
            other.team === was.team &&
            after.get(id) === other &&
            (waited.get(id) ?? 0) < mine,
        )
        expect(passed, `before ${conversation}`).toEqual([])
      }
    }
  }

  /** Everything accepted is done, and whoever could be given to somebody is. */
  async #nobodyIsForgotten(): Promise<void> {
    const { read } = this.bot.runtime.engine
    const undone = read.selectFrom('entry').select('id').where('kind', '=', 'in').where('done_at', 'is', null)
    expect(await undone.execute()).toEqual([])
    const open = await this.#openOnes()
    const load = (who: string) => open.filter(({ person }) => person === who).length
    for (const { id, state, team } of open) {
      if (state !== 'queued') continue
      const serving = servers(team ?? '').find((name) => TEAMS[name]?.members.some((one) => this.#there.has(one)))
      const there = (TEAMS[serving ?? '']?.members ?? []).filter((one) => this.#there.has(one))
      // Whoever has not answered is given it again only when nobody else is there, who did so longest ago first.
      const { passedBy = [] } = this.#floor?.book.get(id) ?? {}
      const others = there.filter((one) => !passedBy.includes(one))
      const [again] = there.toSorted((a, b) => passedBy.lastIndexOf(a) - passedBy.lastIndexOf(b))
      const free = (others.length > 0 ? others : again === undefined ? [] : [again]).filter(
        (one) => load(one) < (PEOPLE[one]?.capacity ?? 0),
      )
      expect(free, `${id} waits for ${team}`).toEqual([])
    }
  }

  async #toldOnce(changes: readonly Change[]): Promise<void> {
    const { read } = this.bot.runtime.engine
    const out = await read.selectFrom('entry').selectAll().where('kind', '=', 'out').orderBy('id').execute()
    for (const { conversation, cause, lease } of changes.filter(({ cause }) => cause.startsWith('gone:'))) {
      const told = out.filter(({ answers }) => answers === `gone-told:${conversation}:${lease - 1}`)
      expect(told, cause).toHaveLength(1)
    }
    const sent = [...this.#sent, ...this.#channel.sent.map(({ id }) => id)]
    expect(new Set(sent).size, 'nothing is sent twice').toBe(sent.length)
    // In one wait, a place is told once, and never a worse one.
    const places = Map.groupBy(
      out.filter(({ answers }) => answers?.startsWith('place:')),
      ({ answers }) => answers?.split(':').slice(0, 3).join(':'),
    )
    for (const [which, some] of places) {
      const told = some.map(({ answers }) => Number(answers?.split(':')[3]))
      expect(told, which).toEqual([...new Set(told)].toSorted((a, b) => b - a))
    }
  }

  /** Everybody comes, and ends what they have, until nobody waits. */
  async finish(): Promise<void> {
    for (const who of PERSONS) await this.comes(who)
    for (let round = 0; ; round++) {
      await this.bot.idle()
      const open = await this.#openOnes()
      if (open.length === 0) return
      expect(round, 'somebody waits, and nobody is given anything').toBeLessThan(40)
      await Promise.all(open.map((_, which) => this.#do({ does: 'closes', which }, open)))
      await this.bot.advance(1)
    }
  }
}

/** While somebody waits, nobody has them. */
function meaning({ assignedAtMs, isAnswered, ...about }: Case) {
  return about.person === undefined ? about : { ...about, assignedAtMs, isAnswered }
}

function isGivenByDesk({ type, by }: Change): boolean {
  return type === 'assigned' && by.kind === 'desk'
}

/** The team, and whoever helps it out, by the words of the YAML. */
function servers(team: string): readonly string[] {
  const { overflow } = TEAMS[team] ?? {}
  return overflow === undefined ? [team] : [team, overflow]
}

test(
  'whenever it is killed, a desk goes on: nobody has too many, is forgotten, passed over, in two places, or told twice',
  async () => {
    const sum = { days: 0, kills: 0, assignments: 0 }
    const oneDay = fc.asyncProperty(fc.array(step, { minLength: 16, maxLength: 24, size: 'max' }), async (steps) => {
      const day = new Day()
      try {
        await day.start()
        for (const who of ['bo', 'cy', 'dan']) await day.comes(who)
        for (const one of steps) await day.step(one)
        await day.finish()
      } finally {
        await day.end()
        sum.days += 1
        sum.kills += day.kills
        sum.assignments += day.assignments
      }
    })
    await fc.assert(oneDay, {
      numRuns: DAYS,
      examples: FOUND.map((steps) => [steps]),
      seed: process.env.LONG ? Date.now() : 20260101,
      endOnFailure: !process.env.LONG,
    })
    expect(sum.kills).toBeGreaterThan(DAYS)
    expect(sum.assignments).toBeGreaterThan(DAYS)
    if (process.env.LONG) reportLong('days of a desk', sum)
  },
  process.env.LONG ? 1_800_000 : 120_000,
)
