import type { Capabilities, Explained } from '#core'
import { usesOf } from './assigned.ts'
import { type Settings, textsOf } from './settings.ts'

/** Every identity: to whom it is assigned, and where they are seen under it. */
export function explain(settings: Settings, channels: { readonly [name: string]: Capabilities }): Explained {
  const uses = usesOf(settings, Object.keys(channels))
  const where = (channel: string, hidden: string | undefined) => {
    const capabilities = channels[channel]
    if (!capabilities) return `not on ${channel} (it does not run, or for: leaves it out)`
    if (hidden !== undefined) return `not on ${channel} (${hidden})`
    return capabilities.showsIdentity === 'none' ? `${channel} (in front of the text)` : channel
  }
  return {
    identities: Object.entries(settings.identities).map(([identity, { name }]) => {
      const own = uses.filter((use) => use.identity === identity)
      const seen = own.filter(({ hidden }) => hidden === undefined).map(({ channel }) => channel)
      // Where one of those to whom it is assigned is seen under it, it is seen.
      const told = own.filter(({ channel, hidden }) => hidden === undefined || !seen.includes(channel))
      return {
        identity,
        name: textsOf(name)
          .map(([, text]) => text)
          .join(' / '),
        'assigned to': unique(own.map(({ by }) => by)) || 'unassigned',
        'seen on': unique(told.map(({ channel, hidden }) => where(channel, hidden))),
      }
    }),
  }
}

function unique(texts: readonly string[]): string {
  return [...new Set(texts)].join(', ')
}
