/** A process that accepts and answers as fast as it can, and says what it was told is on disk. Ended by `kill -9`. */
import { openSqlite } from '../../../core/journal/sqlite/engine.ts'
import { newChange, newDelivery, newEvent, newTurn, result, said } from './given.ts'

const [, , folder = ''] = process.argv
const engine = await openSqlite({ folder })

async function talk(chat: string): Promise<void> {
  for (let i = 0; ; i++) {
    const event = newEvent({ chat, text: `${i}` })
    const accepted = await engine.accept(event)
    process.stdout.write(`accepted ${event.event.id}\n`)
    const reply = said('Yes')
    const turn = newTurn(accepted.seq)
    const committed = await engine.commit(
      newChange(accepted.chat, { expect: { epoch: 0 }, turn, entries: [reply], deliveries: [newDelivery('Yes')] }),
    )
    if (!committed.ok) throw new Error(committed.why)
    process.stdout.write(`answered ${accepted.entry} ${reply.id}\n`)
    for (const delivery of committed.sending) {
      await engine.recordDelivery(result(delivery))
      process.stdout.write(`sent ${delivery.id}\n`)
    }
  }
}

await Promise.all(Array.from({ length: 20 }, (_, i) => talk(`chat-${i}`)))
