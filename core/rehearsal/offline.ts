/** Sets up the operator's own plugins where a stand-in takes the place of what they ask outside. */
import { messageOf } from '../errors.ts'
import type { Plugin } from '../plugin.ts'

/** Is told of plugins that could not be set up, each time. */
export interface Offline {
  warn(text: string): void
}

/** All of a plugin but its setup. */
export function manifestOf(real: Plugin): Omit<Plugin, 'setup'> {
  return {
    kind: real.kind,
    name: real.name,
    summary: real.summary,
    config: real.config,
    state: real.state,
    needs: real.needs,
    provides: real.provides,
    tables: real.tables,
    ifGuardFails: real.ifGuardFails,
    isModel: real.isModel,
    check: (config, channels) => real.check(config, channels),
    explain: (config, channels) => real.explain(config, channels),
    account: (config) => real.account(config),
    capabilities: (config) => real.capabilities(config),
    names: (config) => real.names(config),
    identities: (config) => real.identities(config),
    invite: (person, by) => real.invite(person, by),
    isSimulated: real.isSimulated,
    simulator: () => real.simulator(),
  }
}

/** What a setup has returned, by its keys; the runtime checks it. */
export function hooksOf(returned: unknown): { readonly [hook: string]: unknown } {
  return typeof returned === 'object' ? { ...returned } : {}
}

/**
 * What a plugin's own setup returns; nothing when it fails, since with nothing outside many a one must. Throws when it
 * fails and others wait for what it lends.
 */
export async function setUpOffline(
  name: string,
  real: Plugin,
  context: unknown,
  { warn }: Offline,
): Promise<{ readonly [hook: string]: unknown }> {
  try {
    return hooksOf(await real.setup(context))
  } catch (error) {
    if (Object.keys(real.provides).length > 0) throw error
    warn(
      `${name} (${real.name}) could not be set up with nothing outside, and its own hooks are left out: ${messageOf(error)}`,
    )
    return {}
  }
}
