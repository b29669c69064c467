/** Reads the scenarios of a configuration: every mistake at its place, and nothing is played from a file with any. */
import { z } from 'zod'
import type { CheckedConfig, Path } from '../config/checked.ts'
import { explainIssues } from '../config/issues.ts'
import { nearest } from '../config/nearest.ts'
import { Finding, found } from '../config/problems.ts'
import { isRecord, type Placed, readBytes, readYaml, showPath, type YamlFile } from '../config/read.ts'
import { type Problem, problemAt, sortProblems } from '../config/report.ts'
import { languageTag } from '../config/schema.ts'
import type { Scenario, ScenarioCustomer, Scenarios, Sentence } from './scenario.ts'
import { type ExpectedState, FORMS, type Form, REFUSED, type Role } from './sentences.ts'
import { type StandInAnswer, standInAnswer } from './stand-in-bot.ts'

export type ReadScenarios =
  | { readonly ok: true; readonly scenarios: Scenarios }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/** `switchboard.test.yaml` stands beside `switchboard.yaml`. */
export function scenariosBeside(configuration: string): string {
  return configuration.replace(/(\.ya?ml)?$/, '.test$1')
}

/**
 * Reads and checks a file of scenarios against the configuration that they are about. `text`: what stands in it, when
 * it is not to be read from the file. Never throws.
 */
export async function readScenarios(path: string, config: CheckedConfig, text?: string): Promise<ReadScenarios> {
  const read = text === undefined ? await readYaml(path, {}) : readBytes(path, Buffer.from(text), {})
  if (!read.ok) {
    const problems = read.problems.map((one) => problemAt(inOurWords(one.finding, path, config), one, read))
    return { ok: false, problems: sortProblems(problems) }
  }
  const { file } = read
  const reader = new Reader(file, config)
  const scenarios = reader.all()
  const placed = [...read.problems, ...reader.placed]
  if (placed.length === 0) return { ok: true, scenarios: { file: file.shown, scenarios } }
  return { ok: false, problems: sortProblems(placed.map((one) => problemAt(one.finding, one, file))) }
}

/** What a missing or empty file is told, where a configuration would be told otherwise. */
function inOurWords(finding: Finding, path: string, { file }: CheckedConfig): Finding {
  const instead = 'Begin with  scenarios:  and below it  - scenario: …  and its  steps:'
  if (finding.code === 'CONFIG_NO_FILE') {
    const what = `There is no file "${showPath(path)}" with scenarios of ${showPath(file)}.`
    return new Finding(finding.code, { what, instead: `Write one. ${instead}` })
  }
  if (finding.code === 'CONFIG_DUPLICATE_KEY') {
    return new Finding(finding.code, {
      what: finding.what,
      instead: 'Keep one of them, or begin another step with a dash.',
    })
  }
  const isOfConfigurations = finding.code === 'CONFIG_EMPTY' || finding.what === 'The file is no map of sections.'
  return isOfConfigurations ? new Finding(finding.code, { what: finding.what, instead }) : finding
}

const text = z.string().min(1)

const customer = z.strictObject({
  channel: text.optional().describe('Where they write. Left out: the first channel of the routes.'),
  name: text.optional().describe('The name that the platform tells.'),
  language: languageTag().optional().describe('The language that the platform tells.'),
  fields: z.record(z.string(), z.json()).optional().describe('What else the platform tells of them.'),
})

const customers = z.record(z.string(), customer).describe('Who writes in the scenarios, by name.')
const bots = z
  .record(z.string(), z.array(standInAnswer).min(1))
  .describe('What bots that ask outside would answer, by name: the first answer whose words are said.')

const there = z
  .array(text)
  .describe('Who is at the desks when a scenario begins. Left out: nobody is; what is handed over waits.')

const step = z.unknown()
const scenario = z.strictObject({
  scenario: text.describe('What it shows, as a sentence.'),
  at: z.string().optional().describe('When its clock starts, as 2027-03-01 09:30, in the configuration’s time zone.'),
  bots: bots.optional(),
  there: there.optional(),
  steps: z.array(step).min(1).describe('What happens, and what must be so, in this order.'),
})

/** A file of scenarios. Its steps are read sentence by sentence. */
export const scenarioFile = z.strictObject({
  customers: customers.optional(),
  bots: bots.optional(),
  there: there.optional(),
  scenarios: z.array(scenario).min(1).describe('What is played, each with a clock and customers of its own.'),
})

type Written = z.output<typeof scenarioFile>

/** A Monday in office hours: when a scenario says nothing else. */
const DEFAULT_START = '2027-03-01 10:00'

