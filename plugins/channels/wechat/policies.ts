/** The platform's rules of reply windows and quotas, from `policies.yaml`: dated data, so that a new rule is a new entry. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { LineCounter, parseDocument } from 'yaml'
import { type Allowance, duration, z } from '#core'

/** What a customer does that lets us write: the `grants` of this channel's events. */
export const TRIGGERS = ['message', 'menu', 'follow', 'scan'] as const

const Policies = z
  .array(
    z.strictObject({
      name: z.string().regex(/^[a-z0-9-]+$/),
      /** Since when it holds. */
      since: z.iso.date(),
      /** Where it stands, and when that was read. */
      source: z.string().min(1),
      read: z.iso.date(),
      later: z
        .array(
          z.strictObject({
            on: z.enum(TRIGGERS),
            within: duration(),
            max: z.int().positive(),
            resets: z.boolean(),
          }),
        )
        .min(1),
    }),
  )
  .min(1)

export interface Policy {
  readonly name: string
  /** `YYYY-MM-DD`. */
  readonly since: string
  readonly source: string
  readonly later: readonly Allowance[]
}

/**
 * The policies of a text, the newest last. Throws an Error with every problem as `file:line:col`, in its order.
 * `file` is how the text is called there.
 */
export function readPolicies(text: string, file: string): readonly Policy[] {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const problems: { readonly at: number; readonly message: string }[] = document.errors.map(({ pos, message }) => ({
    at: pos[0],
    message: message.split('\n', 1)[0] ?? message,
  }))
  const fail = (): never => {
    const told = problems
      .toSorted((a, b) => a.at - b.at)
      .map(({ at, message }) => {
        const { line, col } = lines.linePos(at)
        return `${file}:${line}:${col} ${message}`
      })
    throw new Error(told.join('\n'))
  }
  if (problems.length > 0) return fail()
  const note = (path: readonly PropertyKey[], message: string) => {
    for (let of = path; ; of = of.slice(0, -1)) {
      const node = of.length === 0 ? document.contents : document.getIn(of, true)
      const range = z.object({ range: z.tuple([z.number(), z.number(), z.number()]) }).safeParse(node)
      if (range.success || of.length === 0) {
        problems.push({ at: range.data?.range[0] ?? 0, message: `${path.join('.') || 'It'}: ${message}` })
        return
      }
    }
  }
  const read = Policies.safeParse(document.toJS({ maxAliasCount: 0 }))
  for (const issue of read.error?.issues ?? []) note(issue.path, issue.message)
  if (!read.success) return fail()
  read.data.forEach(({ name, since }, i) => {
    if (read.data.findIndex((other) => other.name === name) < i)
      note([i, 'name'], `There is another ${name}. Give it a name of its own.`)
    const before = read.data[i - 1]
    if (before && before.since >= since)
      note([i, 'since'], `It must be later than ${before.since} of ${before.name}: the newest stands last.`)
  })
  if (problems.length > 0) return fail()
  return read.data.map(({ name, since, source, later }) => ({
    ...{ name, since, source },
    later: later.map(({ on, within, max, resets }) => ({ on, withinMs: within, max, resets })),
  }))
}

let policies: readonly Policy[] | undefined

/** Those of this channel, the newest last. */
export function allPolicies(): readonly Policy[] {
  const file = new URL('policies.yaml', import.meta.url)
  policies ??= readPolicies(readFileSync(file, 'utf8'), fileURLToPath(file))
  return policies
}

/** The one with this name, else the newest. */
export function policyOf(name: string | undefined): Policy {
  const all = allPolicies()
  const found = all.find((policy) => policy.name === name) ?? all.at(-1)
  if (!found) throw new Error('There is no policy.')
  return found
}
