/** The desk as it is now, in the shapes of the API: people, teams, statuses, channels. */
import type { Kysely } from 'kysely'
import type { Clock, JournalTables } from '#core'
import { channelsOf, membersOf, type Settings } from '../config.ts'
import type { PersonNow, Roster } from '../people/roster.ts'
import { summaryFields } from '../summary.ts'
import { byActor } from './said.ts'
import type { Now, Person, Reason } from './shapes.ts'

export interface DeskNow {
  now(): Promise<Now>
  /** What colleagues see of a person; `undefined`: the YAML has nobody of this name. */
  titleOf(person: string): string | undefined
  /** The name of a channel by its account, which stands for one that is gone. */
  channelOf(account: string): string
  accountOf(channel: string): string | undefined
  /** The accounts of all channels that these teams take. */
  accountsOf(teams: readonly string[]): readonly string[]
}

export function makeDeskNow(of: {
  readonly desk: string
  readonly settings: Settings
  readonly hasBlacklist: boolean
  readonly timeZone: string
  readonly roster: Roster
  readonly journal: Kysely<JournalTables>
  readonly clock: Clock
  channels(): readonly { readonly name: string; readonly account: string }[]
}): DeskNow {
  const { desk, settings, roster, journal, clock, channels } = of
  const { people, teams } = settings

  const titleOf = (person: string) => (Object.hasOwn(people, person) ? people[person]?.name : undefined)

  function personOf(now: PersonNow): Person {
    const { name, title, isConnected, teams, load, capacity, lastReplyAtMs, mayChat, reminder } = now
    const { by, ...status } = now.status
    const role = Object.hasOwn(people, name) ? (people[name]?.role ?? 'agent') : 'agent'
    const why: true | Reason = mayChat === true ? true : reasonOf(mayChat)
    return {
      ...{ name, title, role, isConnected, teams: [...teams], load, capacity, mayChat: why },
      status: { ...status, ...(by.kind !== 'core' && { by: byActor(by, titleOf) }) },
      ...(lastReplyAtMs !== undefined && { lastReplyAtMs }),
      ...(reminder && { reminder }),
    }
  }

  async function waitingIn(): Promise<ReadonlyMap<string | null, number>> {
    const rows = await journal
      .selectFrom('conversation')
      .select(['team', (select) => select.fn.countAll<number>().as('n')])
      .where('state', '=', 'queued')
      .where('desk', '=', desk)
      .groupBy('team')
      .execute()
    return new Map(rows.map(({ team, n }) => [team, n]))
  }

  return {
    async now() {
      const waiting = await waitingIn()
      return {
        people: roster.all().map(personOf),
        teams: Object.entries(teams).map(([name, team]) => {
          const sources = channelsOf(team)
          return {
            name,
            members: [...membersOf(team, people)],
            ...(sources && { sources: [...sources] }),
            isOpen: team.state === 'open' && (team.hours?.isOpen(clock.now()) ?? true),
            waiting: waiting.get(name) ?? 0,
          }
        }),
        statuses: roster.statuses.map(({ name, title, isForChats }) => ({ name, title, isForChats })),
        channels: channels().map(({ name }) => name),
        timeZone: of.timeZone,
        customers: {
          isForAgents: settings.customers.forAgents,
          fields: Object.entries(settings.customers.fields).map(([name, field]) => ({ name, title: field.name })),
          hasBlacklist: of.hasBlacklist,
        },
        summary: [...summaryFields(settings)],
      }
    },
    titleOf,
    channelOf: (account) => channels().find((channel) => channel.account === account)?.name ?? account,
    accountOf: (channel) => channels().find(({ name }) => name === channel)?.account,
    accountsOf(names) {
      const taken = names.flatMap((name) => {
        const team = Object.hasOwn(teams, name) ? teams[name] : undefined
        return team ? [channelsOf(team)] : []
      })
      return channels()
        .filter(({ name }) => taken.some((sources) => sources?.includes(name) ?? true))
        .map(({ account }) => account)
    },
  }
}

function reasonOf({ because, ...params }: Exclude<PersonNow['mayChat'], true>): Reason {
  return { code: because, ...(Object.keys(params).length > 0 && { params }) }
}
