import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openSqlite } from '../../../core/journal/sqlite/engine.ts'
import { readHistory } from '../../../core/pipeline/history.ts'
import { commit, newChange, newChat, newDelivery, said } from '../journal/given.ts'

test('however much is asked for of a long chat, the last thousand things are told', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'history-'))
  const engine = await openSqlite({ folder, durable: false })
  try {
    const chat = await newChat(engine)
    const lines = Array.from({ length: 1_005 }, (_, i) => `Line ${i}`)
    const entries = lines.map((line) => said(line))
    await commit(
      engine,
      newChange(chat, { entries, deliveries: lines.map((line, entry) => newDelivery(line, { entry })) }),
    )
    const history = await readHistory(engine, chat, { beforeSeq: 2_000, max: 1_000_000 })
    expect(history.map(({ text }) => text)).toEqual(lines.slice(5))
  } finally {
    await engine.close()
    await rm(folder, { recursive: true })
  }
})
