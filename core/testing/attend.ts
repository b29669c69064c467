/** Who is at the desks, in tests and rehearsals. */
import type { Plan } from '../runtime/plan.ts'

/** Somebody comes to every desk that knows them, or goes. `before`: not to those that were there already. */
export function attend(plan: Plan, person: string, isThere: boolean, before?: Plan): void {
  for (const instance of plan.instances.values()) {
    const isKnown = instance.plugin.names(instance.checked.settings).people.includes(person)
    if (isKnown && before?.instances.get(instance.name) !== instance) instance.desk?.attend?.(person, isThere)
  }
}
