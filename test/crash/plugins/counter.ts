/**
 * A bot that counts: what it remembers in `turn.state`, what it writes into tables of its own and what it says are
 * three records of the same thing, so that any one of them done twice, or lost, disagrees with the others.
 *
 * The words of a message say what is to happen: `wake` asks to be woken, `person` hands over, `pause` answers a little
 * later. With `CRASH_HOOK` in the environment, `answer` never returns when the message says `hold`, and `woken` ends the
 * process in its middle.
 */
import { setImmediate } from 'node:timers/promises'
import { defineBot, type Generated, tables, z } from '#core'

const hook = process.env.CRASH_HOOK

export default defineBot({
  name: 'counter',
  summary: 'Answers with the number of the message and of the answer.',
  config: z.strictObject({ wakeAfterMs: z.int().min(0) }),
  state: z.object({
    /** Messages, wakes, and answers to either. */
    messages: z.number().default(0),
    wakes: z.number().default(0),
    said: z.number().default(0),
  }),
  tables: tables<{
    seen: { id: Generated<number>; chat: string; event: string; n: number }
    woken: { id: Generated<number>; chat: string; key: string; n: number }
    total: { chat: string; messages: number; wakes: number }
  }>({
    '1-counts': `CREATE TABLE seen (id INTEGER PRIMARY KEY, chat TEXT NOT NULL, event TEXT NOT NULL, n INTEGER NOT NULL);
      CREATE TABLE woken (id INTEGER PRIMARY KEY, chat TEXT NOT NULL, key TEXT NOT NULL, n INTEGER NOT NULL);
      CREATE TABLE total (chat TEXT PRIMARY KEY, messages INTEGER NOT NULL, wakes INTEGER NOT NULL)`,
  }),
  setup({ config, sql }) {
    const count = (chat: string, messages: number, wakes: number) =>
      sql
        .insertInto('total')
        .values({ chat, messages, wakes })
        .onConflict((conflict) =>
          conflict.column('chat').doUpdateSet((total) => ({
            messages: total('total.messages', '+', messages),
            wakes: total('total.wakes', '+', wakes),
          })),
        )
    return {
      async answer(turn) {
        const { state, text, chat, event } = turn
        state.messages += 1
        state.said += 1
        turn.write(sql.insertInto('seen').values({ chat: chat.id, event: event.id, n: state.messages }))
        turn.write(count(chat.id, 1, 0))
        if (text.includes('wake')) turn.wake(event.id, { inMs: config.wakeAfterMs })
        if (text.includes('pause')) await setImmediate()
        if (hook === 'answer' && text.includes('hold')) {
          turn.log.info({}, 'holding on')
          await forever()
        }
        const say = `${state.said}: message ${state.messages}, ${event.id}`
        return text.includes('person') ? turn.handOff({ say, because: 'asked for' }) : turn.reply(say)
      },
      async woken(turn) {
        const { state, chat, key } = turn
        state.wakes += 1
        state.said += 1
        turn.write(sql.insertInto('woken').values({ chat: chat.id, key, n: state.wakes }))
        turn.write(count(chat.id, 0, 1))
        if (hook === 'woken') await crash()
        return turn.reply(`${state.said}: wake ${state.wakes}, ${key}`)
      },
    }
  },
})

/** After an await, as most of what bots do comes after one. */
async function crash(): Promise<never> {
  await setImmediate()
  process.kill(process.pid, 'SIGKILL')
  return forever()
}

function forever(): Promise<never> {
  return new Promise(() => undefined)
}
