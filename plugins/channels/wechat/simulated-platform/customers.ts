/** What the customers of the simulated account can do, as the platform tells it to the account’s server. */
import type { Account, SentMessage } from './account.ts'
import { wordsOfReply } from './account.ts'
import type { Pushed, PushOptions } from './pushing.ts'
import type { Fields } from './xml.ts'

/** Everything that can be sent, by its elements behind the common ones. */
export type Push = (fields: Fields, options?: PushOptions) => Promise<Pushed>

/** Ids of messages are longer than what JavaScript counts exactly. */
const FIRST_MESSAGE = 23_412_345_678_900_000n

/** Of somebody who is on the account’s blacklist nothing is told, as far as is known. */
const NOT_PUSHED: Pushed = { tries: 0, status: 0, body: '', reply: undefined, failure: undefined }

export interface SimulatedCustomer {
  readonly openId: string
  /** All that this customer was shown, oldest first. */
  readonly shown: readonly SentMessage[]
  /** The same, as one would read it aloud. */
  readonly heard: readonly string[]
  /** `choice`: the id of the item of a `msgmenu` that was tapped. */
  says(text: string, options?: PushOptions & { readonly choice?: string }): Promise<Pushed>
  sendsImage(bytes: Uint8Array<ArrayBuffer>, mimeType?: string): Promise<Pushed>
  /** `recognition` left out: the element is not there; the platform may also send it empty. */
  sendsVoice(bytes: Uint8Array<ArrayBuffer>, recognition?: string): Promise<Pushed>
  sendsVideo(bytes: Uint8Array<ArrayBuffer>, kind?: 'video' | 'shortvideo'): Promise<Pushed>
  sendsLocation(at: { readonly latitude: number; readonly longitude: number; readonly label?: string }): Promise<Pushed>
  sendsLink(link: { readonly title: string; readonly description?: string; readonly url: string }): Promise<Pushed>
  sendsFile(name: string, sizeBytes: number): Promise<Pushed>
  follows(scene?: string): Promise<Pushed>
  unfollows(): Promise<Pushed>
  /** Scans a code of the account, and follows it already. */
  scans(scene: string): Promise<Pushed>
  /** Taps a button of the menu that has a key. */
  clicks(key: string): Promise<Pushed>
  /** Taps a button that opens a page. */
  views(url: string): Promise<Pushed>
  /** Anything else: the elements behind the common ones. */
  tells(fields: Fields, options?: PushOptions): Promise<Pushed>
}

export function customerOf(account: Account, openId: string, push: Push): SimulatedCustomer {
  const common = () => ({
    ToUserName: account.originalId,
    FromUserName: openId,
    CreateTime: Math.floor(account.clock.now() / 1000),
  })
  const tells = async (fields: Fields, options?: PushOptions) =>
    account.people.get(openId)?.isBlocked ? NOT_PUSHED : push({ ...common(), ...fields }, options)
  const message = (MsgType: string, fields: Fields, options?: PushOptions) =>
    tells({ MsgType, ...fields, MsgId: FIRST_MESSAGE + BigInt(account.next()) }, options)
  const event = (Event: string, fields: Fields = {}) => tells({ MsgType: 'event', Event, ...fields })
  const keep = (type: string, mimeType: string, bytes: Uint8Array<ArrayBuffer>) =>
    account.keep({ type, mimeType, bytes })
  const ticket = (scene: string) => `gQH47joAAAAAAAAA${Buffer.from(scene).toString('base64url')}`

  return {
    openId,
    get shown() {
      return account.sent.filter((one) => one.openId === openId)
    },
    get heard() {
      return account.sent.filter((one) => one.openId === openId).map((one) => wordsOfReply(one.message))
    },
    says: (Content, { choice, ...options } = {}) =>
      message('text', { Content, ...(choice !== undefined && { bizmsgmenuid: choice }) }, options),
    sendsImage: (bytes, mimeType = 'image/jpeg') => {
      const MediaId = keep('image', mimeType, bytes)
      return message('image', { PicUrl: `${account.filesUrl}/${MediaId}`, MediaId })
    },
    sendsVoice: (bytes, recognition) => {
      const [MediaId, MediaId16K] = [keep('voice', 'audio/amr', bytes), keep('voice', 'audio/amr', bytes)]
      const Recognition = recognition === undefined ? {} : { Recognition: recognition }
      return message('voice', { MediaId, Format: 'amr', MediaId16K, ...Recognition })
    },
    sendsVideo: (bytes, kind = 'video') => {
      const ThumbMediaId = keep('thumb', 'image/jpeg', bytes)
      return message(kind, { MediaId: keep('video', 'video/mp4', bytes), ThumbMediaId })
    },
    sendsLocation: ({ latitude, longitude, label = '' }) =>
      message('location', { Location_X: latitude, Location_Y: longitude, Scale: 16, Label: label }),
    sendsLink: ({ title, description = '', url }) =>
      message('link', { Title: title, Description: description, Url: url }),
    sendsFile: (name, sizeBytes) =>
      message('file', {
        ...{ Title: name, Description: '', FileKey: `file-${account.next()}` },
        ...{ FileMd5: '0cc175b9c0f1b6a831c399e269772661', FileTotalLen: sizeBytes },
      }),
    follows(scene) {
      account.person(openId).scene = scene ?? ''
      return event('subscribe', scene === undefined ? {} : { EventKey: `qrscene_${scene}`, Ticket: ticket(scene) })
    },
    unfollows: () => event('unsubscribe', { EventKey: '' }),
    scans: (scene) => event('SCAN', { EventKey: scene, Ticket: ticket(scene) }),
    clicks: (EventKey) => event('CLICK', { EventKey }),
    views: (EventKey) => event('VIEW', { EventKey, MenuId: 419_119_257 }),
    tells,
  }
}
