/** The settings: who works here, in which teams, and how conversations come to them. */
import { duration, hours, keyword, localized, refers, say, z } from '#core'

const Person = z.strictObject({
  name: z.string().min(1).describe('What colleagues see.'),
  role: z
    .enum(['agent', 'supervisor', 'administrator'])
    .default('agent')
    .describe('What they may do: an agent serves, a supervisor sees all teams, an administrator lets people in.'),
  capacity: z.int().min(1).default(5).describe('How many conversations at once.'),
  skills: z.array(z.string().min(1)).default([]).describe('What they can do, in words of yours: teams ask for them.'),
  mayServe: z
    .array(refers('channel'))
    .min(1)
    .optional()
    .describe('The only channels whose customers they may serve. Left out: every one.'),
})

const Source = z.union([
  refers('channel'),
  z.strictObject({
    channel: refers('channel').describe('The channel.'),
    entry: z.string().min(1).describe('Where inside it the customer comes from: a page, a store, a code.'),
  }),
])

const Team = z.strictObject({
  members: z.array(refers('person')).min(1).optional().describe('Who works in it. Left out: all who have its skills.'),
  skills: z.array(z.string().min(1)).min(1).optional().describe('Everybody who has all of these works in it.'),
  sources: z
    .array(Source)
    .min(1)
    .optional()
    .describe('What it takes: a channel, or { channel, entry }. Left out: every channel.'),
  hours: hours().optional().describe('When it is there. Left out: always.'),
  state: z
    .enum(['open', 'closed'])
    .default('open')
    .describe('Closed: it is given nothing new, and what its members have goes on.'),
  priority: z
    .int()
    .default(0)
    .describe('Whoever works in several teams is given the conversations of the highest first.'),
  assign: z
    .enum(['least-busy', 'round-robin', 'by-hand'])
    .default('least-busy')
    .describe('Who is given the next one: who has the fewest, each in turn, or nobody: they take them.'),
  answerWithin: duration()
    .optional()
    .describe('Whoever has not answered a new conversation by then loses it to a colleague. Left out: nobody does.'),
  maxWaiting: z.int().min(1).optional().describe('No more than so many wait; who comes then goes to `overflow`.'),
  overflow: refers('team')
    .optional()
    .describe('The team that helps out when this one is closed, has nobody there, or too many wait.'),
})

const Status = z.strictObject({
  name: localized().describe('What colleagues see.'),
  chats: z.boolean().describe('Whether they are given conversations, and may write, while they are in it.'),
})

const Customers = z.strictObject({
  forAgents: z
    .boolean()
    .default(false)
    .describe('Whether agents have the list of customers, with those whom they or their teams have served.'),
  weekStartsOn: z.enum(['monday', 'saturday', 'sunday']).default('monday').describe('What "this week" begins with.'),
  fields: z
    .record(z.string().min(1).max(100), z.strictObject({ name: localized().describe('What colleagues see.') }))
    .default({})
    .describe('What is kept of customers besides realName, phone, qq, email, company and notes.'),
})

const SummaryField = z.strictObject({
  name: localized().describe('What colleagues see.'),
  options: z
    .record(z.string().min(1).max(100), localized())
    .optional()
    .describe('What can be chosen, by names of yours, each as colleagues see it. Left out: a text is written.'),
  required: z.boolean().default(false).describe('Whether a conversation is closed only with it.'),
  default: z.string().min(1).optional().describe('What it is when nothing is said; of options, the name of one.'),
  teams: z
    .array(refers('team'))
    .min(1)
    .optional()
    .describe('Only conversations of these teams have it. Left out: all have, also those that a bot has.'),
})

export const Settings = z.strictObject({
  people: z.record(z.string(), Person).describe('The agents, by the name that the YAML calls them.'),
  teams: z.record(z.string(), Team).describe('Agents who share work.'),
  statuses: z
    .record(z.string().min(1), Status)
    .default({})
    .describe('More statuses besides online, busy, away and meeting, or others in their place.'),
  greeting: say().optional().describe('What an agent says first, under their own name, in each conversation.'),
  leaveWords: z.array(keyword()).default([]).describe('By these words a waiting customer leaves the queue.'),
  grace: duration('60s').describe(
    'How long somebody may be away, by a dropped connection or a status without chats, before others get what they have.',
  ),
  remindAfter: duration('5m').describe(
    'Whoever is still away so long after the hours of their team began is reminded.',
  ),
  customers: Customers.prefault({}).describe('The list of customers, and what is kept of them.'),
  summary: z
    .record(z.string().min(1).max(100), SummaryField)
    .prefault({ summary: { name: { 'zh-CN': '小结', en: 'Summary' } } })
    .describe('What is noted of a conversation when it is closed: fields by names of yours. `{}`: nothing.'),
  lingerFor: duration('2m').describe('So long after the end, what a customer writes goes to the same agent again.'),
})
export type Settings = z.output<typeof Settings>
export type PersonSettings = Settings['people'][string]
export type TeamSettings = Settings['teams'][string]

/** Who works in a team: the named ones, or all who have its skills. */
export function membersOf({ members, skills }: TeamSettings, people: Settings['people']): readonly string[] {
  if (members) return members
  return Object.keys(people).filter((name) => skills?.every((skill) => people[name]?.skills.includes(skill)))
}

/** Whether they may serve the customers of a channel. */
export function mayServe(person: PersonSettings | undefined, channel: string): boolean {
  return person?.mayServe?.includes(channel) ?? true
}

/** The channels that a team takes anything of; `undefined`: every one. */
export function channelsOf({ sources }: TeamSettings): readonly string[] | undefined {
  return sources && [...new Set(sources.map((source) => (typeof source === 'string' ? source : source.channel)))]
}
