/**
 * What goes over the API of the desk: the shapes of what is asked and answered, and of what the stream tells.
 *
 * It imports zod and nothing else, so that the workbench can import its types. Nothing here is prose: what happened is
 * a code with parameters, and the screen has the words.
 */
import { z } from 'zod'

const Id = z.string().min(1).max(256)
const Ms = z.int().nonnegative()
/** A name of the YAML: of a person, team, channel, bot. */
const Name = z.string().min(1).max(256)
/** One value for everybody, or one per language. */
export const Text = z.union([z.string(), z.record(z.string(), z.string())])
export type Text = z.output<typeof Text>

/** Why something is so: the screen has the words for the code. */
export const Reason = z.object({
  code: z.string(),
  params: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
})
export type Reason = z.output<typeof Reason>

/** An error, with any status of 400 and above. `message` is for whoever reads answers by eye; screens have the code. */
export const Refused = Reason.extend({ message: z.string() })
export type Refused = z.output<typeof Refused>

// ── who ─────────────────────────────────────────────────────────────────────────────────────

/** Each may do what the ones before it may. */
export const Role = z.enum(['agent', 'supervisor', 'administrator'])
export type Role = z.output<typeof Role>

/** As whom customers see somebody. */
export const Face = z.object({ name: Text, line2: Text.optional(), avatarUrl: z.string().optional() })
export type Face = z.output<typeof Face>

/** Who said or did something. */
export const By = z.object({
  kind: z.enum(['customer', 'agent', 'bot', 'feature', 'channel', 'desk', 'core']),
  /** As the YAML calls the agent, bot, feature, channel or desk. A supervisor who acts for others is the desk. */
  name: z.string().optional(),
  /** An agent's own name, as colleagues see it. */
  title: z.string().optional(),
  /** As whom the customer saw it. */
  seenAs: Face.optional(),
})
export type By = z.output<typeof By>

/** A person at the desk, now. */
export const Person = z.object({
  name: Name,
  title: z.string(),
  role: Role,
  /** `by`: who has put them there. Left out: nobody yet. */
  status: z.object({ name: Name, isForChats: z.boolean(), sinceMs: Ms, by: By.optional() }),
  /** Whether a screen of theirs is connected. */
  isConnected: z.boolean(),
  teams: z.array(Name),
  /** Conversations that they have now, and how many at most. */
  load: z.int(),
  capacity: z.int(),
  /**
   * When they last wrote to a customer. Left out: not that the desk knows. It is told with the next change of anything
   * else; what is newer stands in the rows.
   */
  lastReplyAtMs: Ms.optional(),
  /** Whether they may be given conversations now, or why not. */
  mayChat: z.union([z.literal(true), Reason]),
  /** The hours of this team have begun since then, and they are still in the status without chats of before. */
  reminder: z.object({ team: Name, sinceMs: Ms }).optional(),
})
export type Person = z.output<typeof Person>

export const Status = z.object({ name: Name, title: Text, isForChats: z.boolean() })
export type Status = z.output<typeof Status>

export const Team = z.object({
  name: Name,
  members: z.array(Name),
  /** The channels that it takes; left out: all. */
  sources: z.array(Name).optional(),
  isOpen: z.boolean(),
  /** How many wait for it. */
  waiting: z.int(),
})
export type Team = z.output<typeof Team>

/** Who is signed in here. */
export const Me = z.object({
  /** The person's name in the YAML, or the name of a token. */
  name: Name,
  title: z.string(),
  role: Role,
  /** The teams whose conversations are theirs to see. Left out: all. */
  teams: z.array(Name).optional(),
  desk: Name,
  /** When the session ends if nothing is done by then. Left out for a token. */
  sessionEndsAtMs: Ms.optional(),
  /** How often somebody has failed to sign in as them since they last did. */
  failedSignIns: z.int(),
})
export type Me = z.output<typeof Me>

export const Session = z.object({
  id: Id,
  isThis: z.boolean(),
  startedAtMs: Ms,
  lastSeenAtMs: Ms,
  address: z.string(),
  browser: z.string(),
})
export type Session = z.output<typeof Session>

/** Somebody of the YAML, and how they come in. */
export const Account = z.object({
  name: Name,
  title: z.string(),
  role: Role,
  teams: z.array(Name),
  hasPassword: z.boolean(),
  /** Until when the link is good by which they may set a password. Left out: there is none. */
  invitedUntilMs: Ms.optional(),
  /** Where they are signed in, the latest first. */
  sessions: z.array(Session.omit({ isThis: true })),
})
export type Account = z.output<typeof Account>

