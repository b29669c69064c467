import type { Failure } from '../protocol.ts'

/** What an operation throws when it cannot do what it was told. Its message is for the caller. */
export class Refused extends Error {
  readonly failure: Failure

  constructor(detail: string) {
    super(detail)
    this.failure = { code: 'JOURNAL_WRITE', detail }
  }
}
