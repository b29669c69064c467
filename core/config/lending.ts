/** Who lends a service to whom: each service has one lender, everything that is needed is there, and nobody waits in a circle. */
import type { OptionalToken, Plugin, Token } from '../plugin.ts'
import { loadPlugin, type PluginPlaces, SECTIONS, type Section, shippedPlugins } from '../runtime/load.ts'
import type { Path } from './checked.ts'
import { Finding, found } from './problems.ts'

/** An instance, as far as services go. */
export interface Party {
  readonly name: string
  readonly plugin: Plugin
  readonly path: Path
  readonly line: number
}

export interface Lending {
  /** By instance: the instances that lend it something, in the order of the YAML. */
  readonly dependsOn: ReadonlyMap<string, readonly string[]>
  readonly problems: readonly { readonly finding: Finding; readonly path: Path }[]
}

/** Compares what all instances need and provide. */
export async function checkLending(parties: readonly Party[], places: PluginPlaces): Promise<Lending> {
  const problems: { finding: Finding; path: Path }[] = []
  const lenders = new Map<string, Party>()
  for (const party of parties) {
    for (const token of Object.values(party.plugin.provides)) {
      const first = lenders.get(token.name)
      if (first === undefined) lenders.set(token.name, party)
      else if (first.name !== party.name) {
        const finding = found('CONFIG_TWO_PROVIDERS', { service: token.name, first: first.name, line: first.line })
        problems.push({ finding, path: party.path })
      }
    }
  }
  const dependsOn = new Map<string, readonly string[]>()
  for (const party of parties) {
    const from = new Set<string>()
    for (const need of Object.values(party.plugin.needs)) {
      const token = isOptional(need) ? need.token : need
      const lender = lenders.get(token.name)
      if (lender) from.add(lender.name)
      else if (!isOptional(need)) {
        const details = { owner: party.name, service: token.name, lenders: await shippedLenders(token.name, places) }
        problems.push({ finding: found('CONFIG_NO_PROVIDER', details), path: party.path })
      }
    }
    dependsOn.set(
      party.name,
      parties.map(({ name }) => name).filter((name) => from.has(name)),
    )
  }
  for (const chain of circles(parties, dependsOn)) {
    const last = parties.find(({ name }) => name === chain[0])
    if (last) problems.push({ finding: found('CONFIG_CYCLE', { chain }), path: last.path })
  }
  return { dependsOn, problems }
}

function isOptional(need: Token<unknown> | OptionalToken<unknown>): need is OptionalToken<unknown> {
  return 'optional' in need
}

/** Each circle once, beginning and ending with the same name. */
function circles(parties: readonly Party[], dependsOn: ReadonlyMap<string, readonly string[]>): readonly string[][] {
  const found: string[][] = []
  const done = new Set<string>()
  const visit = (name: string, trail: readonly string[]): void => {
    const at = trail.indexOf(name)
    if (at >= 0) {
      found.push([...trail.slice(at), name])
      return
    }
    if (done.has(name)) return
    for (const next of dependsOn.get(name) ?? []) visit(next, [...trail, name])
    done.add(name)
  }
  for (const { name } of parties) visit(name, [])
  return found
}

/** Shipped plugins that lend a service, as the operator would add them. */
async function shippedLenders(service: string, places: PluginPlaces): Promise<readonly string[]> {
  const lenders: string[] = []
  for (const section of SECTIONS) {
    for (const use of shippedPlugins(section, places.shipped)) {
      const loaded = await loadPlugin(use, section, places)
      if (loaded instanceof Finding) continue
      if (Object.values(loaded.plugin.provides).some(({ name }) => name === service))
        lenders.push(asAdded(section, use))
    }
  }
  return lenders
}

function asAdded(section: Section, use: string): string {
  return `${section === 'features' ? '- ' : ''}use: ${use}  (under ${section})`
}