export const Token = z.object({
  id: Id,
  name: z.string(),
  role: Role,
  /** Left out: all. */
  teams: z.array(Name).optional(),
  madeAtMs: Ms,
  madeBy: Name,
})
export type Token = z.output<typeof Token>

// ── conversations ───────────────────────────────────────────────────────────────────────────

export const ListName = z.enum(['mine', 'queue', 'bot', 'all', 'closed'])
export type ListName = z.output<typeof ListName>

export const State = z.enum(['bot', 'queued', 'assigned', 'closed'])
export type State = z.output<typeof State>

export const PartType = z.enum(['text', 'image', 'audio', 'video', 'file', 'location', 'link', 'choices', 'native'])
export type PartType = z.output<typeof PartType>

/** What was noted of a conversation when it was closed, by the names of the fields. */
export const Summary = z.record(z.string().max(256), z.string().max(10_000))
export type Summary = z.output<typeof Summary>

/** How the customer found a conversation, as far as something in the YAML asks them. */
export const Rating = z.object({
  /** Left out: they said it by themselves. */
  askedAtMs: Ms.optional(),
  /** Left out: they were asked, and have not said anything. */
  given: z
    .object({
      /** From 1, the worst, to `of`, the best. */
      score: z.number(),
      of: z.number(),
      words: z.string().optional(),
      atMs: Ms,
    })
    .optional(),
})
export type Rating = z.output<typeof Rating>

/** A field of the summary, as the settings have it. */
export const SummaryField = z.object({
  name: Name,
  title: Text,
  /** What can be chosen. Left out: it is a text. */
  options: z.array(z.object({ name: Name, title: Text })).optional(),
  isRequired: z.boolean(),
  /** What it is when nothing is said. */
  otherwise: z.string().optional(),
  /** Only conversations of these teams have it. Left out: all. */
  teams: z.array(Name).optional(),
})
export type SummaryField = z.output<typeof SummaryField>

/** A conversation as a row of a list. */
export const Row = z.object({
  id: Id,
  chat: Id,
  customer: z.object({
    id: Id,
    name: z.string().optional(),
    avatarUrl: z.string().optional(),
    language: z.string().optional(),
  }),
  /** As the YAML calls it now; the account of one that is gone. */
  channel: z.string(),
  /** Where inside the account it came from: a page, a QR scene, a store. */
  entry: z.string().optional(),
  state: State,
  /** Who has it; once closed, who had it last. */
  bot: Name.optional(),
  team: Name.optional(),
  person: Name.optional(),
  origin: z.enum(['customer', 'callback']),
  /** To be given back with a command, which is refused when the owner has changed since. */
  lease: z.int(),
  openedAtMs: Ms,
  queuedAtMs: Ms.optional(),
  /** While it waits for people: why it does, as the plugin or person gave the reason. */
  queuedBecause: z.string().optional(),
  assignedAtMs: Ms.optional(),
  closed: z
    .object({
      atMs: Ms,
      reason: z.string(),
      by: By.optional(),
      summary: Summary.optional(),
      rating: Rating.optional(),
    })
    .optional(),
  /** The number of the chat's latest entry: who has those up to it has all. */
  head: z.int(),
  /** What was said last. */
  last: z.object({ by: By, text: z.string(), part: PartType, atMs: Ms }).optional(),
  /** When the customer wrote the first message that no agent or bot has answered. */
  waitingSinceMs: Ms.optional(),
  /** Messages of the customer that I have not read; at most 99. */
  unread: z.int(),
  isBlocked: z.boolean(),
  /** Messages of ours that did not get through and can be sent again. */
  failed: z.int(),
  /** Who looks at it now, I left out. */
  lookers: z.array(Name),
})
export type Row = z.output<typeof Row>

export const Counts = z.object({
  mine: z.int(),
  queue: z.int(),
  bot: z.int(),
  /** All that are open. */
  all: z.int(),
})
export type Counts = z.output<typeof Counts>

export const Rows = z.object({
  rows: z.array(Row),
  /** To be given as `cursor` for the next page. Left out: this is the last. */
  next: z.string().optional(),
})
export type Rows = z.output<typeof Rows>

