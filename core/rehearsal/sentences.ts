/**
 * The sentences of a scenario. A line's key says who does what (`amy sends anna`), its value the rest: one table of
 * them, for whoever reads scenarios and for editors.
 */
import { z } from 'zod'
import type { RefusalCode } from '../command.ts'
import { refuse } from '../config/hours.ts'
import { found } from '../config/problems.ts'
import { content, duration, languageTag } from '../config/schema.ts'
import { toParts } from '../message.ts'
import type { Act, ExpectedMessage, PlainCommand, PlainEvent } from './scenario.ts'

/** What a name in a sentence is the name of. */
export type Role = 'customer' | 'person' | 'channel' | 'team or person'

/** One kind of sentence. */
export interface Form {
  /** `['<person>', 'sends', '<customer>']`: what stands in brackets is a name. */
  readonly words: readonly string[]
  /** What stands after the colon. */
  readonly value: z.ZodType
  /** What the value is the name of, if it is one. */
  readonly names: Role | undefined
  /** For editors. */
  readonly about: string
  /** What the sentence means, or what zod has against its value. */
  read(value: unknown, names: readonly string[], people: readonly string[]): Act | z.ZodError
}

/** `make` gets the value and the names of the key, in their order. */
function form<T>(
  words: string,
  about: string,
  value: z.ZodType<T>,
  make: (value: T, names: readonly [string, string], people: readonly string[]) => Act,
  names?: Role,
): Form {
  return {
    words: words.split(' '),
    about,
    value,
    names,
    read(written, [first = '', second = ''], people) {
      const parsed = value.safeParse(written)
      return parsed.success ? make(parsed.data, [first, second], people) : parsed.error
    },
  }
}

const text = z.string().min(1)
const name = text

/** `/pattern/`, or `/pattern/i`. */
const PATTERN = /^\/(.+)\/([iu]*)$/s

/** A text, or a pattern of one. */
const textOrPattern = z.string().transform((written, context): string | RegExp => {
  const [, source, flags] = PATTERN.exec(written) ?? []
  if (source === undefined) return written
  try {
    return new RegExp(source, flags)
  } catch {
    const what = `${written} is no pattern: a bracket is not closed, or a sign stands where it means nothing.`
    refuse(context, found('CONFIG_WRONG_VALUE', { what, instead: 'Write a \\ before signs that mean themselves.' }))
    return z.NEVER
  }
})

const as = text
  .optional()
  .describe('The name under which it is seen, in the customer’s language; nobody: it comes without one.')
const media = { url: text.optional(), name: text.optional(), mimeType: text.optional(), as }

/** A part of a message, of which only the type must be given. */
const partialPart = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text: text.optional(), as }),
  z.strictObject({ type: z.literal('image'), ...media }),
  z.strictObject({ type: z.literal('audio'), ...media }),
  z.strictObject({ type: z.literal('video'), ...media }),
  z.strictObject({ type: z.literal('file'), ...media }),
  z.strictObject({
    type: z.literal('location'),
    latitude: z.number().optional(),
    longitude: z.number().optional(),
    label: text.optional(),
    as,
  }),
  z.strictObject({
    type: z.literal('link'),
    url: text.optional(),
    title: text.optional(),
    description: text.optional(),
    imageUrl: text.optional(),
    as,
  }),
  z.strictObject({
    type: z.literal('choices'),
    prompt: z.string().optional(),
    choices: z.array(z.strictObject({ id: text.optional(), label: text.optional() })).optional(),
    as,
  }),
  z.strictObject({
    type: z.literal('native'),
    platform: text.optional(),
    data: z.json().optional(),
    text: z.string().optional(),
    as,
  }),
])
export type PartialPart = Without<z.output<typeof partialPart>, 'as'>
type Without<T, K extends string> = T extends unknown ? Omit<T, K> : never

const NOTHING = 'nothing'
const message = z
  .union([textOrPattern, z.strictObject({ text: textOrPattern, as }), partialPart])
  .transform((written): ExpectedMessage => {
    if (typeof written === 'string' || written instanceof RegExp) return { said: written }
    const { as, ...said } = written
    return { said: 'type' in said ? said : said.text, as }
  })