/** What a customer does. Whoever only hears is not there. */
function begins({ words: [subject, verb] }: Form): boolean {
  return subject === '<customer>' && verb !== 'hears'
}

class Reader {
  readonly placed: Placed[] = []
  readonly #file: YamlFile
  readonly #config: CheckedConfig
  readonly #people: readonly string[]
  readonly #teams: readonly string[]
  readonly #desks: readonly string[]
  readonly #bots: readonly string[]
  readonly #channels: readonly string[]

  constructor(file: YamlFile, config: CheckedConfig) {
    this.#file = file
    this.#config = config
    this.#people = config.desks.flatMap(({ names }) => names.people)
    this.#teams = config.desks.flatMap(({ names }) => names.teams)
    this.#desks = config.desks.map(({ name }) => name)
    this.#bots = config.bots.map(({ name }) => name)
    this.#channels = config.channels.map(({ name }) => name)
  }

  #at(finding: Finding, path: Path, onKey = false): void {
    this.placed.push({ finding, span: onKey ? this.#file.keyAt(path) : this.#file.valueAt(path), path })
  }

  all(): readonly Scenario[] {
    for (const { name, path } of this.#file.variables) {
      const what = `A scenario takes no variables, and this is \${${name}}.`
      this.#at(new Finding('CONFIG_WRONG_VALUE', { what, instead: 'Write the value itself.' }), path)
    }
    const parsed = scenarioFile.safeParse(this.#file.value)
    if (!parsed.success) {
      const about = {
        file: this.#file,
        path: [],
        value: this.#file.value,
        schema: scenarioFile,
        owner: 'A scenario file',
      }
      this.placed.push(...explainIssues(parsed.error.issues, about))
      return []
    }
    this.#checkCustomers(parsed.data.customers ?? {})
    this.#checkBots(parsed.data.bots, [])
    this.#checkThere(parsed.data.there, [])
    return parsed.data.scenarios.map((one, index) => this.#scenario(one, parsed.data, ['scenarios', index]))
  }

  #checkCustomers(written: NonNullable<Written['customers']>): void {
    for (const [name, { channel }] of Object.entries(written)) {
      const path = ['customers', name]
      this.#checkCustomerName(name, path)
      if (channel !== undefined) this.#mustBeKnown('channel', channel, this.#channels, [...path, 'channel'])
    }
  }

  #checkCustomerName(name: string, path: Path): void {
    const taken = this.#people.includes(name) ? 'works at a desk' : this.#channels.includes(name) ? 'is a channel' : ''
    if (taken !== '') {
      const what = `${name} ${taken}, and cannot be a customer too.`
      this.#at(new Finding('CONFIG_NAME_TAKEN', { what, instead: 'Give the customer another name.' }), path, true)
    } else if (/\s/.test(name)) {
      const what = `"${name}" cannot be a customer’s name: it has a space.`
      this.#at(new Finding('CONFIG_BAD_NAME', { what, instead: 'Write one word.' }), path, true)
    }
  }

  #checkBots(written: Written['bots'], path: Path): void {
    for (const name of Object.keys(written ?? {})) {
      this.#mustBeKnown('bot', name, this.#bots, [...path, 'bots', name], true)
    }
  }

