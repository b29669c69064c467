/** Who plays in the whole-runtime tests: a desk, and bots and features that do what one test tells them. */
import {
  type BotTurn,
  type DeskItem,
  defineBot,
  defineDesk,
  definePlugin,
  type Hooks,
  type Maybe,
  type Next,
  type Outcome,
  z,
} from '#core'

/** A bot that does what the test says. */
export function botThat(answer: (turn: BotTurn, next: Next) => Maybe<Outcome>, name = 'scripted') {
  return defineBot({ name, summary: 'Does what a test says.', config: z.strictObject({}), setup: () => ({ answer }) })
}

/** A feature with the hooks that the test gives. */
export function featureWith(hooks: Hooks, name = 'scripted-feature') {
  return definePlugin({ name, summary: 'Does what a test says.', config: z.strictObject({}), setup: () => hooks })
}

/** A desk that keeps what it is told. */
export function quietDesk() {
  const items: DeskItem[] = []
  const desk = defineDesk({
    name: 'quiet-desk',
    summary: 'Keeps what it is told.',
    config: z.strictObject({
      people: z.array(z.string()).default(['amy', 'bo']),
      teams: z.array(z.string()).default(['presale']),
    }),
    names: ({ people, teams }) => ({ people, teams }),
    setup: ({ config }) => ({
      where: ({ to }) => (config.teams.length === 0 ? 'nobody' : { team: to?.team ?? config.teams[0] }),
      async deliver(item) {
        items.push(item)
      },
    }),
  })
  return { desk, items }
}

/** A door that a test opens: whoever waits goes on then. */
export function gate() {
  const { promise, resolve } = Promise.withResolvers<void>()
  let waiting = 0
  const reached: (() => void)[] = []
  return {
    open: () => resolve(),
    async pass() {
      waiting += 1
      for (const tell of reached) tell()
      await promise
    },
    /** Resolves when so many wait at it. */
    reached: (count = 1) =>
      new Promise<void>((done) => {
        const tell = () => {
          if (waiting >= count) done()
        }
        reached.push(tell)
        tell()
      }),
  }
}
