import { defineDesk, hours, localized, refers, z } from '#core'

export default defineDesk({
  name: 'office',
  summary: 'People and teams, and nobody at work.',
  config: z.strictObject({
    people: z.record(
      z.string(),
      z.strictObject({ name: localized(), capacity: z.int().min(1).max(50).default(5).describe('Chats at once.') }),
    ),
    teams: z.record(
      z.string(),
      z.strictObject({
        members: z.array(refers('person')).min(1),
        sources: z.array(refers('channel')).min(1).optional(),
        hours: hours().optional(),
      }),
    ),
  }),
  names: ({ people, teams }) => ({
    people: Object.keys(people),
    teams: Object.keys(teams),
    sources: Object.fromEntries(
      Object.entries(teams).flatMap(([name, { sources }]) => (sources ? [[name, sources]] : [])),
    ),
  }),
  setup: () => ({ where: () => 'nobody', deliver: async () => {} }),
})
