import { defineDesk, optional, tables } from '#core'
import { blacklist } from '../../services/blacklist.ts'
import { staff } from '../../services/staff.ts'
import { invite } from './access/accounts.ts'
import { ACCESS_MIGRATIONS, type AccessTables } from './access/tables.ts'
import { serveApi } from './api/api.ts'
import { channelsOf, Settings } from './config.ts'
import { servePages } from './pages.ts'
import { makeRoster } from './people/roster.ts'
import { type PersonRow, TABLES } from './people/tables.ts'

export default defineDesk({
  name: 'desk',
  summary: 'Where our own agents work: people, teams, and the queue that customers wait in.',
  config: Settings,
  needs: { blacklist: optional(blacklist) },
  provides: { staff },
  tables: tables<{ person: PersonRow } & AccessTables>({ ...TABLES.migrations, ...ACCESS_MIGRATIONS }),
  names: ({ people, teams }) => ({
    people: Object.keys(people),
    teams: Object.keys(teams),
    sources: Object.fromEntries(
      Object.entries(teams).flatMap(([name, team]) => {
        const channels = channelsOf(team)
        return channels ? [[name, [...channels]]] : []
      }),
    ),
  }),
  invite,
  async setup(context) {
    const { config, clock, feed, log, sql } = context
    const items = feed('items')
    const roster = makeRoster({
      settings: config,
      clock,
      log,
      load: () => 0,
      keep: async () => {},
      gone: () => {},
    })
    context.onDispose(roster.stop)
    const served = await serveApi(context, {
      settings: config,
      roster,
      sql: sql.$pickTables<'session' | 'token' | 'reading'>(),
      blacklist: context.blacklist,
    })
    await servePages(context.web, context.name, log)
    return {
      services: { staff: served.staff },
      async started() {
        roster.begin(new Map())
        await served.started()
      },
      where({ channel, to }) {
        const open = Object.entries(config.teams).filter(([, { hours }]) => hours?.isOpen(clock.now()) ?? true)
        const [team] =
          open.find(
            ([name, team]) => to?.team === name || (!to?.team && (channelsOf(team)?.includes(channel) ?? true)),
          ) ?? []
        return team === undefined ? 'nobody' : { team }
      },
      // Only what somebody listens to stands in the chat.
      events: {
        'conversation.opened': () => undefined,
        'conversation.queued': () => undefined,
        'conversation.assigned': () => undefined,
        'conversation.returned': () => undefined,
        'conversation.closed': () => undefined,
      },
      async deliver(item, { id }) {
        await items.publish({ id, item: JSON.parse(JSON.stringify(item)) })
      },
    }
  },
})
