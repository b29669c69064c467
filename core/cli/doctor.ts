/**
 * `switchboard doctor`: has plugins look whether what they need of the outside is there: accounts, rights, addresses.
 * They are set up as in a rehearsal, so nothing is in the way of a process that runs, and nothing of it is read.
 */
import { z } from 'zod'
import type { CheckedConfig } from '../config/checked.ts'
import { sentence } from '../config/problems.ts'
import { showYamlPath, visible } from '../config/report.ts'
import { messageOf } from '../errors.ts'
import { inLanguage, type Localized } from '../message.ts'
import { limited } from '../pipeline/chain.ts'
import type { Diagnosis } from '../plugin.ts'
import { refuseOutside } from '../rehearsal/nothing-outside.ts'
import { type Rehearsal, rehearse } from '../rehearsal/rehearse.ts'
import type { Instance } from '../runtime/instance.ts'
import { systemClock } from '../services/clock.ts'
import { makeHttp } from '../services/http.ts'
import { makeLog, makeRedactor } from '../services/log.ts'
import { tidyUpWhenInterrupted } from './interrupted.ts'
import { readConfig } from './read-config.ts'

/** How long one plugin may look. */
const LIMIT_MS = 120_000

const inLanguages = z.record(z.string(), z.string())
const Diagnoses = z.array(
  z.strictObject({
    about: inLanguages,
    state: z.enum(['ok', 'missing', 'unknown']),
    says: inLanguages,
    next: inLanguages.optional(),
  }),
)

/** What one instance has found out. */
export interface Examined {
  readonly name: string
  readonly use: string
  readonly diagnoses: readonly Diagnosis[]
  /** Why there is nothing, or not all of it. */
  readonly failure?: string | undefined
}

export async function doctor(file: string, json: boolean): Promise<void> {
  tidyUpWhenInterrupted()
  const config = await readConfig(file)
  if (!config) return
  const redact = makeRedactor(config.secrets)
  try {
    const examined = await examine(config)
    const shown = json ? `${JSON.stringify({ examined }, undefined, 2)}\n` : examinedAsText(examined, config.languages)
    process.stdout.write(redact(shown))
    if (examined.some(isIll)) process.exitCode = 1
  } catch (error) {
    process.stderr.write(`It could not be set up: ${redact(messageOf(error))}\n`)
    process.exitCode = 1
  }
}

/** Everything that says how it is, in the order of the YAML. What could not even be set up says why. */
export async function examine(config: CheckedConfig): Promise<readonly Examined[]> {
  await using rehearsal = await setUp(config)
  const { channels, bots, desks, features } = config
  const examined = await Promise.all(
    [...channels, ...bots, ...desks, ...features].map(({ name }) => {
      const instance = rehearsal.runtime.instance(name)
      return instance && examineOne(instance, config)
    }),
  )
  const failures = rehearsal.warnings.map((failure) => ({ name: '', use: '', diagnoses: [], failure }))
  return [...examined.filter((one) => one !== undefined), ...failures]
}

/** With nothing outside: who looks by themselves, past what they are given for it, is not heard there. */
async function setUp(config: CheckedConfig): Promise<Rehearsal> {
  using _ = refuseOutside()
  return await rehearse(config, { log: makeLog({ level: 'silent' }) })
}

async function examineOne(
  { name, checked, plugin, hooks }: Instance,
  config: CheckedConfig,
): Promise<Examined | undefined> {
  if (!hooks.doctor) return undefined
  const ended = new AbortController()
  const { signal } = ended
  const log = makeLog({ level: 'silent' })
  const http = makeHttp({ log, signal, clock: systemClock, allowPrivate: config.http.allow })
  try {
    const found = await limited(systemClock, LIMIT_MS, hooks.doctor({ http: http.fetch, clock: systemClock, signal }))
    return { name, use: checked.use, diagnoses: checkedDiagnoses(found) }
  } catch (error) {
    const failure = `${name} (${plugin.name}), doctor: ${sentence(messageOf(error))}`
    return { name, use: checked.use, diagnoses: [], failure }
  } finally {
    ended.abort()
    await http.close()
  }
}

function checkedDiagnoses(found: unknown): readonly Diagnosis[] {
  const parsed = Diagnoses.safeParse(found)
  if (parsed.success) return parsed.data
  const where = showYamlPath(
    parsed.error.issues[0]?.path.map((step) => (typeof step === 'number' ? step : String(step))) ?? [],
  )
  throw new Error(`It wants a list of diagnoses, and there is something else at ${where}.`)
}

/** Whether something has to be done. */
export function isIll({ diagnoses, failure }: Examined): boolean {
  return failure !== undefined || diagnoses.some(({ state }) => state === 'missing')
}

// ── as text ─────────────────────────────────────────────────────────────────────────────────

const MARKS = { ok: '✓', missing: '✗', unknown: '?' } as const
const NOTHING = { 'zh-CN': '没有可以检查的内容。', en: 'Nothing in it asks anything outside that could be looked at.' }
const WELL = { 'zh-CN': '一切正常。', en: 'All is well.' }
const TO_DO = { 'zh-CN': '需要处理：', en: 'To be done: ' }

export function examinedAsText(examined: readonly Examined[], languages: readonly string[]): string {
  // Whoever writes their texts in Chinese reads this in Chinese: the first language of the YAML is theirs.
  const say = (text: Localized<string>) => visible(inLanguage(text, undefined, languages) ?? '')
  const blocks = examined.map(({ name, use, diagnoses, failure }) => {
    const lines = diagnoses.flatMap(({ about, state, says, next }) => [
      `  ${MARKS[state]} ${say(about)}: ${say(says)}`,
      ...(next ? [`      → ${say(next)}`] : []),
    ])
    const failed = failure === undefined ? [] : [`  ✗ ${visible(failure)}`]
    return [...(name ? [`${name} (${use})`] : []), ...lines, ...failed].join('\n')
  })
  const ill = examined.flatMap(({ diagnoses, failure }) => [
    ...diagnoses.filter(({ state }) => state === 'missing'),
    ...(failure === undefined ? [] : [failure]),
  ]).length
  const end = examined.length === 0 ? say(NOTHING) : ill === 0 ? say(WELL) : `${say(TO_DO)}${ill}`
  return `${[...blocks, end].join('\n\n')}\n`
}
