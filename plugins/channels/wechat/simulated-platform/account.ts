/** Everything that the platform knows of one account, and of those who follow it. */
import type { Clock } from '#core'
import { type Message, mediaOf, wordsOf } from './messages.ts'
import { Quotas } from './quotas.ts'
import { Refused } from './refused.ts'
import type { Reply } from './replies.ts'
import type { Keys } from './signing.ts'
import { Tokens } from './tokens.ts'
import { RULES_OF_2023, type Rule, Windows } from './windows.ts'

/** Files are kept so long; https://developers.weixin.qq.com/doc/subscription/en/api/material/temporary/api_uploadtempmedia.html, read 2026-11-22. */
const MEDIA_KEPT_MS = 3 * 24 * 60 * 60 * 1000

export interface AccountOptions {
  readonly appId?: string | undefined
  readonly appSecret?: string | undefined
  readonly token?: string | undefined
  readonly encodingAesKey?: string | undefined
  /** What the platform calls the account in pushes: `gh_…`. */
  readonly originalId?: string | undefined
  /** The WeChat ID that the operator has chosen. `undefined`: none yet. */
  readonly wechatId?: string | undefined
  /** Left out: verified. One that is not may only answer inside the response. */
  readonly isVerified?: boolean | undefined
  /** Left out: the customer-service feature is switched on. */
  readonly hasCustomerService?: boolean | undefined
  /** Left out: those of 2023. */
  readonly rules?: readonly Rule[] | undefined
  /** The addresses that may ask for tokens. Left out: any. */
  readonly ipList?: readonly string[] | undefined
}

/** A file of the account’s or of a customer’s. */
export interface KeptMedia {
  readonly type: string
  readonly mimeType: string
  readonly bytes: Uint8Array<ArrayBuffer> | Blob
  readonly untilMs: number
}

/** One button of the menu, as it was set. */
export interface MenuButton {
  readonly name: string
  readonly type?: string | undefined
  readonly key?: string | undefined
  readonly url?: string | undefined
  readonly media_id?: string | undefined
  readonly article_id?: string | undefined
  readonly appid?: string | undefined
  readonly pagepath?: string | undefined
  readonly sub_button?: readonly MenuButton[] | undefined
}

/** A customer-service account: a name and a face. */
export interface KfAccount {
  readonly id: string
  readonly nickname: string
  readonly avatar: Uint8Array<ArrayBuffer> | undefined
  /** The WeChat user who is to answer under it, and has not said yes. */
  readonly invited: string | undefined
  /** Until then customers are shown the account’s own name and face. */
  readonly liveAtMs: number
}

/** Somebody who has met the account. */
export interface Person {
  readonly openId: string
  follows: boolean
  followedAtMs: number
  scene: string
  isBlocked: boolean
  remark: string
  language: string
  unionId: string | undefined
  readonly tags: Set<number>
  readonly windows: Windows
  lastAtMs: number
  typingUntilMs: number
}

/** One message as the customer’s phone shows it. */
export interface SentMessage {
  /** Counts over the whole account. */
  readonly n: number
  readonly openId: string
  readonly atMs: number
  /** Inside the response to a push, or by the customer-service interface. */
  readonly via: 'passive' | 'customer-service'
  readonly message: Reply
  /** Whose name and face it was sent under; without one, the account’s own. */
  readonly kfAccount: string | undefined
  /** The name that the customer sees it under. */
  readonly shownAs: string | undefined
  readonly isAi: boolean
}

/** Which of the platform’s own words a customer was shown, and why. */
export interface ShownFailure {
  /** Counts over the whole account. */
  readonly n: number
  readonly openId: string
  readonly atMs: number
  readonly because: string
}

export class Account {
  readonly keys: Keys & { readonly appSecret: string }
  readonly originalId: string
  readonly clock: Clock
  readonly tokens: Tokens
  readonly sent: SentMessage[] = []
  readonly failures: ShownFailure[] = []
  readonly people = new Map<string, Person>()
  readonly media = new Map<string, KeptMedia>()
  readonly tags = new Map<number, string>([[2, '星标组']])
  /** By their names with the WeChat ID behind them. */
  readonly identities = new Map<string, KfAccount>()
  readonly quotas: Quotas
  /** Where videos and pictures can be fetched by their names, without a token. */
  filesUrl = ''
  menu: readonly MenuButton[] | undefined
  /** Called when something that people look at has become another. */
  changed: () => void = () => undefined
  wechatId: string | undefined
  isVerified: boolean
  hasCustomerService: boolean
  rules: readonly Rule[]
  ipList: readonly string[] | undefined
  #made = 0

