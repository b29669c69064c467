/** The other side of a web channel, for its tests: the browsers of visitors, who are signed in at the host's site. */
import assert from 'node:assert/strict'
import { z } from '#core'
import type { ChannelAddress, Shown, SimulatedPlatform } from '#core/testing'
import { signIdentity } from './identity.ts'

/** What the host's server and the channel both know. */
export const SECRET = 'identify-secret-of-the-host'

const Opened = z.object({ token: z.string() })
const File = {
  url: z.string(),
  name: z.string().optional(),
  mimeType: z.string().optional(),
  sizeBytes: z.number().optional(),
}
const Part = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text: z.string().min(1) }),
  z.strictObject({ type: z.literal('image'), ...File }),
  z.strictObject({ type: z.literal('audio'), ...File }),
  z.strictObject({ type: z.literal('video'), ...File }),
  z.strictObject({ type: z.literal('file'), ...File }),
  z.strictObject({
    type: z.literal('link'),
    url: z.url(),
    title: z.string(),
    description: z.string(),
    imageUrl: z.url().optional(),
  }),
  z.strictObject({
    type: z.literal('choices'),
    prompt: z.string(),
    choices: z.array(z.strictObject({ id: z.string(), label: z.string() })).max(20),
  }),
])
const base = { seq: z.int().positive(), id: z.string(), atMs: z.number() }
const Item = z.discriminatedUnion('by', [
  z.strictObject({ ...base, by: z.literal('visitor'), part: Part, choice: z.string().optional() }),
  z.strictObject({ ...base, by: z.literal('us'), part: Part, face: z.looseObject({}).optional() }),
  z.strictObject({ ...base, by: z.literal('system'), code: z.string() }),
])
const Page = z.strictObject({ items: z.array(Item), more: z.boolean(), snapshot: z.looseObject({ head: z.int() }) })

/** Signs in as customers of these numbers, and speaks as the widget does. It takes only a log without a gap. */
export function startPlatform(): SimulatedPlatform {
  /** By the channel's address and the customer. */
  const tokens = new Map<string, Promise<string>>()
  const customers = new Map<string, string>()

  async function signIn(customer: string, { url, nowMs }: ChannelAddress): Promise<string> {
    const { token } = await post(`${url}/v1/session`, {}, Opened)
    const identity = signIdentity(SECRET, { id: customer, expires: nowMs / 1000 + 60, name: `Customer ${customer}` })
    return (await post(`${url}/v1/identify`, { identity }, Opened, token)).token
  }

  function tokenOf(customer: string, channel: ChannelAddress): Promise<string> {
    const key = `${channel.url} ${customer}`
    const token = tokens.get(key) ?? signIn(customer, channel)
    tokens.set(key, token)
    token.catch(() => tokens.delete(key))
    return token
  }

  return {
    message({ id, chat, text }) {
      const bytes = JSON.stringify({ id: `message-${chat}-${id}`, text, language: 'en' })
      customers.set(bytes, chat)
      return bytes
    },
    async request(bytes, channel) {
      const token = await tokenOf(customers.get(bytes) ?? '1001', channel)
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
      return new Request(`${channel.url}/v1/messages`, { method: 'POST', headers, body: bytes })
    },
    signature: { header: 'authorization', coversBody: false },
    async shown(customer, channel) {
      const headers = { authorization: `Bearer ${await tokenOf(customer, channel)}` }
      const shown: Shown[] = []
      let after = 0
      for (;;) {
        const response = await fetch(`${channel.url}/v1/events?after=${after}`, { headers })
        const { items, more } = Page.parse(await response.json())
        for (const item of items) {
          assert.equal(item.seq, after + 1, 'The log has a gap.')
          after = item.seq
          if (item.by === 'us') shown.push(item.part)
        }
        if (!more) return shown
      }
    },
    async [Symbol.asyncDispose]() {},
  }
}

async function post<T>(url: string, body: object, answer: z.ZodType<T>, token?: string): Promise<T> {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  const text = await response.text()
  assert.equal(response.status, 200, text)
  return answer.parse(JSON.parse(text))
}
