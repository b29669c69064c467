import { expect, test } from 'vitest'
import { makePasswords, TooBusy } from './secrets.ts'

test('what comes when too many are tried at a time has had no turn, and so has not failed', async () => {
  const { isRight } = makePasswords({ memory: 8, passes: 1 })
  let turns = 0
  const onTurn = () => {
    turns += 1
  }
  const tried = Array.from({ length: 60 }, () => isRight('a guess', undefined, onTurn))
  const ended = await Promise.allSettled(tried)
  const refused = ended.filter((one) => one.status === 'rejected' && one.reason instanceof TooBusy)
  // Two are worked out, and fifty wait.
  expect([turns, refused.length]).toEqual([52, 8])
})
