/**
 * The same work without a framework: `node:http` in, undici out. Without a journal nothing is kept or deduped, and what it
 * takes is what the work itself takes.
 *
 *   node bench/servers/raw.ts <file of the task> <address of the sink> <plain or secure>
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { Pool } from 'undici'
import type { Task } from '../data.ts'
import { ruleFinder } from '../plain-search.ts'
import { answerTo, type Incoming, open, readXml, SEND_PATH } from '../wire.ts'

/** Finds out whether a text holds one of the keywords. */
export type HoldsKeyword = (text: string) => boolean

/** What keeps each message, in three steps; each resolves when it is on disk. */
export interface Journal {
  /** `undefined`: it has come before. */
  accept(message: Incoming): Promise<Accepted | undefined>
  /** Gives the id of what is to be sent. */
  commit(accepted: Accepted, reply: string): Promise<string>
  sent(delivery: string): Promise<void>
}
export interface Accepted {
  readonly chat: string
  readonly seq: number
}

export function serve(
  makeHoldsKeyword: (keywords: readonly string[]) => HoldsKeyword,
  openJournal?: (besideTask: string) => Journal,
): void {
  const [, , file = '', sink = '', asked] = process.argv
  const mode = asked === 'secure' ? 'secure' : 'plain'
  const task: Task = JSON.parse(readFileSync(file, 'utf8'))
  const blacklist = new Set(task.blacklist)
  const holdsKeyword = makeHoldsKeyword(task.keywords)
  const ruleOf = ruleFinder(task.rules)
  const pool = new Pool(sink, { connections: 64 })
  const headers = { 'content-type': 'application/json' }
  const journal = openJournal?.(`${file}.sqlite`)

  function replyTo(text: string): string {
    if (holdsKeyword(text)) return task.handedOver
    return ruleOf(text)?.say ?? `${task.echo}${text}`
  }

  async function answer(xml: string, acknowledge: () => void): Promise<void> {
    const message = readXml(xml)
    const accepted = journal && (await journal.accept(message))
    acknowledge()
    if ((journal && !accepted) || blacklist.has(message.from)) return
    const reply = replyTo(message.text)
    const delivery = accepted && (await journal?.commit(accepted, reply))
    const body = answerTo(message.from, reply)
    const response = await pool.request({ method: 'POST', path: SEND_PATH, headers, body })
    await response.body.dump()
    if (delivery) await journal?.sent(delivery)
  }

  const server = createServer((request, response) => {
    const query = new URLSearchParams(request.url?.slice(request.url.indexOf('?') + 1))
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const xml = open(query, body, mode)
      if (xml === undefined) return void response.writeHead(403, { 'content-length': 0 }).end()
      void answer(xml, () => {
        response.writeHead(200, { 'content-type': 'text/plain', 'content-length': 7 }).end('success')
      })
    })
  })
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    if (typeof address === 'object' && address)
      console.log(JSON.stringify({ url: `http://127.0.0.1:${address.port}`, msg: 'ready:' }))
  })
}