const messages = z
  .union([message, z.array(message).min(1)])
  .meta({ switchboard: 'content' })
  .transform((written): readonly ExpectedMessage[] =>
    isOne(written) ? (written.said === NOTHING ? [] : [written]) : written,
  )

function isOne(written: ExpectedMessage | readonly ExpectedMessage[]): written is ExpectedMessage {
  return !Array.isArray(written)
}

const expectedState = z
  .strictObject({
    owner: name.optional().describe('Who answers: a bot, a desk, desk/team, a person, or nobody.'),
    state: z.enum(['bot', 'queued', 'assigned', 'closed']).optional().describe('The state of the conversation.'),
    outcome: z
      .enum(['answered', 'handed-off', 'to-desk', 'handled', 'dropped', 'ignored', 'failed'])
      .optional()
      .describe('What became of the latest event.'),
    because: textOrPattern.optional().describe('Why it became that: a text, or a /pattern/ of it.'),
    answer: z
      .enum(['understood', 'guided', 'unknown', 'none'])
      .optional()
      .describe('What kind of answer a bot gave to the latest event: none, when no bot answered it.'),
    intent: name.optional().describe('What the bot says that it has understood.'),
    language: languageTag().optional().describe('The language that the customer is answered in.'),
    fields: z.record(z.string(), z.json()).optional().describe('What is known of the customer, as far as written.'),
    question: z.enum(['open', 'none']).optional().describe('Whether a question of a feature or bot is open.'),
    left: z
      .union([z.int().min(0), z.literal('unlimited')])
      .optional()
      .describe('How many messages the platform still takes from a person.'),
  })
  .refine((state) => Object.keys(state).length > 0, { error: 'Nothing is looked at. Write at least one, as owner: …' })
/** What must be so of a customer; what is left out is not looked at. */
export type ExpectedState = z.output<typeof expectedState>

const states = z
  .record(z.string(), expectedState)
  .refine((all) => Object.keys(all).length > 0, { error: 'Nobody is looked at. Write a customer, as anna: { … }' })

/** So much may go by at once: every hour of it is gone through. */
const MAX_PAUSE_DAYS = 60

const pause = duration().superRefine((ms, context) => {
  if (ms <= MAX_PAUSE_DAYS * 86_400_000) return
  const what = `In a scenario at most ${MAX_PAUSE_DAYS} days go by at once.`
  refuse(context, found('CONFIG_WRONG_VALUE', { what, instead: `Write ${MAX_PAUSE_DAYS}d or less.` }))
})

const REFUSALS = [
  'NOT_FOUND',
  'NOT_OWNER',
  'ALREADY_OPEN',
  'NEW_MESSAGE',
  'WINDOW_CLOSED',
  'BLOCKED',
  'INVALID',
] as const satisfies readonly RefusalCode[]

const does = (customer: string, event: PlainEvent): Act => ({ type: 'does', customer, event })
const commands = (agent: string, customer: string, command: PlainCommand): Act => ({
  type: 'commands',
  agent,
  customer,
  command,
})

