/** What is kept of a customer besides the name: the fields that are always there, and those of the YAML. */
import type { Settings } from '../config.ts'

/** By `realName` customers are found, too. `notes`: what our side should know of them. */
export const BUILT_IN = ['realName', 'phone', 'qq', 'email', 'company', 'notes'] as const

/** The names of all fields that people may write. Others are what channels and plugins know. */
export function fieldNames({ customers }: Pick<Settings, 'customers'>): readonly string[] {
  return [...BUILT_IN, ...Object.keys(customers.fields)]
}

/** As customers are shown: what was taken away is not there. */
export function shownFields<V>(fields: { readonly [name: string]: V }): { [name: string]: V } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))
}
