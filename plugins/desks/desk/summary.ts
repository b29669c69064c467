/** What is noted of a conversation when it is closed: the fields of the settings, as screens show them and as the desk checks them. */
import { Refusal } from './api/refusal.ts'
import type { Summary, SummaryField } from './api/shapes.ts'
import type { Settings } from './config.ts'

export function summaryFields({ summary }: Pick<Settings, 'summary'>): readonly SummaryField[] {
  return Object.entries(summary).map(([name, { name: title, options, required, default: otherwise, teams }]) => ({
    name,
    title,
    ...(options && { options: Object.entries(options).map(([option, shown]) => ({ name: option, title: shown })) }),
    isRequired: required,
    ...(otherwise !== undefined && { otherwise }),
    ...(teams && { teams: [...teams] }),
  }))
}

/** Those that a conversation of this team has. `null`: it is no team’s. */
export function fieldsFor(team: string | null, fields: readonly SummaryField[]): readonly SummaryField[] {
  return fields.filter(({ teams }) => !teams || (team !== null && teams.includes(team)))
}

/** What is said, and where nothing is, what the settings say; `undefined`: nothing at all. */
export function filledSummary(fields: readonly SummaryField[], given: Summary): Summary | undefined {
  const filled = fields.flatMap(({ name, otherwise }) => {
    const is = given[name]?.trim() || otherwise
    return is === undefined ? [] : [[name, is] as const]
  })
  return filled.length > 0 ? Object.fromEntries(filled) : undefined
}

/** Throws a `Refusal` unless the conversation can be closed with this (C-LC-06). */
export function mustBeWhole(fields: readonly SummaryField[], given: Summary): void {
  const unknown = Object.keys(given).find((field) => !fields.some(({ name }) => name === field))
  if (unknown !== undefined) throw new Refusal('SUMMARY_UNKNOWN', { params: { field: unknown } })
  const filled = filledSummary(fields, given) ?? {}
  for (const { name: field, isRequired, options } of fields) {
    const is = filled[field]
    if (is === undefined && isRequired) throw new Refusal('SUMMARY_MISSING', { params: { field } })
    if (is !== undefined && options?.every(({ name }) => name !== is))
      throw new Refusal('SUMMARY_UNKNOWN', { params: { field, option: is.slice(0, 100) } })
  }
}
