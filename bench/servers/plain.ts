/**
 * The same work without a framework, and without any of what the product promises: `node:http` in, undici out, nothing
 * kept, deduped or ordered. What it takes is what the work itself takes.
 *
 *   node bench/servers/raw.ts <file of the task> <address of the sink> <plain or secure>
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { Pool } from 'undici'
import type { Task } from '../data.ts'
import { ruleFinder } from '../plain-search.ts'
import { answerTo, open, readXml, SEND_PATH } from '../wire.ts'

/** Finds out whether a text holds one of the keywords. */
export type HoldsKeyword = (text: string) => boolean

export function serve(makeHoldsKeyword: (keywords: readonly string[]) => HoldsKeyword): void {
  const [, , file = '', sink = '', asked] = process.argv
  const mode = asked === 'secure' ? 'secure' : 'plain'
  const task: Task = JSON.parse(readFileSync(file, 'utf8'))
  const blacklist = new Set(task.blacklist)
  const holdsKeyword = makeHoldsKeyword(task.keywords)
  const ruleOf = ruleFinder(task.rules)
  const pool = new Pool(sink, { connections: 64 })
  const headers = { 'content-type': 'application/json' }

  function replyTo(text: string): string {
    if (holdsKeyword(text)) return task.handedOver
    return ruleOf(text)?.say ?? `${task.echo}${text}`
  }

  async function answer(xml: string): Promise<void> {
    const { from, text } = readXml(xml)
    if (blacklist.has(from)) return
    const body = answerTo(from, replyTo(text))
    const response = await pool.request({ method: 'POST', path: SEND_PATH, headers, body })
    await response.body.dump()
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
      response.writeHead(200, { 'content-type': 'text/plain', 'content-length': 7 }).end('success')
      void answer(xml)
    })
  })
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    if (typeof address === 'object' && address)
      console.log(JSON.stringify({ url: `http://127.0.0.1:${address.port}`, msg: 'ready:' }))
  })
}
