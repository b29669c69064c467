import { defineDesk, hours, refers, z } from '#core'

const Person = z.strictObject({
  name: z.string().min(1).describe('What colleagues see.'),
  capacity: z.int().min(1).default(5).describe('How many conversations at once.'),
})

const Team = z.strictObject({
  members: z.array(refers('person')).min(1).describe('Who works in it.'),
  sources: z.array(refers('channel')).min(1).optional().describe('The channels it takes. Left out: every one.'),
  hours: hours().optional().describe('When it is there. Left out: always.'),
})

export default defineDesk({
  name: 'desk',
  summary: 'Where our own agents work: people, teams, and the queue that customers wait in.',
  config: z.strictObject({
    people: z.record(z.string(), Person).describe('The agents, by the name that the YAML calls them.'),
    teams: z.record(z.string(), Team).describe('Agents who share work.'),
  }),
  names: ({ people, teams }) => ({
    people: Object.keys(people),
    teams: Object.keys(teams),
    sources: Object.fromEntries(
      Object.entries(teams).flatMap(([name, { sources }]) => (sources ? [[name, sources]] : [])),
    ),
  }),
  setup: ({ config, clock, feed }) => {
    const items = feed('items')
    return {
      where({ channel, to }) {
        const open = Object.entries(config.teams).filter(([, { hours }]) => hours?.isOpen(clock.now()) ?? true)
        const [team] =
          open.find(
            ([name, { sources }]) => to?.team === name || (!to?.team && (sources?.includes(channel) ?? true)),
          ) ?? []
        return team === undefined ? 'nobody' : { team }
      },
      async deliver(item, { id }) {
        await items.publish({ id, item: JSON.parse(JSON.stringify(item)) })
      },
    }
  },
})
