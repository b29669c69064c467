/** Whoever knows the token may say anything: it is refused or noted, and nothing else happens. */
import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { anyCharacter } from '../../../../test/any-character.ts'
import { type Connected, start } from './connected.ts'
import { makeEncryption } from './encryption.ts'
import { sign } from './signature.ts'
import { readXml } from './xml.ts'

const BODIES = process.env.LONG ? 100_000 : 5_000
const TIMEOUT_MS = process.env.LONG ? 1_800_000 : 60_000
const SEED = 20_261_122
/** Requests under way at a time. */
const AT_ONCE = 16

const FIXTURES = new URL('../__fixtures__/', import.meta.url)
const filesIn = (folder: URL) =>
  readdirSync(folder, { withFileTypes: true })
    .filter((file) => file.isFile())
    .map(({ name }) => readFileSync(new URL(name, folder)))
const genuine = filesIn(FIXTURES).map((bytes) => bytes.toString('utf8'))
const corpus = filesIn(new URL('hostile/', FIXTURES))

// ── what is said ────────────────────────────────────────────────────────────────────────────

const NAMES = [...new Set(genuine.flatMap((xml) => [...xml.matchAll(/<(\w+)>/g)].map(([, name = '']) => name)))]
const VALUES = [
  ...['text', 'event', 'voice', 'location', 'link', 'subscribe', 'SCAN', 'CLICK', 'kf_create_session', 'LOCATION', ''],
  ...['-1', '0', 'NaN', '1e308', '9'.repeat(40), '__proto__', 'https://a.example/', '\u0000', '😀', 'x'.repeat(2_000)],
]
const SNIPPETS = [
  ...['<![CDATA[', ']]>', '<', '>', '&', '&amp;', '&#0;', '&#x110000;', '&a;', '<!DOCTYPE a>', '<!--', '<?', '</xml>'],
  ...['<xml>', '</', '/>', '\u0000', '\ufffe', '\ud800', '<Encrypt>', '</Encrypt>', '<A>'.repeat(40), '\r\n', '="'],
]

const value = fc.oneof(fc.constantFrom(...VALUES), fc.string({ unit: anyCharacter, maxLength: 50 }))
const element = fc.oneof(fc.constantFrom(...NAMES), fc.string({ maxLength: 8 }))
const written = (name: string, inside: string) => `<${name}>${inside}</${name}>`
const { tree } = fc.letrec<{ tree: string; node: string }>((tie) => ({
  tree: fc.array(tie('node'), { maxLength: 12 }).map((nodes) => `<xml>${nodes.join('')}</xml>`),
  node: fc.oneof(
    { maxDepth: 4 },
    fc.tuple(element, value).map(([name, text]) => written(name, `<![CDATA[${text}]]>`)),
    fc.tuple(element, value).map(([name, text]) => written(name, text)),
    fc.tuple(element, fc.array(tie('node'), { maxLength: 3 })).map(([name, nodes]) => written(name, nodes.join(''))),
  ),
}))
const cut = fc.tuple(fc.nat(), fc.nat(20), fc.constantFrom('', ...SNIPPETS))
const mutated = fc
  .tuple(fc.constantFrom(...genuine), fc.array(cut, { minLength: 1, maxLength: 4 }))
  .map(([xml, cuts]) =>
    cuts.reduce((text, [at, length, instead]) => {
      const from = at % (text.length + 1)
      return text.slice(0, from) + instead + text.slice(from + length)
    }, xml),
  )
const replaced = fc.tuple(fc.constantFrom(...genuine), fc.nat(), value).map(([xml, at, text]) => {
  const places = [...xml.matchAll(/<(\w+)>[^\n]*<\/\1>/g)]
  const place = places[at % Math.max(places.length, 1)]
  return place ? xml.replace(place[0], () => written(place[1] ?? '', `<![CDATA[${text}]]>`)) : xml
})
const body: fc.Arbitrary<string | Uint8Array> = fc.oneof(
  { arbitrary: mutated, weight: 4 },
  { arbitrary: replaced, weight: 3 },
  { arbitrary: tree, weight: 3 },
  fc.string({ unit: anyCharacter, maxLength: 300 }),
  fc.uint8Array({ maxLength: 300 }),
  fc.json(),
)

// ── and how ─────────────────────────────────────────────────────────────────────────────────

