import { defineDesk, optional, tables } from '#core'
import { blacklist } from '../../services/blacklist.ts'
import { presence } from '../../services/presence.ts'
import { ratings } from '../../services/ratings.ts'
import { staff } from '../../services/staff.ts'
import { invite } from './access/accounts.ts'
import { ACCESS_MIGRATIONS, type AccessTables } from './access/tables.ts'
import { serveApi } from './api/api.ts'
import { check } from './check.ts'
import { channelsOf, Settings } from './config.ts'
import { explain } from './explain.ts'
import { servePages } from './pages.ts'
import { type PersonRow, TABLES } from './people/tables.ts'
import { openFloor } from './queue/floor.ts'
import { memory } from './queue/memory.ts'
import { REPLY_MIGRATIONS, type ReplyTables } from './replies/tables.ts'
import { openStatistics } from './statistics/statistics.ts'
import { STATISTICS_MIGRATIONS, type StatisticsTables } from './statistics/tables.ts'

export default defineDesk({
  name: 'desk',
  summary: 'Where our own agents work: people, teams, and the queue that customers wait in.',
  config: Settings,
  state: memory,
  needs: { blacklist: optional(blacklist), ratings: optional(ratings) },
  provides: { staff, presence },
  tables: tables<{ person: PersonRow } & AccessTables & ReplyTables & StatisticsTables>({
    ...TABLES.migrations,
    ...ACCESS_MIGRATIONS,
    ...REPLY_MIGRATIONS,
    ...STATISTICS_MIGRATIONS,
  }),
  names: ({ people, teams }) => ({
    people: Object.keys(people),
    teams: Object.keys(teams),
    sources: Object.fromEntries(
      Object.entries(teams).flatMap(([name, team]) => {
        const channels = channelsOf(team)
        return channels ? [[name, channels]] : []
      }),
    ),
  }),
  check,
  explain,
  invite,
  async setup(context) {
    const floor = openFloor(context, context.sql.$pickTables<'person'>())
    await floor.know()
    const counting = openStatistics(context, {
      sql: context.sql.$pickTables<'moment' | 'attendance'>(),
      roster: floor.roster,
    })
    const served = await serveApi(context, {
      settings: context.config,
      floor,
      sql: context.sql.$pickTables<'session' | 'token' | 'reading' | 'reply'>(),
      blacklist: context.blacklist,
      ratings: context.ratings,
      counting,
    })
    await servePages(context.web, context.name, context.log)
    return {
      services: { staff: served.staff, presence: floor.presence },
      async started() {
        await floor.begin()
        counting.begin()
        await served.started()
      },
      where: floor.where,
      async erase({ chats }) {
        const ids = chats.map(({ id }) => id)
        await context.sql.deleteFrom('reading').where('chat', 'in', ids).execute()
      },
      attend: floor.attend,
      inbound: { intercept: floor.intercept },
      events: floor.events,
      // All else stands in the journal, where screens read it.
      async deliver({ type, conversation }) {
        if (type === 'closed') floor.closed(conversation)
      },
    }
  },
})
