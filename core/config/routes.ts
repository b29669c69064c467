/** Whether the routes fit the channels, bots and desks that they name. */
import { createHash } from 'node:crypto'
import type { z } from 'zod'
import type { CheckedRoute, DeskNames, Path } from './checked.ts'
import { parseWithVariables } from './entries.ts'
import { explainIssues } from './issues.ts'
import { nearest } from './nearest.ts'
import { type Finding, found } from './problems.ts'
import { isRecord, type Placed, type YamlFile } from './read.ts'
import type { Resolver } from './resolve.ts'
import { MODES, route as routeSchema } from './sections.ts'

/** What routes may name. */
export interface RouteTargets {
  readonly file: YamlFile
  readonly resolver: Resolver
  /** Every channel of the file, those that are parked or down too. */
  readonly channels: readonly {
    readonly name: string
    readonly path: Path
    readonly runs: boolean
    /** What its menu can send; `undefined`: anything, or nobody knows. */
    readonly menuKeys: readonly string[] | undefined
  }[]
  /** By name: the line where a bot or desk is parked. */
  readonly parked: ReadonlyMap<string, number>
  /** By desk; `undefined` when its settings have problems. */
  readonly desks: ReadonlyMap<string, DeskNames | undefined>
}

type Route = z.output<typeof routeSchema>

/** Checks the list of routes; gives those that are right. What is no list was reported already. */
export function checkRoutes(
  list: unknown,
  targets: RouteTargets,
): { readonly routes: readonly CheckedRoute[]; readonly problems: readonly Placed[] } {
  const { file, resolver, channels } = targets
  const problems: Placed[] = []
  const routes: CheckedRoute[] = []
  const taken = new Map<string, { readonly route: string; readonly line: number }>()
  const at = (finding: Finding, path: Path) => problems.push({ finding, span: file.valueAt(path), path })

  if (!Array.isArray(list)) return { routes, problems }
  for (const [index, value] of list.entries()) {
    const path: Path = ['routes', index]
    const name = `routes[${index}]`
    const line = file.valueAt(path).line
    const mode = isRecord(value) ? value.mode : undefined
    const owner = typeof mode === 'string' && MODES.some((one) => one === mode) ? `A ${mode} route` : 'A route'
    const parsed = parseWithVariables(routeSchema, value, file, path, resolver)
    for (const [from, fromPath] of sourcesOf(value, path)) {
      const first = taken.get(from)
      if (first) at(found('CONFIG_ROUTE_UNREACHED', { channel: from, ...first }), fromPath)
      else taken.set(from, { route: name, line })
    }
    if (!parsed.success) {
      problems.push(
        ...explainIssues(parsed.error.issues, {
          ...{ file, path, value, schema: routeSchema, owner },
          elsewhere: (key) => {
            const modes = MODES.filter((one) => KEYS_OF_MODE.get(one)?.includes(key))
            return modes.length > 0 ? `Take it away, or write another mode: ${modes.join(', ')} have it.` : undefined
          },
        }),
      )
      continue
    }
    for (const [key, kind] of [
      ['bot', 'bot'],
      ['desk', 'desk'],
    ] as const) {
      for (const [target, targetPath] of namesIn(value, key, path)) {
        const parkedIn = targets.parked.get(`${kind} ${target}`)
        if (parkedIn !== undefined) at(found('CONFIG_PARKED', { kind, name: target, line: parkedIn }), targetPath)
      }
    }
    checkTeam(parsed.data, path, targets, at)
    problems.push(...menuKeyNotes(parsed.data, path, targets))
    const running = parsed.data.from.filter((from) => channels.some((one) => one.name === from && one.runs))
    routes.push(finished(parsed.data, name, running, line))
  }
  for (const { name, path, runs } of channels) {
    if (!runs || taken.has(name)) continue
    problems.push({ finding: found('CONFIG_NO_ROUTE', { channel: name }), span: file.keyAt(path), path })
  }
  return { routes, problems }
}

const KEYS_OF_MODE: ReadonlyMap<string, readonly string[]> = new Map(
  routeSchema.options.map(({ shape }) => [shape.mode.value, Object.keys(shape)]),
)

function sourcesOf(value: unknown, path: Path): readonly (readonly [string, Path])[] {
  return namesIn(value, 'from', path)
}

/** The texts under a key that takes one or several, each with its place. */
function namesIn(value: unknown, key: string, path: Path): readonly (readonly [string, Path])[] {
  const written = isRecord(value) ? value[key] : undefined
  if (typeof written === 'string') return [[written, [...path, key]]]
  if (!Array.isArray(written)) return []
  return written.flatMap((one: unknown, index) =>
    typeof one === 'string' ? [[one, [...path, key, index]] as const] : [],
  )
}

function checkTeam(
  route: Route,
  path: Path,
  { desks }: RouteTargets,
  at: (finding: Finding, path: Path) => void,
): void {
  if (route.mode === 'bot-only' || route.team === undefined) return
  const names = desks.get(route.desk)
  if (names === undefined) return
  const { team } = route
  const teamPath = [...path, 'team']
  if (!names.teams.includes(team)) {
    const known = names.teams
    at(found('CONFIG_UNKNOWN_NAME', { kind: 'team', name: team, nearest: nearest(team, known), known }), teamPath)
    return
  }
  const takes = (one: string, channel: string) => names.sources[one]?.includes(channel) ?? true
  for (const channel of route.from) {
    if (takes(team, channel)) continue
    const others = names.teams.filter((one) => takes(one, channel))
    at(found('CONFIG_TEAM_SOURCES', { team, desk: route.desk, channel, others }), teamPath)
  }
}

/** Keys that no menu sends. It is a note: clicks may come from a menu that somebody else has made. */
function menuKeyNotes(route: Route, path: Path, { file, channels }: RouteTargets): readonly Placed[] {
  if (route.mode !== 'bot-first') return []
  const menus = route.from.map((name) => channels.find((channel) => channel.name === name)?.menuKeys)
  const known = menus.filter((keys) => keys !== undefined).flat()
  if (menus.includes(undefined)) return []
  return (route.handOff.menu ?? []).flatMap((key, index) => {
    if (known.includes(key)) return []
    const details = { key, channels: route.from, nearest: nearest(key, known), known }
    const at = [...path, 'handOff', 'menu', index]
    return [{ finding: found('CONFIG_UNKNOWN_MENU_KEY', details), span: file.valueAt(at), path: at, isNote: true }]
  })
}

function finished(route: Route, name: string, from: readonly string[], line: number): CheckedRoute {
  const base = { id: idOf(route), name, from, line, collectMs: route.collect ?? 0 }
  switch (route.mode) {
    case 'bot-only':
      return { ...base, mode: route.mode, bots: route.bot }
    case 'agent-only':
      return { ...base, mode: route.mode, desk: route.desk, team: route.team }
    case 'cooperation':
      return { ...base, mode: route.mode, bots: route.bot, desk: route.desk, team: route.team }
    case 'bot-first':
      return {
        ...base,
        mode: route.mode,
        bots: route.bot,
        desk: route.desk,
        team: route.team,
        handOff: {
          unknown: route.handOff.unknown,
          guided: route.handOff.guided,
          intents: route.handOff.intents ?? [],
          failures: route.handOff.failures,
          menu: route.handOff.menu ?? [],
        },
      }
  }
}

/** Of the route as it is written: a channel of it that is parked or down does not make it another route. */
function idOf(route: Route): string {
  return createHash('sha256').update(JSON.stringify(route)).digest('hex').slice(0, 12)
}
