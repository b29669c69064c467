/**
 * Every route of the API: who may call it, what it takes and answers, in one table. `serve.ts` lets nothing pass that
 * does not stand here, the documentation is made of it, and so are the tests of what each role may not do.
 *
 * A key is what a program writes: `call('GET /conversations', …)`. It imports zod and nothing else but the shapes, so
 * that the workbench can import its types.
 */
import { z } from 'zod'
import { askedOfReplies, CannedReplies } from '../replies/shapes.ts'
import { askedOfCustomers, Customer, CustomerList, History } from './customers-shapes.ts'
import {
  Account,
  AuditLine,
  asked,
  Counts,
  Entries,
  Frame,
  Me,
  Now,
  type Role,
  Row,
  Rows,
  Sendable,
  Session,
  Token,
  Why,
} from './shapes.ts'
import { askedOfStatistics, Statistics } from './statistics-shapes.ts'

/**
 * One route. Whoever may call it still sees only what is theirs: of `:conversation`, `:chat` and `:customer` in the path
 * those that the caller may not see are answered as if they were not there.
 */
export interface Route {
  /** Who may call it at least. `everybody`: without being signed in. */
  readonly for: 'everybody' | Role
  /** What it does, for the documentation. */
  readonly says: string
  readonly query?: z.ZodType
  readonly body?: z.ZodType
  /** What it answers as JSON; `bytes`: a file; `stream`: frames, by WebSocket or server-sent events. */
  readonly answer: z.ZodType | 'bytes' | 'stream'
  /** Takes a file as its body, of any type. */
  readonly takesBytes?: true
  /** As what it stands in the audit log. Left out: it changes nothing, or stands in the chat itself. */
  readonly audit?: string
  /** Only for people who are signed in: a token has no password, status or screen. */
  readonly peopleOnly?: true
}

/** It is done. A command that is not done is answered 409, with the code of why. */
const Done = z.object({ ok: z.literal(true) })

