/** Talks to a loopback channel from a terminal: `npm run say -- "hello"`. */
import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs, parseEnv } from 'node:util'
import { type Part, textOf, z } from '#core'
import { signedHeaders } from './signature.ts'

const USAGE = `Usage: npm run say -- "hello" [--chat u1] [--url http://localhost:8080/demo] [--wait 10]

  --chat   who writes
  --url    the address of the channel
  --wait   how many seconds to wait for an answer

The secret is LOOPBACK_SECRET, from the environment or else from config/switchboard.env.
`

/** How often it is looked for answers, and how long there must be no further one for the first to have been the last. */
const LOOK_EVERY_MS = 100
const QUIET_MS = 600

const AnyPart = z.custom<Part>((value) => typeof value === 'object' && value !== null && 'type' in value)
const Posted = z.object({ reply: z.object({ part: AnyPart }).optional() })
const Fetched = z.object({ sent: z.array(z.object({ n: z.number(), part: AnyPart })) })

/** What was said cannot be brought to the channel; the message is for whoever sits at the terminal. */
export class CannotSay extends Error {
  override readonly name = 'CannotSay'
}

/**
 * Says `text` as the customer `chat`, and gives every answer to `hear` as it comes. Resolves with how many there were,
 * when there has been one and then none for a while, or `waitMs` are over. Throws `CannotSay`.
 */
export async function say(what: {
  readonly text: string
  readonly chat: string
  readonly url: string
  readonly secret: string
  readonly waitMs: number
  hear(answer: string): void
}): Promise<number> {
  const { text, chat, url, secret, waitMs, hear } = what
  let after = 0
  /** The messages behind the last one that was seen. */
  async function news(): Promise<readonly Part[]> {
    const query = String(new URLSearchParams({ chat, after: String(after) }))
    const found = await ask(`${url}/sent?${query}`, { headers: signedHeaders(secret, Date.now(), query) })
    const { sent } = Fetched.parse(found)
    after = sent.at(-1)?.n ?? after
    return sent.map(({ part }) => part)
  }
  // What was sent before is no answer to this.
  while ((await news()).length > 0);

  const body = JSON.stringify({ id: randomUUID(), chat, text })
  const headers = { 'content-type': 'application/json', ...signedHeaders(secret, Date.now(), body) }
  const { reply } = Posted.parse(await ask(url, { method: 'POST', headers, body }))
  let heard = 0
  const hearAll = (parts: readonly Part[]) => {
    for (const part of parts) hear(inWords(part))
    heard += parts.length
  }
  if (reply) hearAll([reply.part])
  const startedMs = performance.now()
  let newsMs = startedMs
  while (performance.now() - startedMs < waitMs && (heard === 0 || performance.now() - newsMs < QUIET_MS)) {
    await wait(LOOK_EVERY_MS)
    const parts = await news()
    hearAll(parts)
    if (parts.length > 0) newsMs = performance.now()
  }
  return heard
}

async function ask(url: string, init: RequestInit): Promise<unknown> {
  const response = await fetch(url, init).catch(() => {
    throw new CannotSay(`Nothing answers at ${new URL(url).origin}. Is it running? (npm start)`)
  })
  const answer = await response.text()
  if (response.ok) return JSON.parse(answer)
  if (response.status === 404) throw new CannotSay(`There is no channel at ${url.split('?')[0]}. Give its --url.`)
  if (response.status === 403) throw new CannotSay('The channel has another secret. Set LOOPBACK_SECRET.')
  throw new CannotSay(`It was refused: ${response.status} ${answer}`)
}

function inWords(part: Part): string {
  if (part.type === 'choices') {
    return [part.prompt, ...part.choices.map(({ label }, i) => `  ${i + 1}. ${label}`)].join('\n')
  }
  const words = textOf(part) || part.type
  return 'url' in part ? `${words} <${part.url}>` : words
}

function secretOf(env: NodeJS.ProcessEnv): string | undefined {
  const file = new URL('../../../config/switchboard.env', import.meta.url)
  return env.LOOPBACK_SECRET ?? (existsSync(file) ? parseEnv(readFileSync(file, 'utf8')).LOOPBACK_SECRET : undefined)
}

/** Runs the command and sets the exit status: 0 when there was an answer, 1 when not, 2 for wrong use. */
export async function main(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const options = parse(args)
  const secret = secretOf(env)
  if (!options || secret === undefined) {
    process.stderr.write(USAGE)
    process.exitCode = 2
    return
  }
  try {
    const heard = await say({ ...options, secret, hear: (answer) => process.stdout.write(`${answer}\n`) })
    if (heard > 0) return
    process.stderr.write(`No answer within ${options.waitMs / 1000} s.\n`)
  } catch (error) {
    if (!(error instanceof CannotSay)) throw error
    process.stderr.write(`${error.message}\n`)
  }
  process.exitCode = 1
}

function parse(args: readonly string[]) {
  try {
    const { positionals, values } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        chat: { type: 'string', default: 'u1' },
        url: { type: 'string', default: 'http://localhost:8080/demo' },
        wait: { type: 'string', default: '10' },
      },
    })
    const text = positionals.join(' ')
    const waitMs = Number(values.wait) * 1000
    if (text === '' || !(waitMs >= 0) || !URL.canParse(values.url)) return undefined
    return { text, chat: values.chat, url: values.url.replace(/\/+$/, ''), waitMs }
  } catch {
    // parseArgs names an option that does not exist; the usage does so too.
    return undefined
  }
}

if (import.meta.main) await main(process.argv.slice(2))
