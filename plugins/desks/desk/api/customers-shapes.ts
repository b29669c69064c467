/** What goes over the API about customers: who they are, their list, and what people change of them. As in `shapes.ts`. */
import { z } from 'zod'
import { Entry, Stretch } from './shapes.ts'

const Id = z.string().min(1).max(256)
const Ms = z.int().nonnegative()
const Part = z.string().trim().min(1).max(200)
const Tag = z.string().trim().min(1).max(50)
/** More than this nobody reads. */
export const MAX_TAGS = 50

const known = {
  id: Id,
  name: z.string().optional(),
  avatarUrl: z.string().optional(),
  language: z.string().optional(),
  tags: z.array(z.string()),
  fields: z.record(z.string(), z.json()),
  firstAtMs: Ms,
  /** To the minute. */
  lastAtMs: Ms,
}

export const ListedCustomer = z.object({
  ...known,
  /** Where they write from: the id there is the platform's own. */
  chats: z.array(z.object({ channel: z.string(), externalId: z.string() })),
  isBlocked: z.boolean(),
})
export type ListedCustomer = z.output<typeof ListedCustomer>

export const Blocked = z.object({
  reason: z.string(),
  /** Left out: the YAML has it, and it is removed there. */
  by: z.string().optional(),
  atMs: Ms.optional(),
  untilMs: Ms.optional(),
})
export type Blocked = z.output<typeof Blocked>

export const Customer = z.object({
  ...known,
  /** The same with the chats by their ids. */
  chats: z.array(z.object({ chat: Id, channel: z.string(), externalId: z.string() })),
  /** The latest first, at most 50. */
  conversations: z.array(Stretch),
  /** Left out: nothing here can turn customers away. */
  blacklist: z.array(Blocked).optional(),
})
export type Customer = z.output<typeof Customer>

export const CustomerList = z.object({
  customers: z.array(ListedCustomer),
  /** To be given as `cursor` for the next page. Left out: this is the last. */
  next: z.string().optional(),
  /** The customers who first came in this time. Left out: all. */
  created: z.object({ fromMs: Ms, untilMs: Ms }).optional(),
  /** By whose clocks the week begins. */
  timeZone: z.string(),
})
export type CustomerList = z.output<typeof CustomerList>

export const History = z.object({
  /** The oldest first. Numbers are those of each one’s chat. */
  entries: z.array(Entry),
  /** The conversations that these entries belong to, oldest first. */
  conversations: z.array(Stretch),
  /** To be given as `before`, or as `after`, for what is beyond. Left out: there is nothing. */
  before: z.string().optional(),
  after: z.string().optional(),
})
export type History = z.output<typeof History>

export const askedOfCustomers = {
  list: z.strictObject({
    /** In a name or an id, any part of it. */
    search: Part.optional(),
    name: Part.optional(),
    id: Part.optional(),
    tag: Tag.optional(),
    channel: Id.optional(),
    /** Only those who are turned away: the latest thousand that were listed. */
    blocked: z.literal('yes').optional(),
    /** Who first came then. Left out, with `from` and `until`: this week; or ever, when something else is looked for. */
    came: z.enum(['this-week', 'ever']).optional(),
    /** Who first came in this time. */
    from: z.coerce.number().int().nonnegative().optional(),
    until: z.coerce.number().int().positive().optional(),
    sort: z.enum(['newest', 'oldest', 'last-message', 'longest-silent']).default('newest'),
    cursor: z.string().max(512).optional(),
    limit: z.coerce.number().int().min(1).max(100).default(50),
  }),
  history: z.strictObject({
    /** What a page gave as such. Left out both: the latest. */
    before: z.string().max(8_192).optional(),
    after: z.string().max(8_192).optional(),
    /** Beginning with this conversation. */
    conversation: Id.optional(),
    limit: z.coerce.number().int().min(1).max(200).default(60),
  }),
  /** A field that is null is taken away. The id is no field: nobody changes it. */
  change: z.strictObject({
    name: z.string().trim().min(1).max(200).optional(),
    fields: z.record(z.string().max(100), z.string().max(4000).nullable()),
  }),
  tags: z.strictObject({ add: z.array(Tag).max(MAX_TAGS), remove: z.array(Tag).max(MAX_TAGS) }),
  merge: z.strictObject({
    /** The customer who stays, with the chats of both. */
    into: Id,
  }),
  callBack: z.strictObject({
    id: z.string().min(8).max(128),
    /** The chat of the customer to call back in. */
    chat: Id,
    text: z.string().min(1).max(10_000),
  }),
}
