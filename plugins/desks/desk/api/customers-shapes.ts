/** What goes over the API about customers: their list, and what people change of them. As in `shapes.ts`. */
import { z } from 'zod'

const Id = z.string().min(1).max(256)
const Ms = z.int().nonnegative()
const Part = z.string().trim().min(1).max(200)
const Tag = z.string().trim().min(1).max(50)
/** More than this nobody reads. */
const MAX_TAGS = 50

export const ListedCustomer = z.object({
  id: Id,
  name: z.string().optional(),
  avatarUrl: z.string().optional(),
  language: z.string().optional(),
  tags: z.array(z.string()),
  fields: z.record(z.string(), z.json()),
  /** Where they write from: the id there is the platform's own. */
  chats: z.array(z.object({ channel: z.string(), externalId: z.string() })),
  firstAtMs: Ms,
  /** To the minute. */
  lastAtMs: Ms,
})
export type ListedCustomer = z.output<typeof ListedCustomer>

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

export const askedOfCustomers = {
  list: z.strictObject({
    /** In a name or an id, any part of it. */
    search: Part.optional(),
    name: Part.optional(),
    id: Part.optional(),
    tag: Tag.optional(),
    channel: Id.optional(),
    /** Who first came in this time. Left out both: this week; or ever, when something else is looked for. */
    from: z.coerce.number().int().nonnegative().optional(),
    until: z.coerce.number().int().positive().optional(),
    sort: z.enum(['newest', 'oldest', 'last-message', 'longest-silent']).default('newest'),
    cursor: z.string().max(512).optional(),
    limit: z.coerce.number().int().min(1).max(100).default(50),
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