export const routes = {
  // ── who is there ──

  'POST /sign-in': {
    for: 'everybody',
    says: 'Signs a person in: the answer sets a cookie.',
    body: asked.signIn,
    answer: Me,
    audit: 'access.sign-in',
  },
  'POST /links/look': {
    for: 'everybody',
    says: 'Tells whose password a link sets. It can still be used afterwards.',
    body: asked.link,
    answer: z.object({ person: z.string(), title: z.string() }),
  },
  'POST /links/use': {
    for: 'everybody',
    says: 'Sets a password by a link, which is used up by it, ends all sessions of the person, and signs them in.',
    body: asked.useLink,
    answer: Me,
    audit: 'access.password-by-link',
  },
  'GET /me': { for: 'agent', says: 'Who is signed in here.', answer: Me },
  'POST /sign-out': {
    for: 'agent',
    says: 'Ends this session.',
    answer: Done,
    audit: 'access.sign-out',
    peopleOnly: true,
  },
  'POST /password': {
    for: 'agent',
    says: 'Changes the password of whoever is signed in, and ends their other sessions.',
    body: asked.password,
    answer: Done,
    audit: 'access.password',
    peopleOnly: true,
  },
  'GET /sessions': {
    for: 'agent',
    says: 'Where the person is signed in.',
    answer: z.object({ sessions: z.array(Session) }),
    peopleOnly: true,
  },
  'POST /sessions/:session/end': {
    for: 'agent',
    says: 'Ends a session of the person’s own.',
    answer: Done,
    audit: 'access.session-end',
    peopleOnly: true,
  },
  'GET /people': {
    for: 'administrator',
    says: 'Everybody of the YAML: role, teams, whether they can sign in, and where they are signed in.',
    answer: z.object({ people: z.array(Account) }),
  },
  'POST /people/:person/invite': {
    for: 'administrator',
    says: 'Makes a link by which the person sets a password. It is good once, for 24 hours.',
    answer: z.object({ link: z.string(), untilMs: z.int() }),
    audit: 'access.invite',
    peopleOnly: true,
  },
  'POST /people/:person/sign-out': {
    for: 'administrator',
    says: 'Ends every session of a person.',
    answer: Done,
    audit: 'access.sign-out-person',
    peopleOnly: true,
  },
  'GET /tokens': {
    for: 'administrator',
    says: 'The tokens of machines, without their secrets.',
    answer: z.object({ tokens: z.array(Token) }),
  },
  'POST /tokens': {
    for: 'administrator',
    says: 'Makes a token for a machine. Its secret is told this once; send it as `Authorization: Bearer …`.',
    body: asked.token,
    answer: z.object({ token: Token, secret: z.string() }),
    audit: 'access.token',
    peopleOnly: true,
  },
  'POST /tokens/:token/revoke': {
    for: 'administrator',
    says: 'From now on the token is not good any more.',
    answer: Done,
    audit: 'access.token-revoke',
  },

  // ── the desk now ──

  'GET /now': { for: 'agent', says: 'The people with their statuses and loads, the teams, the channels.', answer: Now },
  'POST /status': {
    for: 'agent',
    says: 'Sets the status of whoever is signed in.',
    body: asked.status,
    answer: Done,
    audit: 'people.status',
    peopleOnly: true,
  },
  'POST /people/:person/status': {
    for: 'supervisor',
    says: 'Sets the status of another person.',
    body: asked.status,
    answer: Done,
    audit: 'people.status',
  },
  'GET /stream': {
    for: 'agent',
    says: 'Tells what changes from now on: by WebSocket, or as server-sent events when `text/event-stream` is accepted.',
    answer: 'stream',
  },
  'GET /audit': {
    for: 'supervisor',
    says: 'Who did what, from where, and what it was before and after; the latest first.',
    query: asked.audit,
    answer: z.object({ lines: z.array(AuditLine), next: z.string().optional() }),
  },
  'GET /audit/file': {
    for: 'supervisor',
    says: 'The same as a table that spreadsheets open (CSV), all of it.',
    query: asked.auditFile,
    answer: 'bytes',
    audit: 'audit.export',
  },

  // ── lists ──

  'GET /counts': { for: 'agent', says: 'How many are in each list.', answer: Counts },
  'GET /conversations': {
    for: 'agent',
    says: 'One list of conversations, by pages.',
    query: asked.list,
    answer: Rows,
  },
  'GET /conversations/:conversation': { for: 'agent', says: 'One conversation, as a row.', answer: Row },
  'GET /conversations/:conversation/why': {
    for: 'agent',
    says: 'Why the conversation is where it is: every change, with the steps that led to it.',
    answer: Why,
  },

  // ── what was said ──

  'GET /chats/:chat/entries': {
    for: 'agent',
    says: 'What happened in a chat, across its conversations: the latest, or those before or after a number.',
    query: asked.entries,
    answer: Entries,
  },
  'GET /chats/:chat/sendable': {
    for: 'agent',
    says: 'How many messages the platform still takes from people in this chat, and until when.',
    answer: Sendable,
  },
  'GET /chats/:chat/entries/:entry/files/:file': {
    for: 'agent',
    says: 'A file of a message: the part of this place in it.',
    answer: 'bytes',
  },
  'POST /chats/:chat/read': {
    for: 'agent',
    says: 'The person has read up to this number, or, with `isBack`, no further than that.',
    body: asked.read,
    answer: Done,
    peopleOnly: true,
  },
  'POST /chats/:chat/looking': {
    for: 'agent',
    says: 'The person has the chat before them, or no longer: colleagues are shown it.',
    body: asked.looking,
    answer: Done,
    peopleOnly: true,
  },
  'POST /chats/:chat/typing': {
    for: 'agent',
    says: 'The person is typing: the customer is shown it where the channel can.',
    answer: Done,
    peopleOnly: true,
  },
  'POST /files': {
    for: 'agent',
    says: 'Takes a file to be sent: its bytes are the body. The answer names it for `send`, for a day.',
    query: asked.file,
    takesBytes: true,
    answer: z.object({ file: z.string(), type: z.enum(['image', 'audio', 'video', 'file']) }),
  },

  // ── commands ──

  'POST /conversations/:conversation/send': {
    for: 'agent',
    says: 'Says something to the customer. Only who has the conversation may.',
    body: asked.send,
    answer: Done,
  },
  'POST /conversations/:conversation/note': {
    for: 'agent',
    says: 'Notes something that only our side sees.',
    body: asked.note,
    answer: Done,
  },
  'POST /conversations/:conversation/take': {
    for: 'agent',
    says: 'Takes the conversation: from the queue, or from the bot. A supervisor also takes it from a colleague.',
    body: asked.take,
    answer: Done,
    audit: 'desk.take',
    peopleOnly: true,
  },
  'POST /conversations/:conversation/assign': {
    for: 'supervisor',
    says: 'Gives the conversation to a person, whoever has it.',
    body: asked.assign,
    answer: Done,
    audit: 'desk.assign',
  },
  'POST /conversations/:conversation/transfer': {
    for: 'agent',
    says: 'Passes the conversation on, to a team or a person. A colleague’s only a supervisor passes on.',
    body: asked.transfer,
    answer: Done,
    audit: 'desk.transfer',
  },
  'POST /conversations/:conversation/return': {
    for: 'agent',
    says: 'Gives the conversation back to the bot.',
    body: asked.giveBack,
    answer: Done,
    audit: 'desk.return',
  },
  'POST /conversations/:conversation/close': {
    for: 'agent',
    says: 'Closes the conversation, with a last word if it says one.',
    body: asked.close,
    answer: Done,
    audit: 'desk.close',
  },
  'POST /conversations/:conversation/resend': {
    for: 'agent',
    says: 'Sends a message again that did not get through.',
    body: asked.resend,
    answer: Done,
    audit: 'desk.resend',
  },

  // ── canned replies ──

  'GET /replies': {
    for: 'agent',
    says: 'What is said again and again: everybody’s replies, and the person’s own; what is used most comes first.',
    answer: CannedReplies,
  },
  'POST /replies/shared/:reply': {
    for: 'supervisor',
    says: 'Keeps a reply for everybody under this id, which you make: a new one, or another text of one that is there.',
    body: askedOfReplies.keep,
    answer: Done,
    audit: 'replies.shared',
  },
  'POST /replies/shared/:reply/remove': {
    for: 'supervisor',
    says: 'Removes a reply of everybody’s.',
    answer: Done,
    audit: 'replies.shared-remove',
  },
  'POST /replies/own/:reply': {
    for: 'agent',
    says: 'Keeps a reply of the person’s own under this id, which you make: a new one, or another text of one that is there.',
    body: askedOfReplies.keep,
    answer: Done,
    audit: 'replies.own',
    peopleOnly: true,
  },
  'POST /replies/own/:reply/remove': {
    for: 'agent',
    says: 'Removes a reply of the person’s own.',
    answer: Done,
    audit: 'replies.own-remove',
    peopleOnly: true,
  },
  'POST /replies/:reply/used': {
    for: 'agent',
    says: 'The reply was put into an answer: it is counted.',
    answer: Done,
  },

  // ── customers ──

  'GET /customers': {
    for: 'agent',
    says: 'The list of customers, by pages: those who first came this week, or whoever is looked for. Agents have it where the setting customers.forAgents says so, with those whom they or their teams have served.',
    query: askedOfCustomers.list,
    answer: CustomerList,
  },
  'POST /customers/:customer/change': {
    for: 'agent',
    says: 'Changes what is known of a customer: the name, and the fields that the settings have.',
    body: askedOfCustomers.change,
    answer: Done,
    audit: 'customers.change',
  },
  'POST /customers/:customer/tags': {
    for: 'agent',
    says: 'Adds tags to a customer, and takes others away.',
    body: askedOfCustomers.tags,
    answer: Done,
    audit: 'customers.tags',
  },
  'POST /customers/:customer/merge': {
    for: 'supervisor',
    says: 'Says that the customer is another one: from then on all that was theirs is the other’s.',
    body: askedOfCustomers.merge,
    answer: Done,
    audit: 'customers.merge',
  },
  'POST /customers/:customer/call-back': {
    for: 'agent',
    says: 'Opens a conversation of the person’s own with a customer, by a first message.',
    body: askedOfCustomers.callBack,
    answer: z.object({ ok: z.literal(true), conversation: z.string() }),
    audit: 'desk.call-back',
    peopleOnly: true,
  },
  'GET /customers/:customer/export': {
    for: 'administrator',
    says: 'All that the journal has of a customer, as a file.',
    answer: 'bytes',
    audit: 'customers.export',
  },
  'POST /customers/:customer/erase': {
    for: 'administrator',
    says: 'Deletes all that is kept of a customer and was said with them. The audit log keeps who did what, statistics keep counts.',
    answer: Done,
    audit: 'customers.erase',
  },
  'GET /customers/:customer': {
    for: 'agent',
    says: 'What is known of a customer, and the conversations with them.',
    answer: Customer,
  },
  'GET /customers/:customer/history': {
    for: 'agent',
    says: 'What happened with a customer in all their chats, one after the other, by pages in both directions.',
    query: askedOfCustomers.history,
    answer: History,
  },
  'POST /customers/:customer/blacklist': {
    for: 'agent',
    says: 'Turns a customer away from now on, and closes what is open with them.',
    body: asked.blacklist,
    answer: Done,
    audit: 'customers.blacklist',
  },
  'POST /customers/:customer/blacklist/remove': {
    for: 'agent',
    says: 'Hears a customer again.',
    answer: Done,
    audit: 'customers.blacklist-remove',
  },

  // ── statistics ──

  'GET /statistics': {
    for: 'agent',
    says: 'The numbers of a period, of all together and of the period before, or told apart, each with its definition. Agents are given what they have done themselves.',
    query: askedOfStatistics.figures,
    answer: Statistics,
  },
  'GET /statistics/csv': {
    for: 'agent',
    says: 'The same numbers told apart, as a table for spreadsheets, with the definitions below it.',
    query: askedOfStatistics.csv,
    answer: 'bytes',
  },
} as const satisfies { readonly [key: string]: Route }

