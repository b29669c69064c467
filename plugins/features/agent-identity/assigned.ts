/** Who is seen as whom. */
import type { Actor, Capabilities } from '#core'
import type { Settings } from './settings.ts'

type Channels = { readonly [name: string]: Capabilities }
type Kind = 'assign' | 'teams' | 'bots'

/**
 * The identity that somebody is seen under on a channel, by its name in the YAML; `undefined`: none. `team`: which has
 * the conversation.
 */
export function seenAs(
  settings: Settings,
  by: Actor,
  { channel, team }: { readonly channel: string; readonly team?: string | undefined },
): string | undefined {
  const shown = shownOn(settings, channel)
  if (shown === 'none') return undefined
  if (by.kind === 'bot') return assignedTo(settings, 'bots', by.name, channel)
  if (by.kind !== 'agent') return undefined
  if (shown === 'agent') return assignedTo(settings, 'assign', by.person, channel)
  return team === undefined ? undefined : assignedTo(settings, 'teams', team, channel)
}

function shownOn({ show }: Settings, channel: string) {
  return typeof show === 'string' ? show : (show[channel] ?? 'agent')
}

function assignedTo(settings: Settings, kind: Kind, name: string, channel: string): string | undefined {
  const to = settings[kind][name]
  return typeof to === 'object' ? to[channel] : to
}

/** One identity that is seen on a channel, and who is seen under it there. */
export interface Use {
  readonly identity: string
  readonly channel: string
  /** As the YAML calls them: `amy`, `team presale`, `bot faq`. */
  readonly by: string
}

/** Everything that can be seen. */
export function usesOf(settings: Settings, channels: Channels): readonly Use[] {
  return Object.keys(channels).flatMap((channel) => {
    const shown = shownOn(settings, channel)
    const people: Kind = shown === 'team' ? 'teams' : 'assign'
    const kinds: readonly Kind[] = shown === 'none' ? [] : [people, 'bots']
    return kinds.flatMap((kind) =>
      Object.keys(settings[kind]).flatMap((name) => {
        const identity = assignedTo(settings, kind, name, channel)
        return identity === undefined ? [] : [{ identity, channel, by: `${WORDS[kind]}${name}` }]
      }),
    )
  })
}

const WORDS: { readonly [kind in Kind]: string } = { assign: '', teams: 'team ', bots: 'bot ' }

/** Every place in which an identity is named. */
export function assignments(
  settings: Settings,
): readonly { readonly path: readonly string[]; readonly identity: string }[] {
  const kinds: readonly Kind[] = ['assign', 'teams', 'bots']
  return kinds.flatMap((kind) =>
    Object.entries(settings[kind]).flatMap(([name, to]) => {
      if (typeof to === 'string') return [{ path: [kind, name], identity: to }]
      return Object.entries(to).map(([channel, identity]) => ({ path: [kind, name, channel], identity }))
    }),
  )
}
