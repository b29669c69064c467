/** A bot that fails again and again is left alone for a while, so that customers do not wait for nothing. */
import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen, type IBackoff } from 'cockatiel'
import type { Clock, Log } from '#core'

/** One request under way. Only the first report of how it ended counts. */
export interface Call {
  answered(): void
  failed(error: unknown): void
  /** Nobody waits for it any more: that says nothing about the bot. */
  givenUp(): void
}

export interface Circuit {
  /** Before every request. Throws while the bot is left alone. */
  enter(): Promise<Call>
}

/** Nobody was asked. The log has told it when the pause began. */
export class LeftAlone extends Error {
  override readonly name = 'LeftAlone'
  /** Each message of the pause has such an error, and all come from here. */
  override readonly stack = ''
}

class GivenUp extends Error {
  override readonly name = 'GivenUp'
}

/**
 * After `failures` in a row nobody is let through for `pauseMs`; then one request tries whether it answers again. Both
 * changes are told in the log, once.
 */
export function makeCircuit(options: {
  readonly failures: number
  readonly pauseMs: number
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
}): Circuit {
  const { failures, pauseMs, clock, log } = options
  let untilMs = 0
  let isTold = false
  // The library has a clock of its own: asked whether the pause is over, this answers by the runtime's.
  const pause: IBackoff<unknown> = {
    get duration() {
      return clock.now() < untilMs ? Number.POSITIVE_INFINITY : 0
    },
    next() {
      untilMs = clock.now() + pauseMs
      return pause
    },
  }
  const circuit = circuitBreaker(
    // To the library whatever is not counted as a failure has gone well; a try that was given up has not.
    handleWhen((error) => !(error instanceof GivenUp) || circuit.state === CircuitState.HalfOpen),
    { halfOpenAfter: pause, breaker: new ConsecutiveBreaker(failures) },
  )
  circuit.onBreak((reason) => {
    if (!isTold) log.warn(reason, `It failed ${failures} times in a row: it is asked again in ${pauseMs / 1000} s.`)
    isTold = true
  })
  circuit.onReset(() => {
    log.info({}, 'It answers again.')
    isTold = false
  })

  return {
    async enter() {
      if (circuit.state === CircuitState.HalfOpen) throw new LeftAlone('It is being tried whether it answers again.')
      const begun = Promise.withResolvers<void>()
      const ended = Promise.withResolvers<void>()
      const whole = circuit.execute(() => {
        begun.resolve()
        return ended.promise
      })
      await Promise.race([begun.promise, whole]).catch(() => {
        throw new LeftAlone(
          `It failed ${failures} times in a row and is not asked before ${new Date(untilMs).toISOString()}.`,
        )
      })
      // Whoever reports a failure has it already.
      whole.catch(() => undefined)
      return { answered: ended.resolve, failed: ended.reject, givenUp: () => ended.reject(new GivenUp()) }
    },
  }
}
