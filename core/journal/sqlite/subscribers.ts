/** Who listens to the numbered logs, inside this process. */
import { messageOf } from '../../errors.ts'
import type { Json } from '../../message.ts'
import type { Log } from '../../turn.ts'
import type { Reads } from './load.ts'

/** How many stored items are handed over before others have their turn. */
const SLICE = 200

interface Subscriber {
  readonly topic: string
  /** The number of the last item taken. */
  last: number
  reading: boolean
  open: boolean
  take(item: Json, n: number): void
}

/** Gives every subscriber every item after its number once, in order, whether it was stored before or comes now. */
export class Subscribers {
  readonly #feed: Reads['feed']
  readonly #log: Log | undefined
  readonly #byTopic = new Map<string, Set<Subscriber>>()

  constructor(feed: Reads['feed'], log: Log | undefined) {
    this.#feed = feed
    this.#log = log
  }

  /** The returned function ends it; nothing is handed over after that. */
  add(topic: string, after: number, take: (item: Json, n: number) => void): () => void {
    const subscriber: Subscriber = { topic, last: after, reading: false, open: true, take }
    const others = this.#byTopic.get(topic)
    if (others === undefined) this.#byTopic.set(topic, new Set([subscriber]))
    else others.add(subscriber)
    this.#read(subscriber)
    return () => {
      subscriber.open = false
      const left = this.#byTopic.get(topic)
      if (left?.delete(subscriber) && left.size === 0) this.#byTopic.delete(topic)
    }
  }

  /** Item `n` is on disk. */
  published(topic: string, n: number, item: Json): void {
    for (const subscriber of this.#byTopic.get(topic) ?? []) {
      if (subscriber.reading || !subscriber.open) continue
      if (n === subscriber.last + 1) this.#give(subscriber, n, item)
      else if (n > subscriber.last) this.#read(subscriber)
    }
  }

  close(): void {
    for (const subscribers of this.#byTopic.values()) for (const subscriber of subscribers) subscriber.open = false
    this.#byTopic.clear()
  }

  /** Catches up from what is stored. What is published meanwhile is stored too, so it is found here. */
  #read(subscriber: Subscriber): void {
    subscriber.reading = true
    setImmediate(() => {
      if (!subscriber.open) return
      const items = this.#stored(subscriber)
      for (const { n, item } of items) if (subscriber.open) this.#give(subscriber, n, item)
      if (items.length === SLICE) this.#read(subscriber)
      else subscriber.reading = false
    })
  }

  #stored({ topic, last }: Subscriber): ReturnType<Reads['feed']> {
    try {
      return this.#feed(topic, last, SLICE)
    } catch (error) {
      // The next item that is published has it read again.
      this.#log?.error({ topic, after: last, error: messageOf(error) }, 'A feed could not be read.')
      return []
    }
  }

  #give(subscriber: Subscriber, n: number, item: Json): void {
    subscriber.last = n
    try {
      subscriber.take(item, n)
    } catch (error) {
      this.#log?.error({ topic: subscriber.topic, n, error: messageOf(error) }, 'A subscriber of a feed failed.')
    }
  }
}
