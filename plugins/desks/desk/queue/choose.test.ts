import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Settings } from '../config.ts'
import { type Case, isBefore, makeBook } from './book.ts'
import { chooseNext, makeTeams } from './choose.ts'

const PERSONS = ['amy', 'bo', 'cy', 'dan'] as const
const QUEUES = ['sales', 'help', 'night'] as const
const SETTINGS = Settings.parse({
  people: {
    amy: { name: 'Amy', capacity: 1, mayServe: ['shop'] },
    bo: { name: 'Bo', capacity: 2 },
    cy: { name: 'Cy', capacity: 3, mayServe: ['site'] },
    dan: { name: 'Dan', capacity: 2 },
  },
  teams: {
    sales: { members: ['amy', 'bo'], overflow: 'night' },
    help: { members: ['bo', 'cy'], priority: 1, assign: 'round-robin' },
    night: { members: ['dan'] },
  },
})

const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constant('asks' as const),
      queue: fc.constantFrom(...QUEUES),
      channel: fc.constantFrom('site', 'shop'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('closes' as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('passes' as const), which: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('moves' as const), person: fc.constantFrom(...PERSONS) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('opens' as const), queue: fc.constantFrom(...QUEUES) }) },
  { weight: 1, arbitrary: fc.constant({ does: 'restarts' as const }) },
)

/** Everything that can happen at a desk, with the queue filled after each step as the desk fills it. */
function world() {
  const teams = makeTeams(SETTINGS)
  let book = makeBook(({ team }) => team ?? 'sales')
  const there = new Set<string>()
  const closed = new Set<string>()
  const given = new Map<string, number>()
  let nowMs = 0
  let count = 0
  const hands = {
    mayChat: (person: string) => there.has(person),
    isOpen: (team: string) => !closed.has(team),
    load: (person: string) => book.load(person),
    lastGiven: (person: string) => given.get(person) ?? 0,
  }
  const choosing = () => ({ settings: SETTINGS, teams, book, hands })
  const capacity = (person: string) => SETTINGS.people[person]?.capacity ?? 0
  const mayServe = (person: string, of: Case) => SETTINGS.people[person]?.mayServe?.includes(of.channel) ?? true
  /** Who could be given it now, by the words of the README rather than by the code. */
  const couldTake = (queue: string, of: Case) => {
    const own = teams.members(queue)
    const helpers = queue === 'sales' && !closed.has('night') ? teams.members('night') : []
    const isServing = (person: string) => there.has(person) && mayServe(person, of)
    const serving = own.some(isServing) ? own : helpers
    return serving.filter((person) => isServing(person) && book.load(person) < capacity(person))
  }
  const fill = () => {
    for (let next = chooseNext(choosing(), () => false); next; next = chooseNext(choosing(), () => false)) {
      const { of, person } = next
      expect(of.person).toBeUndefined()
      expect(couldTake(of.team ?? '', of)).toContain(person)
      // Of a higher priority, or of the same and waiting longer, nobody could have been given to the same person.
      const priority = (queue: string) => teams.get(queue)?.priority ?? 0
      for (const queue of QUEUES) {
        const isMore = priority(queue) > priority(of.team ?? '')
        if (!isMore && priority(queue) < priority(of.team ?? '')) continue
        for (const other of book.waiting(queue).filter((one) => isMore || isBefore(one, of)))
          expect(other.passedBy.includes(person) || !couldTake(queue, other).includes(person)).toBe(true)
      }
      given.set(person, ++count)
      book.set({ ...of, person, lease: of.lease + 1 })
      expect(book.load(person)).toBeLessThanOrEqual(capacity(person))
    }
    // Everybody who could be given to somebody has been.
    for (const queue of QUEUES) {
      for (const of of book.waiting(queue)) {
        const could = couldTake(queue, of)
        expect(could.filter((person) => !of.passedBy.includes(person))).toEqual([])
      }
    }
  }
  const nth = (which: number) => [...book.all()].filter(({ person }) => person !== undefined)[which]
  return {
    run(one: typeof step extends fc.Arbitrary<infer S> ? S : never) {
      nowMs += 1
      if (one.does === 'asks') {
        const about = {
          chat: '',
          person: undefined,
          lease: 1,
          origin: 'customer',
          last: undefined,
          isCounted: false,
        } as const
        const times = { waitsSinceMs: nowMs, queuedAtMs: nowMs, assignedAtMs: 0, isAnswered: false, passedBy: [] }
        book.set({ id: `c${nowMs}`, channel: one.channel, team: one.queue, ...about, ...times })
      } else if (one.does === 'closes') book.remove(nth(one.which)?.id ?? '')
      else if (one.does === 'passes') {
        const of = nth(one.which)
        if (of?.person)
          book.set({ ...of, person: undefined, lease: of.lease + 1, passedBy: [...of.passedBy, of.person] })
      } else if (one.does === 'moves') {
        if (!there.delete(one.person)) there.add(one.person)
      } else if (one.does === 'opens') {
        if (!closed.delete(one.queue)) closed.add(one.queue)
      } else {
        const all = [...book.all()]
        book = makeBook(({ team }) => team ?? 'sales')
        given.clear()
        for (const of of all) book.set(of)
      }
      fill()
    },
    /** Everybody comes, and whoever has one ends it, until nobody waits. */
    finish() {
      for (const person of PERSONS) there.add(person)
      for (let round = 0; round < 1_000 && [...book.all()].length > 0; round++) {
        fill()
        const [first] = [...book.all()].filter(({ person }) => person !== undefined)
        expect(first, 'somebody waits, and nobody is given anything').toBeDefined()
        if (first) book.remove(first.id)
      }
      expect([...book.all()]).toEqual([])
    },
  }
}

test('nobody is forgotten, nobody has more than they can, nobody who is away is given anything, and who waits longest is first', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const desk = world()
      for (const one of steps) desk.run(one)
      desk.finish()
    }),
    { numRuns: 300 },
  )
})
