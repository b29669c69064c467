/** Who is given which conversation next: a pure decision over who waits and who is there. */
import { mayServe, membersOf, type Settings, type TeamSettings } from '../config.ts'
import { type Book, type Case, isBefore } from './book.ts'

/** Who is there when it is decided, and which teams are open. */
export interface There {
  /** Whether they may be given conversations now, however many they have. */
  mayChat(person: string): boolean
  /** Whether a team takes anything new now. */
  isOpen(team: string): boolean
}

/** … and what they have. */
export interface Hands extends There {
  /** How many they have, those counted that are on their way to them. */
  load(person: string): number
  /** When they were last given one, as a number that rises. */
  lastGiven(person: string): number
}

export interface Choice {
  readonly of: Case
  readonly person: string
  /** The team in which they are given it. */
  readonly team: string
  /** Why they, in words: `least busy of presale`. */
  readonly because: string
}

/** What of the settings is asked again and again. */
export interface Teams {
  get(team: string): TeamSettings | undefined
  members(team: string): readonly string[]
  /** The team, and whoever helps it out, in this order. */
  helpers(team: string): readonly string[]
}

export function makeTeams({ teams, people }: Pick<Settings, 'teams' | 'people'>): Teams {
  const members = new Map(Object.entries(teams).map(([name, team]) => [name, membersOf(team, people)]))
  return {
    get: (team) => teams[team],
    members: (team) => members.get(team) ?? [],
    helpers(team) {
      const chain: string[] = []
      for (
        let next: string | undefined = team;
        next !== undefined && !chain.includes(next);
        next = teams[next]?.overflow
      )
        chain.push(next)
      return chain
    },
  }
}

/**
 * The next conversation that somebody can be given: of the highest priority whoever waits longest, passing over those
 * whom nobody free may serve. `skip`: those that are on their way to somebody.
 */
export function chooseNext(
  given: { readonly settings: Settings; readonly teams: Teams; readonly book: Book; readonly hands: Hands },
  skip: (of: Case) => boolean,
): Choice | undefined {
  const { teams, book } = given
  let best: (Choice & { readonly priority: number }) | undefined
  for (const queue of book.waitedFor()) {
    const { assign, priority = 0 } = teams.get(queue) ?? {}
    if (assign === 'by-hand' || !hasRoom(given, queue)) continue
    for (const of of book.waiting(queue)) {
      if (best && !comesBefore({ of, priority }, best)) break
      const choice = skip(of) ? undefined : choosePerson(given, queue, of)
      if (!choice) continue
      best = { ...choice, of, priority }
      break
    }
  }
  return best
}

interface Waiting {
  readonly of: Case
  readonly priority: number
}

function comesBefore(a: Waiting, b: Waiting): boolean {
  return a.priority === b.priority ? isBefore(a.of, b.of) : a.priority > b.priority
}

type Given = Parameters<typeof chooseNext>[0]

/** How many could be given away at once of those who wait for a team. */
export function roomOf(given: Given, queue: string): number {
  const { settings, teams, hands } = given
  if (teams.get(queue)?.assign === 'by-hand') return 0
  const members = teams.members(servingTeam(given, queue) ?? '').filter((person) => hands.mayChat(person))
  const free = members.map((person) => Math.max(0, (settings.people[person]?.capacity ?? 0) - hands.load(person)))
  return free.reduce((sum, one) => sum + one, 0)
}

/** Whether anybody of the team, or of whoever may help it out, could be given one more. */
function hasRoom(given: Given, queue: string): boolean {
  return given.teams.helpers(queue).some((team) => given.teams.members(team).some((person) => isFree(given, person)))
}

/**
 * The team itself, or while nobody of it is there whoever helps it out; only those count who may serve the channel, if
 * one is named. What waits for a team that is closed by now is still its own; others help out only while they are open.
 */
export function servingTeam(
  {
    settings,
    teams,
    hands,
  }: { readonly settings: Pick<Settings, 'people'>; readonly teams: Teams; readonly hands: There },
  queue: string,
  channel?: string,
): string | undefined {
  const isServing = (person: string) =>
    hands.mayChat(person) && (channel === undefined || mayServe(settings.people[person], channel))
  return teams
    .helpers(queue)
    .find((team) => (team === queue || hands.isOpen(team)) && teams.members(team).some(isServing))
}

export function isFree({ settings, hands }: Pick<Given, 'settings' | 'hands'>, person: string): boolean {
  return hands.mayChat(person) && hands.load(person) < (settings.people[person]?.capacity ?? 0)
}

/** Who is given this one: the agent whom the customer knows, else by the rule of the team. */
function choosePerson(given: Given, queue: string, of: Case): Omit<Choice, 'of'> | undefined {
  const team = servingTeam(given, queue, of.channel)
  if (team === undefined) return undefined
  const { hands, teams } = given
  const free = candidates(given, team, of).filter((person) => isFree(given, person))
  const known = free.find((person) => person === of.last)
  if (known !== undefined) return { person: known, team, because: `had the customer before, in ${team}` }
  const isInTurn = teams.get(team)?.assign === 'round-robin'
  const load = (person: string) => (isInTurn ? 0 : hands.load(person))
  const [first] = free.toSorted((a, b) => load(a) - load(b) || hands.lastGiven(a) - hands.lastGiven(b))
  if (first === undefined) return undefined
  return { person: first, team, because: isInTurn ? `next in turn of ${team}` : `least busy of ${team}` }
}

/**
 * Who of a team may serve a conversation now, busy or not. Who has let it pass comes into question again only when
 * nobody else does: the one who did so longest ago.
 */
export function candidates({ settings, teams, hands }: Given, team: string, of: Case): readonly string[] {
  const may = teams
    .members(team)
    .filter((person) => hands.mayChat(person) && mayServe(settings.people[person], of.channel))
  const others = may.filter((person) => !of.passedBy.includes(person))
  if (others.length > 0) return others
  return may.toSorted((a, b) => of.passedBy.lastIndexOf(a) - of.passedBy.lastIndexOf(b)).slice(0, 1)
}
