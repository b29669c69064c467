/** What the page and its server tell each other: types only, for both sides. */

export type Mode = 'plain' | 'compatible' | 'secure'

/** All that the page shows. */
export interface State {
  readonly account: {
    /** The channel’s name in the YAML. */
    readonly name: string
    readonly appId: string
    readonly mode: Mode
    /** Whether the YAML has a key for encryption. */
    readonly canEncrypt: boolean
    readonly isVerified: boolean
    /** Whether the account’s server cannot reach the platform in time. */
    readonly isSlow: boolean
    readonly nowMs: number
  }
  readonly menu: readonly Button[]
  readonly customers: readonly Customer[]
  /** What was refused and concerns no customer, oldest first. */
  readonly refused: readonly Refusal[]
}

export interface Button {
  readonly name: string
  readonly type?: string | undefined
  readonly key?: string | undefined
  readonly url?: string | undefined
  readonly sub_button?: readonly Button[] | undefined
}

export interface Customer {
  readonly openId: string
  readonly name: string
  readonly follows: boolean
  readonly isBlocked: boolean
  /** Whether the phone shows that the other side is typing. */
  readonly isTyping: boolean
  readonly windows: readonly Window[]
  readonly lines: readonly Line[]
}

/** What the account may still write without being asked. */
export interface Window {
  readonly on: 'message' | 'menu' | 'follow' | 'scan'
  readonly left: number
  readonly max: number
  readonly untilMs: number
}

export interface Refusal {
  readonly n: number
  readonly atMs: number
  readonly path: string
  readonly errcode: number
  readonly errmsg: string
}

/** One thing in a chat. */
export interface Line {
  readonly n: number
  readonly atMs: number
  /** `platform`: the customer sees nothing of it, unless it is a failure. */
  readonly from: 'customer' | 'account' | 'platform'
  readonly what: What
  /** The account’s: inside the response, or by the customer-service interface. */
  readonly via?: 'passive' | 'customer-service' | undefined
  /** The name and the picture that it is shown under; left out: the account’s own. */
  readonly as?: { readonly name: string; readonly picture: string | undefined } | undefined
  /** It was sent under an identity that is not shown yet. */
  readonly isPending?: boolean | undefined
  readonly isAi?: boolean | undefined
  /** The customer’s: whether the account’s server has taken it, and after how many tries. */
  readonly told?: 'under-way' | 'taken' | 'not-taken' | 'blocked' | undefined
  readonly tries?: number | undefined
}

export type What =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly url: string }
  | { readonly type: 'voice'; readonly url: string; readonly words?: string | undefined }
  | { readonly type: 'video'; readonly url: string; readonly title?: string | undefined }
  | { readonly type: 'location'; readonly latitude: number; readonly longitude: number; readonly label: string }
  | {
      readonly type: 'link'
      readonly title: string
      readonly description?: string | undefined
      readonly url: string
    }
  | {
      readonly type: 'menu'
      readonly head: string
      readonly choices: readonly { readonly id: string; readonly label: string }[]
      readonly tail: string
    }
  /** Anything else: the platform’s name of it, and what can be said of it. */
  | { readonly type: 'card'; readonly kind: string; readonly title: string }
  | { readonly type: 'event'; readonly event: EventName; readonly detail: string }
  | { readonly type: 'failure'; readonly because: string }
  | { readonly type: 'refused'; readonly errcode: number; readonly errmsg: string; readonly words: string }

export type EventName = 'follow' | 'unfollow' | 'scan' | 'click' | 'view' | 'other'

/** What somebody does on the page. */
export type Doing =
  | { readonly do: 'meets' }
  | { readonly do: 'says'; readonly customer: string; readonly text: string; readonly choice?: string | undefined }
  /** `data`: base64. */
  | { readonly do: 'image'; readonly customer: string; readonly data: string; readonly mimeType: string }
  /** Without `words`: nothing was recognised. */
  | { readonly do: 'voice'; readonly customer: string; readonly words?: string | undefined }
  | {
      readonly do: 'location'
      readonly customer: string
      readonly latitude: number
      readonly longitude: number
      readonly label: string
    }
  | { readonly do: 'link'; readonly customer: string; readonly title: string; readonly url: string }
  | { readonly do: 'follows'; readonly customer: string; readonly scene?: string | undefined }
  | { readonly do: 'unfollows'; readonly customer: string }
  | { readonly do: 'scans'; readonly customer: string; readonly scene: string }
  | { readonly do: 'taps'; readonly customer: string; readonly button: Button }
  | { readonly do: 'time'; readonly ms: number }
  | { readonly do: 'mode'; readonly mode: Mode }
  | { readonly do: 'verified'; readonly isVerified: boolean }
  | { readonly do: 'slow'; readonly isSlow: boolean }
  /** All tokens are too old. */
  | { readonly do: 'expire' }
  /** The next message is answered so. */
  | { readonly do: 'refuse'; readonly errcode: number }
