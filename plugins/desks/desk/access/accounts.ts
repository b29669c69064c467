/**
 * The passwords of the people of the YAML, and the links by which they are set: documents, so that `switchboard people
 * invite` can make a link while the desk runs, and while it does not.
 */
import { type Context, z } from '#core'
import { hashOf, newSecret, type Passwords } from './secrets.ts'

/** How long a link is good. */
const LINK_MS = 24 * 60 * 60_000
/** Shorter ones are found by trying. Source: NIST SP 800-63B-4, 3.1.1.2, read 2026-11-22. */
export const MIN_PASSWORD_CHARS = 12

const Accounts = z.object({
  people: z
    .record(
      z.string(),
      z.object({
        password: z.string().optional(),
        /** How often a password was set: a link is good for one of them. */
        version: z.int().default(0),
      }),
    )
    .default({}),
  /** Signs the marks of browsers in which somebody has signed in. */
  key: z.string().default(newSecret),
})

/** Of each person one: a new one takes the place of the one before. */
const Links = z.object({
  people: z.record(z.string(), z.object({ hash: z.string(), untilMs: z.number(), version: z.int() })).default({}),
})

type Documents = Pick<Context<unknown, unknown>, 'documents'>['documents']

export interface Link {
  /** The whole address, to be opened in a browser. */
  readonly link: string
  /** What stands at its end: whoever opens the desk without it can type it in. */
  readonly code: string
  readonly untilMs: number
}

/**
 * Makes a link by which this person sets a password. It changes only a document that nothing but links stand in, so it
 * may be called beside a running process.
 */
export async function invite(
  person: string,
  by: { readonly documents: Documents; readonly clock: { now(): number }; readonly url: string },
): Promise<Link> {
  const { people } = await by.documents.open('accounts', Accounts).read()
  const secret = newSecret()
  const nowMs = by.clock.now()
  const untilMs = nowMs + LINK_MS
  const made = { hash: hashOf(secret), untilMs, version: people[person]?.version ?? 0 }
  await by.documents.open('links', Links).change((now) => {
    const good = Object.entries(now.people).filter(([, link]) => link.untilMs > nowMs)
    return { people: { ...Object.fromEntries(good), [person]: made } }
  })
  // What stands behind the # is sent to no server, and stands in no log.
  return { link: `${by.url}/#link=${secret}`, code: secret, untilMs }
}

export interface Accounts {
  /** Signs the marks of known browsers. */
  readonly key: string
  /** Whether anybody at all has a password. */
  isEmpty(): Promise<boolean>
  /** Who has a password, and until when who has a link to set one: of those who have either. */
  all(): Promise<ReadonlyMap<string, { readonly hasPassword: boolean; readonly invitedUntilMs: number | undefined }>>
  /**
   * Which of their passwords this is, if it is the one that they have; it takes as long when there is no such person.
   * `onTurn` is called when it gets its turn to be worked out, and may throw instead.
   */
  versionOf(person: string, password: string, onTurn: () => void): Promise<number | undefined>
  /** Whether no other password has been set since this one. */
  isLatest(person: string, version: number): Promise<boolean>
  /** In the place of this one. Gives which it is; `undefined`: another was set meanwhile. */
  setPassword(person: string, password: string, version: number): Promise<number | undefined>
  /** Whose password the link sets; `undefined`: it is not good, or no longer. */
  personOf(link: string): Promise<string | undefined>
  /** Sets a password by a link, which is good no more then. Gives whose and which; `undefined`: it is not good. */
  useLink(link: string, password: string): Promise<{ readonly person: string; readonly version: number } | undefined>
}

export async function openAccounts(of: {
  readonly documents: Documents
  readonly clock: { now(): number }
  readonly passwords: Passwords
  /** Whether the YAML has this person. */
  isThere(person: string): boolean
}): Promise<Accounts> {
  const { clock, passwords } = of
  const accounts = of.documents.open('accounts', Accounts)
  const links = of.documents.open('links', Links)
  // The key that was made of nothing is kept from now on.
  const { key } = await accounts.change((now) => now)

  async function change(person: string, how: (account: Account) => Account): Promise<void> {
    await accounts.change((now) => ({
      ...now,
      people: { ...now.people, [person]: how(now.people[person] ?? { version: 0 }) },
    }))
  }

  async function setPassword(person: string, password: string, version: number): Promise<number | undefined> {
    const hash = await passwords.hash(password)
    // Of two that set one at a time only one still finds it as it was.
    let isSet = false
    await change(person, (account) => {
      isSet = account.version === version
      return isSet ? { password: hash, version: version + 1 } : account
    })
    return isSet ? version + 1 : undefined
  }

  async function personOf(link: string): Promise<string | undefined> {
    const hash = hashOf(link)
    const [found] = Object.entries((await links.read()).people).filter(([, kept]) => kept.hash === hash)
    if (!found) return undefined
    const [person, { untilMs, version }] = found
    const isLast = ((await accounts.read()).people[person]?.version ?? 0) === version
    return isLast && untilMs > clock.now() && of.isThere(person) ? person : undefined
  }

  return {
    key,
    async isEmpty() {
      const { people } = await accounts.read()
      return !Object.entries(people).some(([person, { password }]) => password !== undefined && of.isThere(person))
    },
    async all() {
      const [{ people }, { people: kept }] = await Promise.all([accounts.read(), links.read()])
      return new Map(
        [...new Set([...Object.keys(people), ...Object.keys(kept)])].map((person) => {
          const { password, version = 0 } = people[person] ?? {}
          const link = kept[person]
          const isGood = link && link.version === version && link.untilMs > clock.now()
          return [person, { hasPassword: password !== undefined, invitedUntilMs: isGood ? link.untilMs : undefined }]
        }),
      )
    },
    async versionOf(person, password, onTurn) {
      const { people } = await accounts.read()
      const { password: kept, version } = (of.isThere(person) ? people[person] : undefined) ?? {}
      return (await passwords.isRight(password, kept, onTurn)) ? version : undefined
    },
    async isLatest(person, version) {
      return (await accounts.read()).people[person]?.version === version
    },
    setPassword,
    personOf,
    async useLink(link, password) {
      const person = await personOf(link)
      if (person === undefined) return undefined
      const { version: before } = (await links.read()).people[person] ?? { version: -1 }
      const version = await setPassword(person, password, before)
      return version === undefined ? undefined : { person, version }
    },
  }
}

type Account = z.output<typeof Accounts>['people'][string]
