import type { Context } from '#core'

/** Whom the YAML lists, by the account of a channel and the id that its platform gives them. */
export interface InYaml {
  has(place: { readonly account: string; readonly id: string }): boolean
  /** All of them. */
  places(): readonly { readonly account: string; readonly id: string }[]
}

export function makeInYaml(
  customers: { readonly [channel: string]: readonly string[] },
  { channels }: Pick<Context<unknown, unknown>, 'channels'>,
): InYaml {
  const byChannel = new Map(Object.entries(customers).map(([channel, ids]) => [channel, new Set(ids)]))
  if (byChannel.size === 0) return { has: () => false, places: () => [] }
  return {
    has: ({ account, id }) => channels().some((one) => one.account === account && byChannel.get(one.name)?.has(id)),
    places: () =>
      channels().flatMap(({ name, account }) => [...(byChannel.get(name) ?? [])].map((id) => ({ account, id }))),
  }
}
