/**
 * What a blacklist of a million rows costs (an address is one, a known customer one and one for each chat): a turn of somebody who is not on it, and the memory, beside those with an empty
 * list. Each in a process of its own, in short rounds by turns; the medians go to bench/blacklist.json.
 *
 *   node bench/blacklist.ts
 */
import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { z } from '#core'
import { testRuntime } from '../core/testing/index.ts'

const ROWS = 1_000_000
const WARM_UP_TURNS = 1_000
const ROUNDS = 40
const TURNS_OF_A_ROUND = 100
/** How many messages wait at a time. */
const AT_ONCE = 50

interface Measured {
  /** Of the processor, by all threads: what else the machine does hardly changes it. */
  readonly cpuUs: number
  readonly wallUs: number
  readonly rssMb: number
}

const config = {
  bots: { parrot: { use: 'echo' } },
  features: [{ use: 'blacklist' }],
  limits: { refusedPerMinute: 1_000_000 },
}

/** A storage folder with so many rows, as `import` would have left it. */
async function prepare(rows: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'switchboard-bench-'))
  await (await testRuntime(config, { folder }))[Symbol.asyncDispose]()
  const db = new DatabaseSync(join(folder, 'journal.sqlite'))
  db.exec('BEGIN')
  const insert = db.prepare('INSERT INTO blacklist__entry (account, id, reason, actor, at) VALUES (?, ?, ?, ?, ?)')
  for (let i = 0; i < rows; i++)
    insert.run('memory:memory', `o${(i * 7_919).toString(36).padStart(27, '0')}`, 'Spam', 'amy', i)
  db.exec('COMMIT')
  db.close()
  return folder
}

/** Starts it, says so, and runs as many turns as it is told, each time. */
async function serve(folder: string): Promise<void> {
  await using bot = await testRuntime(config, { folder })
  let made = 0
  async function run(turns: number): Promise<void> {
    for (const until = made + turns; made < until; ) {
      const messages = Array.from({ length: AT_ONCE }, () => {
        made += 1
        return bot.channel.receive({
          ...{ id: `m${made}`, chat: `u${made % 1_000}`, type: 'message', grants: 'message', atMs: bot.clock.now() },
          parts: [{ type: 'text', text: 'Where is my order 1042?' }],
        })
      })
      await Promise.all(messages)
      await bot.idle()
    }
    if (bot.channel.sent.length !== made) throw new Error(`${bot.channel.sent.length} of ${made} were answered.`)
  }
  async function measure(turns: number): Promise<Measured> {
    const [wall, cpu] = [performance.now(), process.cpuUsage()]
    await run(turns)
    const { user, system } = process.cpuUsage(cpu)
    const wallUs = (performance.now() - wall) * 1_000
    return { cpuUs: (user + system) / turns, wallUs: wallUs / turns, rssMb: process.memoryUsage.rss() / 1024 / 1024 }
  }
  const { promise, resolve } = Promise.withResolvers<void>()
  process.on('message', (turns) => {
    if (typeof turns === 'number') measure(turns).then((measured) => process.send?.(measured))
    else resolve()
  })
  process.send?.('ready')
  await promise
  process.disconnect?.()
}

const Answer = z.object({ cpuUs: z.number(), wallUs: z.number(), rssMb: z.number() })

async function start(rows: number) {
  const folder = await prepare(rows)
  const began = performance.now()
  const child = fork(import.meta.filename, [folder])
  child.on('exit', (status) => {
    if (status !== 0) throw new Error('It ended by itself.')
  })
  await once(child, 'message')
  const startMs = performance.now() - began
  const rounds: Measured[] = []
  const run = async (turns: number) => {
    child.send(turns)
    const [answer] = await once(child, 'message')
    return Answer.parse(answer)
  }
  return {
    run,
    round: async () => void rounds.push(await run(TURNS_OF_A_ROUND)),
    async end() {
      child.send('end')
      await once(child, 'exit')
      await rm(folder, { recursive: true })
      const of = (what: keyof Measured) => rounded(median(rounds.map((round) => round[what])))
      return {
        cpuUs: of('cpuUs'),
        wallUs: of('wallUs'),
        rssMb: rounded(rounds.at(-1)?.rssMb ?? 0),
        startMs: rounded(startMs),
      }
    },
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}

async function compare(): Promise<void> {
  const both = [await start(0), await start(ROWS)] as const
  for (const one of both) await one.run(WARM_UP_TURNS)
  // Whoever comes second gains or loses by it.
  for (let round = 0; round < ROUNDS; round++)
    for (const one of round % 2 === 0 ? both : both.toReversed()) await one.round()
  const [empty, full] = [await both[0].end(), await both[1].end()]
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  const result = {
    date: new Date().toISOString(),
    commit,
    rows: ROWS,
    rounds: ROUNDS,
    turnsOfARound: TURNS_OF_A_ROUND,
    empty,
    full,
    turnTimes: Math.round((full.cpuUs / empty.cpuUs) * 100) / 100,
    moreRssMb: Math.round(full.rssMb - empty.rssMb),
  }
  const text = `${JSON.stringify(result, undefined, 2)}\n`
  await writeFile(join(import.meta.dirname, 'blacklist.json'), text)
  process.stdout.write(text)
}

const [folder] = process.argv.slice(2)
if (folder === undefined) await compare()
else await serve(folder)
