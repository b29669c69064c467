import type { Capabilities, Explained } from '#core'
import { usesOf } from './assigned.ts'
import { type Settings, textsOf } from './settings.ts'

/** Every identity: who is seen under it, and where. */
export function explain(settings: Settings, channels: { readonly [name: string]: Capabilities }): Explained {
  const uses = usesOf(settings, channels)
  const onChannel = (channel: string) =>
    channels[channel]?.showsIdentity === 'none' ? `${channel} (in front of the text)` : channel
  return {
    identities: Object.entries(settings.identities).map(([identity, { name }]) => {
      const own = uses.filter((use) => use.identity === identity)
      return {
        identity,
        name: textsOf(name)
          .map(([, text]) => text)
          .join(' / '),
        'used by': unique(own.map(({ by }) => by)) || 'unassigned',
        'seen on': unique(own.map(({ channel }) => onChannel(channel))),
      }
    }),
  }
}

function unique(texts: readonly string[]): string {
  return [...new Set(texts)].join(', ')
}
