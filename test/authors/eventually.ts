import { expect } from 'vitest'

/** For what the outside world does in its own time: asked again and again until it is as expected, at most 10 s. */
export function eventually<T>(value: () => T | Promise<T>) {
  return expect.poll(value, { timeout: 10_000 })
}
