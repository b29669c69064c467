/** What `switchboard explain agent` tells: who is given what, or why nothing. */
import type { Explained } from '#core'
import { membersOf, type Settings, type TeamSettings } from './config.ts'

export function explain({ people, teams }: Settings): Explained {
  const agent = Object.entries(people).flatMap(([name, person]) => {
    const about = { agent: name, name: person.name, 'at once': String(person.capacity) }
    const own = Object.entries(teams).filter(([, team]) => membersOf(team, people).includes(name))
    if (own.length === 0) {
      const why = 'nothing: in no team. Add them to the members of one.'
      return [{ ...about, team: '', gets: why, 'team is': '', hours: '' }]
    }
    return own.map(([team, settings]) => ({
      ...about,
      team,
      gets: gets(settings),
      'team is': settings.state,
      hours: settings.hours ? 'its own' : 'always',
    }))
  })
  return { agent }
}

function gets({ sources, assign, state }: TeamSettings): string {
  if (state === 'closed') return 'nothing new: the team is closed'
  const from = sources?.map((source) => (typeof source === 'string' ? source : `${source.channel} (${source.entry})`))
  const what = from ? from.join(', ') : 'every channel'
  return assign === 'by-hand' ? `${what}, by taking it` : what
}