  #checkThere(written: Written['there'], path: Path): void {
    for (const [index, name] of (written ?? []).entries()) {
      this.#mustBeKnown('person', name, this.#people, [...path, 'there', index])
    }
  }

  #mustBeKnown(kind: string, name: string, known: readonly string[], path: Path, onKey = false): void {
    if (known.includes(name)) return
    this.#at(found('CONFIG_UNKNOWN_NAME', { kind, name, nearest: nearest(name, known), known }), path, onKey)
  }

  #scenario(written: Written['scenarios'][number], whole: Written, path: Path): Scenario {
    const name = written.scenario
    const first = whole.scenarios.findIndex((other) => other.scenario === name)
    if (path[1] !== first) {
      const line = this.#file.keyAt(['scenarios', first, 'scenario']).line
      const what = `The scenario in line ${line} has the same name.`
      const finding = new Finding('CONFIG_NAME_TAKEN', { what, instead: 'Give each a sentence of its own.' })
      this.#at(finding, [...path, 'scenario'])
    }
    this.#checkBots(written.bots, path)
    this.#checkThere(written.there, path)
    const customers = new Map<string, ScenarioCustomer>()
    const sentences = written.steps.flatMap((step, index) =>
      this.#step(step, [...path, 'steps', index], customers, whole.customers ?? {}),
    )
    return {
      name,
      line: this.#file.keyAt([...path, 'scenario']).line,
      startMs: this.#startOf(written.at ?? DEFAULT_START, [...path, 'at']),
      customers,
      there: written.there ?? whole.there ?? [],
      bots: new Map<string, readonly StandInAnswer[]>(Object.entries({ ...whole.bots, ...written.bots })),
      sentences,
    }
  }

  #startOf(written: string, path: Path): number {
    const [, day, time] = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2})$/.exec(written) ?? []
    try {
      if (day !== undefined) {
        return Temporal.PlainDateTime.from(`${day}T${time}`).toZonedDateTime(this.#config.timeZone).epochMilliseconds
      }
    } catch {
      // A day that the month has not, or an hour that the day has not.
    }
    const what = `"${written}" is no moment.`
    this.#at(new Finding('CONFIG_WRONG_VALUE', { what, instead: `Write a day and a time, as ${DEFAULT_START}.` }), path)
    return 0
  }

  #step(
    written: unknown,
    path: Path,
    customers: Map<string, ScenarioCustomer>,
    listed: NonNullable<Written['customers']>,
  ): readonly Sentence[] {
    if (!isRecord(written)) {
      const what = 'A step wants who does what, with a colon, and this has none.'
      this.#at(new Finding('CONFIG_WRONG_TYPE', { what, instead: 'Write it as  - anna says: hello' }), path)
      return []
    }
    const sentences: Sentence[] = []
    for (const [key, value] of Object.entries(written)) {
      const at = [...path, key]
      if (key === REFUSED.word) {
        const last = sentences.pop()
        const refused = this.#refused(value, last, at)
        if (refused) sentences.push(refused)
        continue
      }
      const meant = formOf(key)
      if (!meant) {
        this.#at(unknownSentence(key), at, true)
        // Whoever it is does something: what follows is not wrong for that.
        const [who = ''] = key.split(/\s+/)
        if (!this.#people.includes(who)) customers.set(who, this.#customer(who, listed, at))
        continue
      }
      const [subject = ''] = meant.names
      if (begins(meant.form) && !customers.has(subject)) customers.set(subject, this.#customer(subject, listed, at))
      const act = meant.form.read(value, meant.names, this.#people)
      if (act instanceof z.ZodError) {
        const about = { file: this.#file, path: at, value, schema: meant.form.value, owner: `"${key}"` }
        this.placed.push(...explainIssues(act.issues, about))
        continue
      }
      this.#checkNames(meant, value, { customers, path: at })
      if (act.type === 'then') this.#checkThen(act.customers, customers, at)
      sentences.push({ ...act, line: this.#file.keyAt(at).line, key })
    }
    return sentences
  }

  /** `refused:` belongs to what an agent does just before it. */
  #refused(value: unknown, last: Sentence | undefined, path: Path): Sentence | undefined {
    const parsed = REFUSED.value.safeParse(value)
    if (!parsed.success) {
      const about = { file: this.#file, path, value, schema: REFUSED.value, owner: '"refused"' }
      this.placed.push(...explainIssues(parsed.error.issues, about))
      return last
    }
    if (last?.type === 'commands') return { ...last, refused: parsed.data }
    const what = 'Only what an agent does can be refused, and nothing of that kind stands before this in the step.'
    this.#at(
      new Finding('CONFIG_WRONG_VALUE', { what, instead: 'Write it right below, as  amy takes: anna' }),
      path,
      true,
    )
    return last
  }

  #customer(name: string, listed: NonNullable<Written['customers']>, path: Path): ScenarioCustomer {
    const { channel, ...sender } = listed[name] ?? {}
    if (!Object.hasOwn(listed, name) && !this.#people.includes(name)) {
      this.#checkCustomerName(name, path)
      this.#mustNotBeMistyped(name, Object.keys(listed), path)
    }
    return { channel: channel ?? this.#config.routes.flatMap(({ from }) => from)[0] ?? '', sender }
  }

  /** Somebody who is not listed may write too; one whose name is nearly that of a listed one hardly does. */
  #mustNotBeMistyped(name: string, listed: readonly string[], path: Path): void {
    const meant = nearest(name, listed)
    if (meant === undefined) return
    const what = `${name} is not listed under customers:, and ${meant} is.`
    const instead = `Write ${meant} instead, or list ${name} too.`
    this.#at(new Finding('CONFIG_UNKNOWN_NAME', { what, instead }), path, true)
  }

  /** Every name in the sentence is of someone or something that is there. */
  #checkNames(
    { form, names }: Meant,
    value: unknown,
    { customers, path }: { readonly customers: ReadonlyMap<string, ScenarioCustomer>; readonly path: Path },
  ): void {
    const roles = form.words.filter((word) => word.startsWith('<')).map((word) => word.slice(1, -1))
    names.forEach((name, index) => {
      const role = roles[index]
      if (role === 'person') this.#mustBeKnown('person', name, this.#people, path, true)
      else if (role === 'channel') this.#mustBeKnown('channel', name, this.#channels, path, true)
      else if (this.#people.includes(name)) {
        const what = `${name} works at a desk, and "${form.words.slice(1).join(' ')}" is for customers.`
        const instead = `Write  ${name} sends <customer>: …`
        this.#at(new Finding('CONFIG_WRONG_VALUE', { what, instead }), path, true)
      } else this.#mustBeThere(name, customers, path, true)
    })
    if (form.names !== undefined && typeof value === 'string')
      this.#checkValue(form.names, value, names, customers, path)
    const [channel = ''] = names
    if (roles[0] === 'channel' && form.names === 'customer' && this.#channels.includes(channel))
      this.#mustBeOn(channel, String(value), customers, path, true)
  }

  #checkValue(
    role: Role,
    value: string,
    [subject = '']: readonly string[],
    customers: ReadonlyMap<string, ScenarioCustomer>,
    path: Path,
  ): void {
    switch (role) {
      case 'customer':
        this.#mustBeThere(value, customers, path)
        break
      case 'person':
        this.#mustBeKnown(role, value, this.#people, path)
        break
      case 'team or person':
        this.#mustBeKnown(role, value, [...this.#people, ...this.#teams], path)
        break
      case 'channel':
        this.#mustBeOn(value, subject, customers, path)
    }
  }

  #mustBeOn(
    channel: string,
    name: string,
    customers: ReadonlyMap<string, ScenarioCustomer>,
    path: Path,
    onKey = false,
  ): void {
    const own = customers.get(name)?.channel
    if (own === channel || own === undefined) return
    const what = `${name} is on ${own}, not on ${channel}.`
    const instead = `Write ${own}, or give ${name} another channel under customers:`
    this.#at(new Finding('CONFIG_WRONG_VALUE', { what, instead }), path, onKey)
  }

  #mustBeThere(name: string, customers: ReadonlyMap<string, unknown>, path: Path, onKey = false): void {
    if (customers.has(name)) return
    const meant = nearest(name, customers.keys())
    const what = `${name} has not written anything before this.`
    const instead = meant ? `Write ${meant} instead.` : `Let ${name} write first, as  - ${name} says: hello`
    this.#at(new Finding('CONFIG_UNKNOWN_NAME', { what, instead }), path, onKey)
  }

  #checkThen(states: ReadonlyMap<string, ExpectedState>, customers: ReadonlyMap<string, unknown>, path: Path): void {
    const places = this.#config.desks.flatMap(({ name, names }) => names.teams.map((team) => `${name}/${team}`))
    const owners = ['nobody', ...this.#bots, ...this.#people, ...this.#desks, ...places]
    for (const [name, { owner }] of states) {
      this.#mustBeThere(name, customers, [...path, name], true)
      if (owner !== undefined) this.#mustBeKnown('owner', owner, owners, [...path, name, 'owner'])
    }
  }
}

