import { definePlugin } from '#core'
import { type Identities, identities } from '../../services/identities.ts'
import { isSeenOn, seenAs } from './assigned.ts'
import { openAvatars, TABLES } from './avatars.ts'
import { check } from './check.ts'
import { explain } from './explain.ts'
import { Settings } from './settings.ts'

export default definePlugin({
  name: 'agent-identity',
  summary: 'Decides under which name and face people and bots are seen.',
  config: Settings,
  provides: { identities },
  tables: TABLES,
  identities: ({ identities }) => Object.keys(identities),
  check,
  explain,
  async setup(context) {
    const { config } = context
    const avatars = await openAvatars(context, config)
    const known = new Map(
      Object.entries(config.identities).map(([id, { name, line2 }]) => [
        id,
        { id, name, line2, avatarUrl: avatars.urlOf(id) },
      ]),
    )
    const identityOf: Identities['seenAs'] = (by, on) => known.get(seenAs(config, by, on) ?? '')

    return {
      services: {
        identities: {
          list: (channel) => [...known.values()].map((one) => ({ ...one, isSeen: isSeenOn(config, one.id, channel) })),
          seenAs: identityOf,
          avatar: avatars.copyOf,
          portrait: avatars.portraitOf,
        },
      },
      outbound: {
        rewrite({ by, channel, conversation }, next) {
          const owner = conversation?.owner
          const team = owner?.kind === 'agent' ? owner.team : undefined
          const identity = identityOf(by, { channel: channel.name, team })
          return identity ? next({ identity }) : next()
        },
      },
    }
  },
})