  /** `quotas`: how often a day each interface may be called, by its path. */
  constructor(clock: Clock, options: AccountOptions, quotas: Iterable<readonly [string, number]>) {
    this.quotas = new Quotas(clock.now, quotas)
    this.clock = clock
    this.keys = {
      appId: options.appId ?? 'wx0123456789abcdef',
      appSecret: options.appSecret ?? 'simulated-app-secret-0123456789ab',
      token: options.token ?? 'simulatedToken',
      encodingAesKey: options.encodingAesKey ?? 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG',
    }
    this.originalId = options.originalId ?? 'gh_2f0a9c41b7de'
    this.wechatId = 'wechatId' in options ? options.wechatId : 'simulated-shop'
    this.isVerified = options.isVerified ?? true
    this.hasCustomerService = options.hasCustomerService ?? true
    this.rules = options.rules ?? RULES_OF_2023
    this.ipList = options.ipList
    this.tokens = new Tokens(clock.now)
  }

  /** A number that was not used before. */
  next(): number {
    return ++this.#made
  }

  /** Somebody who has met the account; whoever is new follows it. */
  person(openId: string): Person {
    const known = this.people.get(openId)
    if (known) return known
    const person: Person = {
      openId,
      follows: true,
      followedAtMs: this.clock.now(),
      scene: '',
      isBlocked: false,
      remark: '',
      language: 'zh_CN',
      unionId: undefined,
      tags: new Set(),
      windows: new Windows(),
      lastAtMs: Number.NEGATIVE_INFINITY,
      typingUntilMs: 0,
    }
    this.people.set(openId, person)
    return person
  }

  /** Keeps a file, and gives the name by which it is known. */
  keep(file: Omit<KeptMedia, 'untilMs'>): string {
    const id = `media-${file.type}-${this.next()}`
    this.media.set(id, { ...file, untilMs: this.clock.now() + MEDIA_KEPT_MS })
    return id
  }

  /** The file, if it is still kept. */
  file(id: string): KeptMedia | undefined {
    const file = this.media.get(id)
    return file && file.untilMs > this.clock.now() ? file : undefined
  }

  /** The customer-service interface takes this message, or throws `Refused`. */
  send(openId: string, message: Message, beside: Pick<SentMessage, 'kfAccount' | 'isAi'>): void {
    const person = this.people.get(openId)
    if (!person) throw new Refused(40003)
    if (person.isBlocked) throw new Refused(43019)
    if (beside.kfAccount !== undefined && !this.identities.has(beside.kfAccount)) throw new Refused(65401)
    for (const { id } of mediaOf(message)) if (!this.file(id)) throw new Refused(40007)
    const refused = person.windows.take(this.clock.now())
    if (refused) throw new Refused(refused === 'over' ? 45015 : 45047)
    person.typingUntilMs = 0
    this.show(openId, message, { via: 'customer-service', ...beside })
  }

  /** The customer’s phone shows this. */
  show(openId: string, message: Reply, how: Pick<SentMessage, 'via' | 'kfAccount' | 'isAi'>): void {
    const atMs = this.clock.now()
    const face = how.kfAccount === undefined ? undefined : this.identities.get(how.kfAccount)
    const shownAs = face && face.liveAtMs <= atMs ? face.nickname : undefined
    this.sent.push({ n: this.next(), openId, atMs, message, shownAs, ...how })
    this.changed()
  }

  /** The customer’s phone shows the platform’s words of failure. */
  fail(openId: string, because: string): void {
    this.failures.push({ n: this.next(), openId, atMs: this.clock.now(), because })
    this.changed()
  }
}

/** As one would read it aloud. */
export function wordsOfReply(reply: Reply): string {
  return 'kfAccount' in reply ? `[${reply.msgtype}]` : wordsOf(reply)
}
