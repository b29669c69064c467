/**
 * What plugins lend each other, by token: one container for each configuration in force, one child for each instance.
 * The only file that knows tsyringe. Its decorators and its disposal are not used: the first are not erasable, and a
 * child's dispose ends what its parent still hands out.
 */
import 'reflect-metadata'
import { type DependencyContainer, container as root } from 'tsyringe'
import type { Needs, Token } from '../plugin.ts'

export interface Container {
  /** From now on everyone in this configuration is given `value` for the token. */
  lend(token: Token<unknown>, value: unknown): void
  /** The services of one instance, by the names it uses for them. A missing one that is not optional throws. */
  borrow(needs: Needs): { readonly [name: string]: unknown }
}

/** A container without anything lent yet. */
export function makeContainer(): Container {
  const shared = root.createChildContainer()
  return {
    lend(token, value) {
      shared.register(token.name, { useValue: value })
    },
    borrow(needs) {
      const own = shared.createChildContainer()
      return Object.fromEntries(Object.entries(needs).map(([name, need]) => [name, resolve(own, need)]))
    },
  }
}

function resolve(own: DependencyContainer, need: Needs[string]): unknown {
  if (!('optional' in need)) return own.resolve(need.name)
  return own.isRegistered(need.token.name, true) ? own.resolve(need.token.name) : undefined
}
