/** What can be wrong with people and teams beyond their shape. */
import type { Capabilities, ConfigProblem } from '#core'
import { channelsOf, mayServe, membersOf, type Settings, type TeamSettings } from './config.ts'
import { makeTeams } from './queue/choose.ts'

export function check(
  settings: Settings,
  channels: { readonly [name: string]: Capabilities },
): readonly ConfigProblem[] {
  const teams = Object.entries(settings.teams)
  return [
    ...teams.flatMap(([name, team]) => wrongMembers(settings, name, team)),
    ...teams.flatMap(([name, team]) => mayNotServe(settings, { name, team, channels: Object.keys(channels) })),
    ...teams.flatMap(([name, team]) => mayNotHelp(settings, { name, team, channels: Object.keys(channels) })),
    ...teams.flatMap(([name]) => overflowCircle(settings, name)),
    ...teams.flatMap(([name], index) => hiddenTeam(settings, name, teams.slice(0, index))),
    ...Object.keys(settings.people).flatMap((person) => ofNoTeam(settings, person)),
    ...Object.keys(settings.summary).flatMap((field) => wrongDefault(settings, field)),
  ]
}

function wrongMembers({ people }: Settings, name: string, team: TeamSettings): readonly ConfigProblem[] {
  const path = ['teams', name]
  if (team.members && team.skills) {
    const message = `${name} has members and skills, and who works in it can only come from one of them.`
    const instead = 'Keep members to name them, or skills for all who have these.'
    return [{ path: [...path, 'skills'], message, instead }]
  }
  if (!team.members && !team.skills) {
    return [{ path, message: `nobody works in ${name}.`, instead: 'Write  members: […]  or  skills: […]' }]
  }
  if (membersOf(team, people).length > 0) return []
  const message = `nobody has ${(team.skills ?? []).join(' and ')}, so nobody works in ${name}.`
  return [{ path: [...path, 'skills'], message, instead: 'Give somebody these skills under people.' }]
}

interface Taking {
  readonly name: string
  readonly team: TeamSettings
  /** All that there are. */
  readonly channels: readonly string[]
}

/** C-GR-04: a member who is not granted the channel would never get what the team is there for. */
function mayNotServe({ people }: Settings, { name, team, channels }: Taking): readonly ConfigProblem[] {
  const sources = channelsOf(team) ?? channels
  return membersOf(team, people).flatMap((person, index): readonly ConfigProblem[] => {
    const refused = sources.filter((channel) => !mayServe(people[person], channel))
    if (refused.length === 0) return []
    const message = `${person} may not serve ${refused.join(' and ')}, which ${name} takes.`
    const instead = `Add ${refused.join(', ')} to people.${person}.mayServe, or take ${person} out of ${name}.`
    const place = team.members ? ['members', index] : ['skills']
    return [{ path: ['teams', name, ...place], message, instead }]
  })
}

/** One of those who help out is enough for each channel. */
function mayNotHelp(settings: Settings, { name, team, channels }: Taking): readonly ConfigProblem[] {
  const { people } = settings
  const teams = makeTeams(settings)
  const [, ...helping] = teams.helpers(name)
  const helpers = helping.flatMap(teams.members)
  const refused = (channelsOf(team) ?? channels).filter(
    (channel) => helpers.length > 0 && !helpers.some((person) => mayServe(people[person], channel)),
  )
  if (refused.length === 0) return []
  const message = `nobody of ${helping.join(' and ')} may serve ${refused.join(' and ')}, which ${name} takes.`
  const instead = `Add ${refused.join(', ')} to the mayServe of one of them, or name another team.`
  return [{ path: ['teams', name, 'overflow'], message, instead }]
}

/** Told at the first of those in it. */
function overflowCircle({ teams }: Settings, name: string): readonly ConfigProblem[] {
  const chain = [name]
  for (let next = teams[name]?.overflow; next !== undefined; next = teams[next]?.overflow) {
    if (next === name) {
      const isFirst = Object.keys(teams).find((one) => chain.includes(one)) === name
      const message = `these teams help each other out in a circle: ${[...chain, name].join(' → ')}.`
      return isFirst ? [{ path: ['teams', name, 'overflow'], message, instead: 'Take one of them out.' }] : []
    }
    if (chain.includes(next)) return []
    chain.push(next)
  }
  return []
}

/** C-GR-07: the first team that takes a channel wins. */
function hiddenTeam(
  { teams }: Settings,
  name: string,
  before: readonly (readonly [string, TeamSettings])[],
): readonly ConfigProblem[] {
  const team = teams[name]
  const isOverflow = Object.values(teams).some(({ overflow }) => overflow === name)
  const always = before.filter(([, { hours, state }]) => !hours && state === 'open')
  const hides = always.find(([, other]) => team && takesAllOf(other, team))
  if (!hides || isOverflow) return []
  const message = `${name} gets nothing by itself: ${hides[0]} stands before it and takes all that it takes.`
  const instead = `Write it before ${hides[0]}, give it sources of its own, or name it in a route's team.`
  return [{ path: ['teams', name], message, instead, isNote: true }]
}

function takesAllOf(first: TeamSettings, second: TeamSettings): boolean {
  if (!first.sources) return true
  return (
    second.sources?.every((source) => {
      const { channel, entry } = typeof source === 'string' ? { channel: source, entry: undefined } : source
      return first.sources?.some((one) =>
        typeof one === 'string' ? one === channel : one.channel === channel && one.entry === entry,
      )
    }) ?? false
  )
}

function wrongDefault({ summary }: Settings, field: string): readonly ConfigProblem[] {
  const { options, default: otherwise } = summary[field] ?? {}
  if (!options || otherwise === undefined || Object.hasOwn(options, otherwise)) return []
  const message = `${field} has no option "${otherwise}".`
  return [{ path: ['summary', field, 'default'], message, instead: `Write one of ${Object.keys(options).join(', ')}.` }]
}

function ofNoTeam({ teams, people }: Settings, person: string): readonly ConfigProblem[] {
  if (Object.values(teams).some((team) => membersOf(team, people).includes(person))) return []
  const message = `${person} is in no team, so nothing comes to them.`
  return [{ path: ['people', person], message, instead: 'Add them to the members of one.', isNote: true }]
}
