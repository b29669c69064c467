/** What was changed, field by field: of what is noted before and after. */

type Noted = unknown

export interface Changed {
  /** `undefined`: it has no fields, it is changed itself. */
  readonly field: string | undefined
  readonly before: string | undefined
  readonly after: string | undefined
}

/** Whoever has noted only what it is now has noted what came to it. What stayed the same is left out. */
export function changesOf(before: Noted, after: Noted): readonly Changed[] {
  const [old, now] = [fieldsOf(before), fieldsOf(after)]
  if (!old && !now) return [{ field: undefined, before: textOf(before), after: textOf(after) }].filter(isChange)
  const fields = new Set([...Object.keys(old ?? {}), ...Object.keys(now ?? {})])
  return [...fields]
    .map((field) => ({ field, before: textOf(old?.[field]), after: textOf(now?.[field]) }))
    .filter(isChange)
}

const isChange = ({ before, after }: Changed) => before !== after

function fieldsOf(value: Noted): { readonly [field: string]: unknown } | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
}

/** `undefined`: nothing is there. */
function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  if (Array.isArray(value)) return value.map(textOf).filter(Boolean).join(', ') || undefined
  if (typeof value !== 'object') return `${value}`
  // Of an entry of the blacklist it is the reason that people read.
  if ('reason' in value && typeof value.reason === 'string') return value.reason
  return Object.entries(value)
    .map(([name, inner]) => `${name}: ${textOf(inner) ?? '–'}`)
    .join(', ')
}
