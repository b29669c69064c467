/** Who is seen as whom. */
import type { Actor } from '#core'
import type { Settings } from './settings.ts'

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

/** One place in which an identity is named, and what it means on one channel. */
export interface Use {
  readonly identity: string
  readonly channel: string
  /** As the YAML calls them: `amy`, `team presale`, `bot faq`. */
  readonly by: string
  /** In the YAML, from the plugin's settings on. */
  readonly path: readonly string[]
  /** Why nobody is seen under it there; `undefined`: they are. */
  readonly hidden: string | undefined
}

/** What the assignments mean: those that are for all channels on each of these, the others on their own. */
export function usesOf(settings: Settings, channels: readonly string[]): readonly Use[] {
  return assignments(settings).flatMap(({ kind, name, path, identity, only }) =>
    (only === undefined ? channels : [only]).map((channel) => {
      const shown = shownOn(settings, channel)
      const hidden = isShown(kind, shown) ? undefined : `show: ${shown}`
      return { identity, channel, by: `${WORDS[kind]}${name}`, path, hidden }
    }),
  )
}

/** Whether anybody can be seen under an identity on a channel. */
export function isSeenOn(settings: Settings, identity: string, channel: string): boolean {
  const uses = usesOf(settings, [channel])
  return uses.some((use) => use.identity === identity && use.channel === channel && use.hidden === undefined)
}

function isShown(kind: Kind, shown: ReturnType<typeof shownOn>): boolean {
  return shown !== 'none' && (kind === 'bots' || kind === (shown === 'team' ? 'teams' : 'assign'))
}

const WORDS: { readonly [kind in Kind]: string } = { assign: '', teams: 'team ', bots: 'bot ' }

interface Assignment {
  readonly kind: Kind
  readonly name: string
  readonly path: readonly string[]
  readonly identity: string
  /** The channel that it is for, when it is not for all. */
  readonly only?: string | undefined
}

/** Every place in which an identity is named. */
export function assignments(settings: Settings): readonly Assignment[] {
  const kinds: readonly Kind[] = ['assign', 'teams', 'bots']
  return kinds.flatMap((kind) =>
    Object.entries(settings[kind]).flatMap(([name, to]): readonly Assignment[] => {
      const path = [kind, name]
      if (typeof to === 'string') return [{ kind, name, path, identity: to }]
      return Object.entries(to).map(([only, identity]) => ({ kind, name, path: [...path, only], identity, only }))
    }),
  )
}