// ── what was said ───────────────────────────────────────────────────────────────────────────

const file = {
  /** Whole (`https://…`), or relative to the address of the desk (`api/chats/…`). */
  url: z.string(),
  name: z.string().optional(),
  mimeType: z.string().optional(),
  sizeBytes: z.number().optional(),
  durationMs: z.number().optional(),
  transcript: z.string().optional(),
}

export const Part = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('image'), ...file }),
  z.object({ type: z.literal('audio'), ...file }),
  z.object({ type: z.literal('video'), ...file }),
  z.object({ type: z.literal('file'), ...file }),
  z.object({
    type: z.literal('location'),
    latitude: z.number(),
    longitude: z.number(),
    label: z.string().optional(),
  }),
  z.object({
    type: z.literal('link'),
    url: z.string(),
    title: z.string(),
    description: z.string().optional(),
    imageUrl: z.string().optional(),
  }),
  z.object({
    type: z.literal('choices'),
    prompt: z.string(),
    choices: z.array(z.object({ id: z.string(), label: z.string() })),
  }),
  /** What only one platform has; `text` says it for all others. */
  z.object({ type: z.literal('native'), platform: z.string(), text: z.string() }),
])
export type Part = z.output<typeof Part>

/** One platform message of a reply, and what became of it. */
export const Delivery = z.object({
  id: Id,
  state: z.enum(['pending', 'sending', 'sent', 'dead', 'unknown', 'cancelled']),
  /** Why it did not get through, as the channel says it. */
  code: z.string().optional(),
  /** Whether `POST /conversations/:conversation/resend` may be tried. */
  canSendAgain: z.boolean(),
})
export type Delivery = z.output<typeof Delivery>

const entry = {
  id: Id,
  seq: z.int(),
  atMs: Ms,
  by: By,
  /** Left out: it belongs to the chat, and to no conversation. */
  conversation: Id.optional(),
}

/** One thing that happened in a chat, in its one order. Numbers may be missing: not all that happens is shown. */
export const Entry = z.discriminatedUnion('kind', [
  z.object({
    ...entry,
    kind: z.literal('message'),
    /** As they are now, after edits. None, once the customer has taken the message back. */
    parts: z.array(Part),
    changed: z.enum(['edited', 'recalled']).optional(),
    /** The id of the choice that was picked. */
    choice: z.string().optional(),
    /** A guard turned it away: nobody was told. */
    isDropped: z.boolean().optional(),
  }),
  /** What our side said. */
  z.object({ ...entry, kind: z.literal('reply'), parts: z.array(Part), deliveries: z.array(Delivery) }),
  /** What our side wrote for itself. */
  z.object({ ...entry, kind: z.literal('note'), text: z.string() }),
  /** A message was edited or taken back: whoever shows it changes it there. */
  z.object({
    ...entry,
    kind: z.literal('change'),
    what: z.enum(['edited', 'recalled']),
    /** The id of the entry; left out: it is not kept any more. */
    of: Id.optional(),
    parts: z.array(Part),
  }),
  /** The customer did something: followed, clicked in the menu, scanned. */
  z.object({
    ...entry,
    kind: z.literal('deed'),
    code: z.enum(['menu-click', 'scan', 'follow', 'unfollow', 'chat-end', 'other']),
    params: z.record(z.string(), z.string()),
  }),
  /** The conversation's own life: `because` is what the plugin or person gave as the reason. */
  z.object({
    ...entry,
    kind: z.literal('life'),
    code: z.enum([
      'conversation.opened',
      'conversation.queued',
      'conversation.assigned',
      'conversation.returned',
      'conversation.closed',
    ]),
    person: Name.optional(),
    because: z.string().optional(),
  }),
])
export type Entry = z.output<typeof Entry>

/** What the platform still takes from us in a chat. */
export const Sendable = z.object({
  /** How many messages. Left out: any number. */
  left: z.int().optional(),
  /** Of how many: what the platform takes in all, until then. Left out: any number, or nothing before the customer writes. */
  max: z.int().optional(),
  /** When the window ends, or ended. Left out: never. */
  untilMs: Ms.optional(),
  /** Why nothing can be sent now. */
  closed: z.enum(['never-later', 'no-event', 'over', 'used-up', 'kept-for-people', 'channel-down']).optional(),
})
export type Sendable = z.output<typeof Sendable>