/** What can stand in a step. */
export const FORMS: readonly Form[] = [
  // ── customers ──
  form('<customer> says', 'Writes a text, or parts such as a picture.', content, (content, [customer]) => ({
    type: 'says',
    customer,
    content,
  })),
  form(
    '<customer> hears',
    'The next messages are these, in this order: texts, /patterns/, parts, { text, as } for the name under which one is seen, or nothing.',
    messages,
    (expected, [customer]) => ({ type: 'hears', customer, expected }),
  ),
  form('<customer> clicks', 'Picks one of the choices shown, by its label or id.', text, (choice, [customer]) => ({
    type: 'clicks',
    customer,
    choice,
  })),
  form('<customer> clicks menu', 'Clicks the platform’s menu: its key.', text, (key, [customer]) =>
    does(customer, { type: 'menu-click', key }),
  ),
  form('<customer> scans', 'Scans a code: the entry that it stands for.', text, (entry, [customer]) =>
    does(customer, { type: 'scan', entry }),
  ),
  form(
    '<customer> follows',
    'Follows the account of the channel.',
    name,
    (_, [customer]) => does(customer, { type: 'follow' }),
    'channel',
  ),
  form(
    '<customer> unfollows',
    'Follows the account of the channel no more.',
    name,
    (_, [customer]) => does(customer, { type: 'unfollow' }),
    'channel',
  ),
  form(
    '<customer> leaves',
    'Ends the chat, on the channel.',
    name,
    (_, [customer]) => does(customer, { type: 'chat-end' }),
    'channel',
  ),
  form('<customer> edits', 'Replaces their latest message by this.', content, (content, [customer]) => ({
    type: 'edits',
    customer,
    content,
  })),
  form('<customer> recalls', 'Takes back their latest message with these words.', text, (text, [customer]) => ({
    type: 'recalls',
    customer,
    text,
  })),
  form('<customer> does', 'Anything else that a platform reports: its kind.', text, (kind, [customer]) =>
    does(customer, { type: 'other', kind }),
  ),
  // ── people of the desks ──
  form('<person> is', 'Comes to the desk, or goes: there or gone.', z.enum(['there', 'gone']), (is, [person]) => ({
    type: 'attends',
    person,
    isThere: is === 'there',
  })),
  form(
    '<person> takes',
    'Takes a customer’s conversation.',
    name,
    (customer, [agent]) => commands(agent, customer, { type: 'take' }),
    'customer',
  ),
  form('<person> sends <customer>', 'Sends a customer a message.', content, (content, [agent, customer]) =>
    commands(agent, customer, { type: 'send', content }),
  ),
  form('<person> notes about <customer>', 'Notes something that only our side sees.', text, (text, [agent, customer]) =>
    commands(agent, customer, { type: 'note', text }),
  ),
  form(
    '<person> transfers <customer> to',
    'Gives the conversation to another person or team.',
    name,
    (to, [agent, customer], people) =>
      commands(agent, customer, { type: 'transfer', to: people.includes(to) ? { person: to } : { team: to } }),
    'team or person',
  ),
  form(
    '<person> assigns <customer> to',
    'Gives the conversation to a person.',
    name,
    (person, [agent, customer]) => commands(agent, customer, { type: 'assign', person }),
    'person',
  ),
  form(
    '<person> returns',
    'Gives a customer’s conversation back to the bot.',
    name,
    (customer, [agent]) => commands(agent, customer, { type: 'return' }),
    'customer',
  ),
  form(
    '<person> closes',
    'Closes a customer’s conversation.',
    name,
    (customer, [agent]) => commands(agent, customer, { type: 'close', because: 'solved' }),
    'customer',
  ),
  form('<person> calls <customer> back', 'Begins a conversation with this message.', content, (content, names) =>
    commands(names[0], names[1], { type: 'call-back', content }),
  ),
  form(
    '<person> writes <customer> elsewhere',
    'Writes to a customer in the platform’s own tool.',
    content,
    (content, [agent, customer]) => does(customer, { type: 'agent-message', agent, parts: toParts(content) }),
  ),
  // ── platforms ──
  form(
    '<channel> repeats',
    'The platform reports a customer’s latest event a second time.',
    name,
    (customer, [channel]) => ({ type: 'repeats', channel, customer }),
    'customer',
  ),
  form('<channel> refuses', 'The platform refuses the next message, with this code.', text, (code, [channel]) => ({
    type: 'refuses',
    channel,
    code,
  })),
  // ── the rest ──
  form('after', 'Time goes by, with all that becomes due in it.', pause, (ms) => ({ type: 'after', ms })),
  form('then', 'What must be so now, by customer.', states, (states) => ({
    type: 'then',
    customers: new Map(Object.entries(states)),
  })),
]

/** Stands behind what an agent does, in the same step: it must be refused with this code. */
export const REFUSED = { word: 'refused', value: z.enum(REFUSALS) } as const
