/**
 * The product's benchmark, beside what the same work takes without it.
 *
 *   npm run bench                       everything, five launches each; writes bench/results.json and bench/RESULTS.md
 *   npm run bench -- closed open        these parts only; the others' results stay
 *   npm run bench -- closed --quick     one launch with hardly any messages: whether it works. Writes nothing
 *   npm run bench -- closed --prof      one launch of switchboard, and where its time goes, by thread. Writes no results
 *
 * On a machine with more than two processors, `taskset -c 0,1 npm run bench` keeps all of it on two.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf } from '../core/errors.ts'
import { type Figures, FULL, type Options, PARTS, type Part, QUICK, type Sizes } from './parts.ts'
import { printProfiles } from './profile.ts'
import { printPart, type Rows, writeResults } from './results.ts'

const PROFILES = join(import.meta.dirname, 'profiles')

const names = PARTS.map(({ name }) => name)
const { quick, prof, positionals } = asked()
const unknown = positionals.filter((name) => !names.includes(name))
if (unknown.length > 0) wrongUse(`There is no part ${unknown.join(', ')}.`)
const chosen = PARTS.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
if (prof && (chosen.length !== 1 || chosen[0]?.name !== 'closed')) wrongUse('Only the part closed is profiled.')
const sizes: Sizes = { ...(quick ? QUICK : FULL), ...(prof && { launches: 1 }) }
if (prof) {
  rmSync(PROFILES, { recursive: true, force: true })
  mkdirSync(PROFILES)
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))
const options: Options = { isQuick: quick, profileTo: prof ? PROFILES : undefined }
await runAll(chosen)

function asked() {
  try {
    const options = { quick: { type: 'boolean', default: false }, prof: { type: 'boolean', default: false } } as const
    const { values, positionals } = parseArgs({ allowPositionals: true, options })
    return { ...values, positionals }
  } catch (error) {
    return wrongUse(messageOf(error))
  }
}

function wrongUse(because: string): never {
  process.stderr.write(`${because}\nWrite: npm run bench -- [${names.join(' | ')}]… [--quick] [--prof]\n`)
  process.exit(2)
}

async function runAll(parts: readonly Part[]): Promise<void> {
  const rows = new Map<Part, Rows>(parts.map((part) => [part, {}]))
  const steps = parts.flatMap((part) => {
    const note = (row: string, figures: Figures) => {
      const of = rows.get(part) ?? {}
      of[row] = [...(of[row] ?? []), figures]
      console.log(
        `  ${row}: ${JSON.stringify(figures, (_key, value) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value))}`,
      )
    }
    return part.steps(sizes, note, options).map((step) => ({ ...step, part }))
  })
  const startMs = performance.now()
  let expectedS = 0
  for (const [i, { part, what, seconds, run }] of steps.entries()) {
    const leftS = steps.slice(i).reduce((sum, step) => sum + step.seconds, 0)
    // As fast or slow as it has been until now.
    const pace = expectedS > 0 ? (performance.now() - startMs) / 1_000 / expectedS : 1
    console.log(`${i + 1}/${steps.length} ${part.name}: ${what}, about ${Math.ceil((leftS * pace) / 60)} min left`)
    await run()
    expectedS += seconds
    const isLastOfPart = steps[i + 1]?.part !== part
    // What a script apart has measured, it has written itself.
    if (!isLastOfPart || Object.keys(rows.get(part) ?? {}).length === 0) continue
    printPart(part, rows.get(part) ?? {})
    if (!quick && !prof) writeResults(part, rows.get(part) ?? {})
  }
  if (prof) printProfiles(PROFILES)
}
