/** Killed at random while customers and agents are at it, and started again, over and over. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Act, Channel } from './known.ts'
import { reportLong } from './long.ts'
import type { Point } from './point.ts'
import { endAll } from './process.ts'
import { makeRandom, type Random } from './random.ts'
import { until } from './until.ts'
import { openWorld, type World, warmUp } from './world.ts'

const KILLS = process.env.LONG ? 100 : 6
const SEED = 20261121
/** After so many, everything that was begun is brought to its end and checked. */
const CHECK_EVERY = 20
/** What is sent and done in one life, at most. */
const PER_LIFE = process.env.LONG ? 400 : 120

beforeAll(warmUp)
afterAll(endAll)

/** How one life ends. */
type Kill =
  | { readonly by: 'commit'; readonly point: Point }
  | { readonly by: 'acknowledgement'; readonly nth: number }
  | { readonly by: 'delivery'; readonly nth: number; readonly fate: 'take' | 'lose' }
  | { readonly by: 'time'; readonly afterMs: number }

function chooseKill({ pick, upTo }: Random, life: number): Kill {
  // The first ones end while the journal is made.
  if (life <= 2) return { by: 'commit', point: { at: 'any', when: 'before', nth: life } }
  switch (pick(['commit', 'commit', 'acknowledgement', 'delivery', 'time'])) {
    case 'commit':
      return { by: 'commit', point: { at: 'any', when: pick(['before', 'after']), nth: upTo(PER_LIFE / 2) } }
    case 'acknowledgement':
      return { by: 'acknowledgement', nth: upTo((PER_LIFE * 2) / 3) }
    case 'delivery':
      return { by: 'delivery', nth: upTo(PER_LIFE / 3), fate: pick(['take', 'lose']) }
    default:
      return { by: 'time', afterMs: upTo(PER_LIFE * 3) }
  }
}

/** Everyone who sends or does something, as long as there is something left to do in this life. */
class Crowd implements Disposable {
  acknowledged = 0
  repeated = 0
  #left = 0
  #stopped = false
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  /** Lets everyone go on. */
  go(): void {
    this.#left = PER_LIFE
  }

  stop(): void {
    this.#stopped = true
  }

  [Symbol.dispose](): void {
    this.stop()
  }

  /** Nothing is left to do before the next `go`. */
  get isDone(): boolean {
    return this.#left === 0
  }

  async customer(channel: Channel, name: string, random: Random): Promise<void> {
    const sent: string[] = []
    const words = name.startsWith('vip') ? ['hello', 'person', 'pause'] : ['hello', 'hello', 'wake', 'pause']
    while (await this.#turn()) {
      const old = sent.length > 0 && random.upTo(10) === 1 ? random.pick(sent) : undefined
      if (old === undefined) {
        sent.push(await this.#world.says(channel, name, random.pick(words)))
        this.acknowledged += 1
      } else if (await this.#world.repeats(old)) this.repeated += 1
    }
  }

  async agent(channel: Channel, customer: string, random: Random): Promise<void> {
    for (let n = 1; await this.#turn(); n++) {
      const text = `${customer} ${n}`
      const acts: readonly Act[] = [
        { type: 'take' },
        { type: 'send', content: text },
        { type: 'send', content: text },
        { type: 'note', text },
        { type: 'return' },
      ]
      await this.#world.does(channel, customer, random.pick(acts))
    }
  }

  async #turn(): Promise<boolean> {
    await until('there was something to do', () => this.#left > 0 || this.#stopped, 120_000)
    if (this.#stopped) return false
    this.#left -= 1
    return true
  }
}

/** Starts a life and ends it as `kill` says, or when nothing is left to do in it. */
async function live(world: World, crowd: Crowd, kill: Kill): Promise<void> {
  const acknowledged = crowd.acknowledged
  let sends = 0
  if (kill.by === 'delivery') {
    world.platform.meddle = () => {
      if (++sends !== kill.nth) return undefined
      world.running.shoot()
      return kill.fate
    }
  }
  await world.crash({ point: kill.by === 'commit' ? kill.point : undefined }, async () => {
    crowd.go()
    const { running } = world
    let readyMs: number | undefined
    await until('this life was over', () => {
      if (!running.isAlive) return true
      if (running.isReady) readyMs ??= Date.now()
      const isTime = kill.by === 'time' && readyMs !== undefined && Date.now() - readyMs >= kill.afterMs
      const isAcked = kill.by === 'acknowledgement' && crowd.acknowledged - acknowledged >= kill.nth
      return isTime || isAcked || crowd.isDone
    })
    running.shoot()
  })
  world.platform.meddle = undefined
}

test(
  `after ${KILLS} kills at random under load nothing is lost, and nothing is done twice (seed ${SEED})`,
  async () => {
    await using world = await openWorld()
    const random = makeRandom(SEED)
    using crowd = new Crowd(world)
    const everyone: Promise<void>[] = []
    for (const channel of ['kept', 'again', 'quick', 'quicker'] as const) {
      for (const name of ['ann', 'ben', 'cho'])
        everyone.push(crowd.customer(channel, `${name}-${channel}`, random.fork()))
    }
    for (const channel of ['kept', 'again'] as const) {
      const name = `vip-${channel}`
      everyone.push(crowd.customer(channel, name, random.fork()), crowd.agent(channel, name, random.fork()))
    }
    // Whoever fails is heard at the end.
    const all = Promise.all(everyone)
    all.catch(() => undefined)
    const startedMs = Date.now()
    for (let i = 1; i <= KILLS; i++) {
      const kill = chooseKill(random, i)
      try {
        await live(world, crowd, kill)
        if (i % CHECK_EVERY === 0) {
          await world.finish()
          await world.running.kill()
        }
      } catch (error) {
        throw new Error(`Life ${i}, ended by ${JSON.stringify(kill)}`, { cause: error })
      }
    }
    crowd.stop()
    await world.finish()
    await all
    const counts = world.counts()
    expect(counts.events).toBeGreaterThan(KILLS * 10)
    if (process.env.LONG) {
      const seconds = Math.round((Date.now() - startedMs) / 1000)
      reportLong('crash', { seed: SEED, kills: KILLS, ...counts, repeatedEvents: crowd.repeated, seconds })
    }
  },
  20 * 60_000,
)