/** A conversation as a stretch of a chat: where the separators stand. */
export const Stretch = z.object({
  id: Id,
  state: State,
  openedAtMs: Ms,
  closedAtMs: Ms.optional(),
  closeReason: z.string().optional(),
  summary: Summary.optional(),
  rating: Rating.optional(),
  origin: z.enum(['customer', 'callback']),
  channel: z.string(),
  chat: Id,
  team: Name.optional(),
  person: Name.optional(),
  bot: Name.optional(),
})
export type Stretch = z.output<typeof Stretch>

/** What the bot would say: for whoever has the conversation to use, change or leave. Never sent by itself. */
export const Suggestion = z.object({ id: Id, text: z.string() })
export type Suggestion = z.output<typeof Suggestion>

export const Entries = z.object({
  /** By rising numbers. */
  entries: z.array(Entry),
  /** Whether there are more in the direction that was asked for. */
  more: z.boolean(),
  /** The number of the chat's latest entry. */
  head: z.int(),
  /** The conversations that these entries belong to, oldest first. */
  conversations: z.array(Stretch),
  /** For what the customer has said since somebody last answered, the latest first. None, once somebody has. */
  suggestions: z.array(Suggestion),
})
export type Entries = z.output<typeof Entries>

/** One step of a decision. */
export const Step = z.object({
  stage: z.string(),
  by: z.string(),
  did: z.string(),
  because: z.string().optional(),
  ms: z.number().optional(),
  /** `<revision>:<line>`: where the YAML says so. */
  line: z.string().optional(),
})
export type Step = z.output<typeof Step>

/** Why a conversation is where it is: every change of it, with the steps of what caused it. */
export const Why = z.object({
  changes: z.array(
    z.object({
      type: z.enum(['opened', 'queued', 'assigned', 'returned', 'closed']),
      atMs: Ms,
      by: By,
      because: z.string(),
      lease: z.int(),
      bot: Name.optional(),
      team: Name.optional(),
      person: Name.optional(),
      /** Of the event or command that caused it; none when they are no longer kept. */
      steps: z.array(Step),
    }),
  ),
})
export type Why = z.output<typeof Why>

// ── the desk now ────────────────────────────────────────────────────────────────────────────

export const Now = z.object({
  people: z.array(Person),
  teams: z.array(Team),
  statuses: z.array(Status),
  channels: z.array(z.string()),
  /** By whose clocks days begin. */
  timeZone: z.string(),
  customers: z.object({
    /** Whether agents have the list of customers. */
    isForAgents: z.boolean(),
    /** What is kept of customers besides the fields that are always there, with its title. */
    fields: z.array(z.object({ name: Name, title: Text })),
    /** Whether customers can be turned away here. */
    hasBlacklist: z.boolean(),
  }),
  /** What is noted of a conversation when it is closed. */
  summary: z.array(SummaryField),
})
export type Now = z.output<typeof Now>

export const AuditLine = z.object({
  id: Id,
  atMs: Ms,
  /** Of what was done here: the person, or the token that acted for the desk. */
  who: z.string().optional(),
  by: By,
  /** As `desk.transfer`, `people.status`. */
  action: z.string(),
  /** From which address. */
  from: z.string().optional(),
  /** What was named: a conversation, a customer, a person. */
  about: z.record(z.string(), z.string()).optional(),
  before: z.json().optional(),
  after: z.json().optional(),
})
export type AuditLine = z.output<typeof AuditLine>

// ── what is asked ───────────────────────────────────────────────────────────────────────────

/** A command: the id is made by whoever gives it. The same id again does nothing, and is answered as the first time. */
const command = {
  id: z.string().min(8).max(128),
  /** The `lease` of the row that was seen; left out: whoever has it now. */
  lease: z.int().optional(),
}
const Words = z.string().max(10_000)
const Note = Words.min(1)

const auditFilter = {
  /** From this moment on, up to but not including the other. */
  from: z.coerce.number().int().nonnegative().optional(),
  until: z.coerce.number().int().positive().optional(),
  /** The name of a person or token that has acted, or of a plugin. */
  who: Name.optional(),
  /** Such as `desk.transfer`; with a dot at the end, such as `desk.`: all that begin so. */
  action: z.string().min(1).max(100).optional(),
}

