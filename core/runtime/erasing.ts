/**
 * Erasing a customer: the journal first, then what plugins keep in tables of their own. Whoever has still to do it is
 * noted in the journal, in the transaction that erased the customer: so each does, also after a crash in between.
 */
import { z } from 'zod'
import { messageOf } from '../errors.ts'
import type { Engine, Erased, KnownAs } from '../journal/engine.ts'
import type { ErasureRow } from '../journal/tables.ts'
import type { Json } from '../message.ts'
import { limited } from '../pipeline/chain.ts'
import type { Clock } from '../services/clock.ts'
import type { Log } from '../turn.ts'
import type { Instance } from './instance.ts'

/** How long one plugin may take for one customer. */
const LIMIT_MS = 10_000

const Kept = z.json().optional()

export interface Erasing {
  /** Resolves when every plugin that runs has had its turn with this customer. */
  erase(customer: string): Promise<Erased>
  /** Has plugins erase what they have not erased yet: they were not running, or it went wrong. */
  goOn(): Promise<void>
  /** What plugins keep of a customer, by the name of the instance. */
  kept(customer: string): Promise<{ readonly [instance: string]: Json }>
}

export function makeErasing(given: {
  readonly engine: Engine
  readonly clock: Clock
  readonly log: Log
  readonly instances: () => ReadonlyMap<string, Instance>
}): Erasing {
  const { engine, clock, log, instances } = given

  /** `customer`: of nobody else. */
  async function goOn(customer?: string): Promise<void> {
    try {
      await engine.forgetErased()
      let left = engine.read.selectFrom('erasure').selectAll().orderBy('at')
      if (customer !== undefined) left = left.where('customer', '=', customer)
      const byInstance = Map.groupBy(await left.execute(), ({ instance }) => instance)
      await Promise.all([...byInstance].map(([name, erasures]) => eraseAll(name, erasures)))
    } catch (error) {
      log.error({ error }, `What is still to be erased could not be read or forgotten: ${messageOf(error)}`)
    }
  }

  /** One after the other. Whoever cannot do one is asked again later, and not for each of the others now. */
  async function eraseAll(name: string, erasures: readonly ErasureRow[]): Promise<void> {
    for (const erasure of erasures) {
      const running = instances().get(name)
      if (!running || !(await eraseIn(running, erasure))) return
    }
  }

  async function eraseIn({ name, plugin, hooks, signal, log }: Instance, erasure: ErasureRow): Promise<boolean> {
    const { customer, at, known_as_json } = erasure
    try {
      const known: KnownAs = JSON.parse(known_as_json)
      await limited(clock, LIMIT_MS, hooks.erase?.({ ...known, atMs: at }), signal)
      await engine.write([
        { sql: 'DELETE FROM erasure WHERE customer = ? AND instance = ?', parameters: [customer, name] },
      ])
      return true
    } catch (error) {
      log.error({ error }, `${name} (${plugin.name}), erase, to be tried again: ${messageOf(error)}`)
      return false
    }
  }

  return {
    goOn: () => goOn(),
    async erase(given) {
      const customer = (await engine.findCustomer(given))?.id ?? given
      const erasers = [...instances().values()].filter(({ hooks }) => hooks.erase !== undefined)
      const erased = await engine.eraseCustomer(customer, {
        nowMs: clock.now(),
        instances: erasers.map(({ name }) => name),
      })
      if (erased.state === 'erased') await goOn(customer)
      return erased
    },
    async kept(customer) {
      const known = await engine.knownAs(customer)
      if (!known) return {}
      const kept: { [instance: string]: Json } = {}
      for (const { name, hooks, signal } of instances().values()) {
        const theirs = Kept.parse(await limited(clock, LIMIT_MS, hooks.kept?.(known), signal))
        if (theirs !== undefined) kept[name] = theirs
      }
      return kept
    },
  }
}