interface Meant {
  readonly form: Form
  readonly names: readonly string[]
}

function isName(word: string): boolean {
  return word.startsWith('<')
}

/** The sentence that a key begins, and the names in it. */
function formOf(key: string): Meant | undefined {
  const said = key.split(/\s+/)
  const form = FORMS.find(
    ({ words }) => words.length === said.length && words.every((word, i) => isName(word) || word === said[i]),
  )
  return form && { form, names: said.filter((_, i) => isName(form.words[i] ?? '')) }
}

/** What was probably meant by a key that begins no sentence. */
function unknownSentence(key: string): Finding {
  const said = key.split(/\s+/)
  const filled = FORMS.filter(({ words }) => words.length === said.length).map(({ words }) =>
    words.map((word, i) => (isName(word) ? said[i] : word)).join(' '),
  )
  const near = nearest(key, [...filled, REFUSED.word])
  const like = FORMS.find(({ words }) => words.some((word) => !isName(word) && said.includes(word)))
  const what = `"${key}" is nothing that happens in a scenario.`
  if (near !== undefined) return new Finding('CONFIG_UNKNOWN_KEY', { what, instead: `Write "${near}" instead.` })
  const of = (subject: string) =>
    FORMS.filter(({ words }) => words[0] === subject).map(({ words }) => words.slice(1).join(' '))
  const known = `Customers: ${of('<customer>').join(', ')}. People: ${of('<person>').join(', ')}.`
  const instead = like ? `Write it as  ${like.words.join(' ')}: …` : known
  return new Finding('CONFIG_UNKNOWN_KEY', { what, instead })
}