export const asked = {
  signIn: z.strictObject({ person: Name, password: z.string().min(1).max(1024) }),
  link: z.strictObject({ link: z.string().min(1).max(256) }),
  useLink: z.strictObject({ link: z.string().min(1).max(256), password: z.string().min(1).max(1024) }),
  password: z.strictObject({ now: z.string().min(1).max(1024), next: z.string().min(1).max(1024) }),
  status: z.strictObject({ status: Name }),
  token: z.strictObject({ name: z.string().min(1).max(100), role: Role, teams: z.array(Name).min(1).optional() }),
  send: z.strictObject({
    ...command,
    text: Words.optional(),
    /** What `POST /files` gave. */
    files: z.array(z.string().max(2048)).max(10).optional(),
  }),
  note: z.strictObject({ ...command, text: Note }),
  take: z.strictObject(command),
  assign: z.strictObject({ ...command, person: Name, team: Name.optional() }),
  transfer: z.strictObject({
    ...command,
    person: Name.optional(),
    team: Name.optional(),
    /** For the colleague. */
    note: Note.optional(),
  }),
  giveBack: z.strictObject({ ...command, because: z.string().max(1000).optional() }),
  close: z.strictObject({
    ...command,
    because: z.string().min(1).max(1000),
    say: Words.optional(),
    /** By the names of the fields that the desk has for it: see `GET /now`. Of a choice, the name of the option. */
    summary: Summary.optional(),
  }),
  resend: z.strictObject({ id: command.id, delivery: Id }),
  read: z.strictObject({
    seq: z.int().nonnegative(),
    /** Also when they have read further: what comes behind is unread again. */
    isBack: z.boolean().optional(),
  }),
  looking: z.strictObject({
    /** The `connection` of the stream's hello: when it ends, nobody looks any more. */
    connection: Id,
    isLooking: z.boolean(),
  }),
  blacklist: z.strictObject({ reason: z.string().min(1).max(1000), untilMs: Ms.optional() }),
  list: z.strictObject({
    list: ListName,
    channel: Name.optional(),
    team: Name.optional(),
    /** Whoever has it. */
    person: Name.optional(),
    /** In the customer's name, any part of it. */
    search: z.string().trim().min(1).max(200).optional(),
    /** By the customer's last deed, or who waits longest first. Closed ones are always the latest first. */
    sort: z.enum(['newest', 'waiting']).default('newest'),
    cursor: z.string().max(512).optional(),
    limit: z.coerce.number().int().min(1).max(100).default(50),
  }),
  entries: z.strictObject({
    /** Those after this number, or before it. Left out both: the latest. */
    after: z.coerce.number().int().nonnegative().optional(),
    before: z.coerce.number().int().positive().optional(),
    limit: z.coerce.number().int().min(1).max(200).default(100),
  }),
  audit: z.strictObject({
    ...auditFilter,
    cursor: z.string().max(512).optional(),
    limit: z.coerce.number().int().min(1).max(100).default(50),
  }),
  auditFile: z.strictObject({ ...auditFilter, language: z.enum(['en', 'zh-CN']).default('en') }),
  file: z.strictObject({ name: z.string().max(512).optional() }),
}

// ── the stream ──────────────────────────────────────────────────────────────────────────────

/**
 * What the stream tells. Nothing of it is kept: whoever has been away lists again, and asks for the entries after the
 * last number that they have.
 */
export const Frame = z.discriminatedUnion('type', [
  /** First of all. `connection`: to be named when looking at a chat. */
  z.object({ type: z.literal('hello'), connection: Id, heartbeatMs: z.int(), me: Me }),
  /**
   * These rows have changed, or something in their chats has: whoever shows one asks for the entries after the last
   * that he has (and from the first of ours that was still on its way). `gone`: no longer mine to see.
   */
  z.object({ type: z.literal('rows'), rows: z.array(Row), gone: z.array(Id) }),
  z.object({ type: z.literal('counts'), counts: Counts }),
  /** All of them, whenever one has changed. */
  z.object({ type: z.literal('people'), people: z.array(Person), teams: z.array(Team) }),
  /** Of the chat that is looked at: the customer is typing, or has read. */
  z.object({ type: z.literal('live'), chat: Id, what: z.enum(['typing', 'read']) }),
  /** It is over: signed out here or elsewhere, or the person is gone. */
  z.object({ type: z.literal('signed-out') }),
  /** So that both sides see that the other is there. */
  z.object({ type: z.literal('beat') }),
])
export type Frame = z.output<typeof Frame>