/** Says it as the platform would, signed as it should be; `how` picks whether and how it is encrypted. */
async function say(world: Connected, said: string | Uint8Array, n: number, how: 'clear' | 'sealed' | 'garbled') {
  const { token, appId, encodingAesKey } = world.platform.keys
  const timestamp = String(Math.floor(world.clock.now() / 1_000))
  const nonce = `h${n}`
  const query = new URLSearchParams({ signature: sign(token, timestamp, nonce), timestamp, nonce })
  const text = typeof said === 'string' ? said : Buffer.from(said).toString('utf8')
  let sent: string | Uint8Array = said
  if (how !== 'clear') {
    const encrypted =
      how === 'sealed' ? makeEncryption(encodingAesKey, appId).encrypt(text) : Buffer.from(text).toString('base64')
    query.set('encrypt_type', 'aes')
    query.set('msg_signature', sign(token, timestamp, nonce, encrypted))
    sent = `<xml><Encrypt><![CDATA[${encrypted}]]></Encrypt></xml>`
  }
  const response = await fetch(`${world.url}?${query}`, { method: 'POST', body: Buffer.from(sent) })
  await response.text()
  return response.status
}

test(
  `whatever is said, signed as it should be, is answered with 200 or a refusal (${BODIES} bodies, seed ${SEED})`,
  async () => {
    await using world = await start({
      mode: 'compatible',
      settings: { mode: 'compatible', replyBy: 'customer-service' },
      config: { limits: { refusedPerMinute: 1_000_000 } },
    })
    const bodies = [...corpus, ...genuine, ...fc.sample(body, { numRuns: BODIES, seed: SEED })]
    const HOW = ['clear', 'sealed', 'garbled', 'clear'] as const
    const statuses = new Map<number, number>()
    let next = 0
    const sayAll = async () => {
      for (let n = next++; n < bodies.length; n = next++) {
        const said = bodies[n] ?? ''
        const how = HOW[n % HOW.length] ?? 'clear'
        const status = await say(world, said, n, how)
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        if (status !== 200 && (status < 400 || status > 499))
          expect.fail(
            `${status} to ${how} body ${n}: ${JSON.stringify(Buffer.from(said).toString('utf8').slice(0, 2_000))}`,
          )
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, sayAll))
    await world.bot.idle()
    // All three ways are gone often enough for this to say something.
    expect(statuses.get(200)).toBeGreaterThan(BODIES / 20)
    expect(statuses.get(400)).toBeGreaterThan(BODIES / 20)
    expect(statuses.get(403)).toBeGreaterThan(BODIES / 20)
    // What was refused has left nothing behind.
    expect((await world.events()).length).toBeLessThanOrEqual(statuses.get(200) ?? 0)
    // One is of the check of the address.
    expect((await world.bot.rows('shop', 'used')).length - 1).toBeLessThanOrEqual(statuses.get(200) ?? 0)
    expect(world.bot.logged.filter((line) => line.includes('"level":"error"'))).toEqual([])
    await world.platform.customer('after-all').says('hello')
    await world.bot.idle()
    expect(world.platform.customer('after-all').heard).toEqual(['re: hello'])
  },
  TIMEOUT_MS,
)

test('the time to read a body grows as the body does, whatever is in it', () => {
  const forms: readonly ((bytes: number) => string)[] = [
    (bytes) => `<xml>${'<A>'.repeat(bytes / 3)}`,
    (bytes) => `<xml>${'<A/>'.repeat(bytes / 4)}</xml>`,
    (bytes) => `<xml><A>${'&amp;'.repeat(bytes / 5)}</A></xml>`,
    (bytes) => `<xml><A>${'&'.repeat(bytes)}</A></xml>`,
    (bytes) => `<xml><A>${'<![CDATA[]]>'.repeat(bytes / 12)}</A></xml>`,
    (bytes) => `<xml><A>${'<![CDATA['.repeat(bytes / 9)}`,
    (bytes) => `<xml><A>${']'.repeat(bytes)}]]></A></xml>`,
    (bytes) => `${' '.repeat(bytes)}<xml`,
    (bytes) => `<xml${' '.repeat(bytes)}>`,
    (bytes) => `<xml><A>${' '.repeat(bytes)}<B/></A></xml>`,
    (bytes) => `<xml><A></A${' '.repeat(bytes)}`,
    (bytes) => `<xml><${'A'.repeat(bytes)}`,
    (bytes) => `<?xml ${'a'.repeat(bytes)}`,
    (bytes) => '\u0000'.repeat(bytes),
  ]
  /** The least of several times, in µs of the processor's. */
  const costOf = (text: string): number => {
    const costs = Array.from({ length: 3 }, () => {
      const before = process.cpuUsage()
      for (let i = 0; i < 2; i++) readXml(text)
      const { user, system } = process.cpuUsage(before)
      return user + system
    })
    return Math.min(...costs)
  }
  for (const form of forms) {
    const [small, large] = [form(16 * 1_024), form(256 * 1_024)]
    readXml(small)
    // Sixteen times as much; were it the square, it would be 256 times.
    expect(costOf(large), small.slice(0, 20)).toBeLessThan(64 * Math.max(costOf(small), 100))
  }
})