export type Routes = typeof routes
export type RouteKey = keyof Routes

type InputOf<K extends RouteKey, P extends 'query' | 'body'> = Routes[K] extends { readonly [Q in P]: infer S }
  ? S extends z.ZodType
    ? z.input<S>
    : never
  : undefined
type OutputOf<K extends RouteKey, P extends 'query' | 'body'> = Routes[K] extends { readonly [Q in P]: infer S }
  ? S extends z.ZodType
    ? z.output<S>
    : never
  : undefined
type NamesIn<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | NamesIn<Rest>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never

/** What stands in the path, by its names. */
export type ParamsOf<K extends RouteKey> = { readonly [N in NamesIn<K>]: string }
/** What a program writes as the query, and as the body. */
export type QueryOf<K extends RouteKey> = InputOf<K, 'query'>
export type BodyOf<K extends RouteKey> = InputOf<K, 'body'>
/** The same once it is checked. */
export type CheckedQueryOf<K extends RouteKey> = OutputOf<K, 'query'>
export type CheckedBodyOf<K extends RouteKey> = OutputOf<K, 'body'>
export type AnswerOf<K extends RouteKey> = Routes[K]['answer'] extends z.ZodType
  ? z.output<Routes[K]['answer']>
  : undefined

/** The frames of the stream, for the documentation. */
export { Frame }
