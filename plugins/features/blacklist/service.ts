import type { Actor, Context } from '#core'
import type { Blacklist, Listed } from '../../services/blacklist.ts'
import { type Change, type Entries, type Entry, nameOf } from './entries.ts'
import type { InYaml } from './in-yaml.ts'

type Audit = Context<unknown, unknown>['audit']

/** What others may do with the list; every change of it is in the audit log. */
export function makeService(
  { name, audit, clock, schedule }: Pick<Context<unknown, unknown>, 'name' | 'audit' | 'clock' | 'schedule'>,
  entries: Entries,
  inYaml: InYaml,
): Blacklist {
  schedule('1h', async () => {
    const by = { kind: 'feature', name } as const
    for (const entry of await entries.removeOver()) audit({ by, action: 'blacklist.expire', before: told(entry) })
  })
  return {
    async list(customer) {
      const who = { customer }
      const [places = []] = await entries.placesOf([{ who, reason: '', by: '', atMs: 0 }])
      const written = places.filter((place) => inYaml.has(place))
      return [
        ...(await entries.entriesFor(who)),
        ...written.map(({ account, id }) => ({
          who: { account, id },
          reason: 'in the YAML',
          by: undefined,
          atMs: undefined,
        })),
      ]
    },
    async among(customers) {
      const known = await entries.placesOf(
        customers.map((customer) => ({ who: { customer }, reason: '', by: '', atMs: 0 })),
      )
      const places = customers.map((id, index) => [{ account: '', id }, ...(known[index] ?? [])])
      const isHeld = await entries.heldAt(places.flat())
      const isListed = (index: number) => places[index]?.some((place) => isHeld(place) || inYaml.has(place))
      return new Set(customers.filter((_, index) => isListed(index)))
    },
    async customers(limit) {
      const written = await entries.customersAt(inYaml.places())
      return [...new Set([...written, ...(await entries.latestCustomers(limit))])].slice(0, limit)
    },
    async add(who, { reason, by, untilMs }) {
      if (reason.trim() === '') throw new CannotList('Nobody is put on the blacklist without a reason.')
      const entry = { who, reason: reason.trim(), by: nameOf(by), atMs: clock.now(), untilMs }
      const [problem] = await entries.problemsWith([entry])
      if (problem) throw new CannotList(problem)
      auditAdded(audit, 'blacklist.add', by, await entries.add([entry]))
    },
    async remove(who, { by }) {
      const removed = await entries.remove(who)
      for (const entry of removed) audit({ by, action: 'blacklist.remove', before: told(entry) })
      return removed.length > 0
    },
  }
}

/** Notes each entry that is new or another now, with what it was before. */
export function auditAdded(
  audit: Audit,
  action: 'blacklist.add' | 'blacklist.import',
  by: Actor,
  changes: readonly Change[],
): void {
  for (const change of changes) {
    const [before, after] = [change.before && told(change.before), told(change.after)]
    if (JSON.stringify(before) !== JSON.stringify(after)) audit({ by, action, ...(before && { before }), after })
  }
}

/** Nobody would be turned away by such an entry: whoever made it must know. */
class CannotList extends Error {
  override readonly name = 'CannotList'
  readonly statusCode = 400
  readonly code = 'BAD_REQUEST'
}

/** An entry as it is shown, exported, and kept in the audit log. */
export function told({ who, reason, by, atMs, untilMs }: Entry): Told {
  const until = untilMs === undefined ? {} : { until: timeOf(untilMs) }
  return { ...who, reason, by, at: timeOf(atMs), ...until }
}

export type Told = Listed & {
  readonly reason: string
  readonly by: string
  readonly at: string
  readonly until?: string
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString()
}
