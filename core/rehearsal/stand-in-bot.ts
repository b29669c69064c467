/** A bot that asks outside cannot be asked in a rehearsal: the scenario says what it would answer. */
import { z } from 'zod'
import { duration, say } from '../config/schema.ts'
import { type Keyword, keyword, matcher } from '../matcher.ts'
import type { Plugin } from '../plugin.ts'
import type { Clock } from '../services/clock.ts'
import type { BotTurn, Next, Outcome } from '../turn.ts'
import { manifestOf, type Offline, setUpOffline } from './offline.ts'

/** What it does: exactly one of these. */
const ENDS = ['says', 'unknown', 'handsOff', 'passes', 'fails'] as const

const yes = z.literal(true)
const words: z.ZodType<readonly Keyword[]> = z.union([keyword().transform((one) => [one]), z.array(keyword()).min(1)])

/** One answer of a stand-in, as a scenario has it. */
export const standInAnswer = z
  .strictObject({
    when: words.optional().describe('Words of the customer that this answers. Left out: whatever is said.'),
    says: say().optional().describe('What it says.'),
    unknown: yes.optional().describe('It does not know. What it says then may stand beside it.'),
    handsOff: z.string().min(1).optional().describe('It asks for a person, for this reason.'),
    passes: yes.optional().describe('It leaves the message to the next bot of the route.'),
    fails: z.string().min(1).optional().describe('It fails, with these words in the log.'),
    intent: z.string().min(1).optional().describe('What it has understood, for handOff: { intents } of the route.'),
    guided: yes.optional().describe('Its answer asks for a person, for handOff: { guided } of the route.'),
    takes: duration().optional().describe('How long it takes.'),
  })
  .superRefine((answer, context) => {
    const ends = ENDS.filter((key) => answer[key] !== undefined)
    const mayBoth = ends.length === 2 && answer.says !== undefined && (answer.unknown || answer.handsOff !== undefined)
    if (ends.length === 1 || mayBoth) return
    const message =
      ends.length === 0
        ? `This answer does nothing. Write one of ${ENDS.join(', ')}.`
        : `An answer is one of ${ENDS.join(', ')}, and this has ${ends.join(' and ')}.`
    context.addIssue({ code: 'custom', message })
  })

export type StandInAnswer = z.output<typeof standInAnswer>

/** What a scenario lets a bot throw: nothing to be told about. */
export class MeantFailure extends Error {
  override readonly name = 'MeantFailure'
}

/**
 * A bot's plugin with its `answer` replaced; its name, settings, line and other hooks stay. `takingTime`: the ids of the
 * events that it takes its time to answer are in it meanwhile.
 */
export function standInBot(
  name: string,
  real: Plugin,
  answers: readonly StandInAnswer[],
  { clock, takingTime, ...offline }: Offline & { readonly clock: Clock; readonly takingTime: Set<string> },
): Plugin {
  const choices = answers.map((answer) => ({ answer, matches: answer.when && matcher(answer.when) }))
  async function answer(turn: BotTurn, next: Next): Promise<Outcome> {
    const chosen = choices.find(({ matches }) => !matches || matches(turn.text) !== undefined)?.answer
    if (!chosen) throw new Error(`The scenarios do not say what the bot answers to “${turn.text}”.`)
    if (chosen.takes !== undefined) {
      takingTime.add(turn.event.id)
      await new Promise<void>((resolve) => clock.after(chosen.takes ?? 0, resolve))
      takingTime.delete(turn.event.id)
    }
    return end(chosen, turn, next)
  }
  return {
    ...manifestOf(real),
    setup: async (context) => ({ ...(await setUpOffline(name, real, context, offline)), answer }),
  }
}

function end({ says, unknown, handsOff, passes, fails, intent, guided }: StandInAnswer, turn: BotTurn, next: Next) {
  if (fails !== undefined) throw new MeantFailure(fails)
  if (passes) return next()
  if (handsOff !== undefined) return turn.handOff({ say: says, because: handsOff })
  return unknown ? turn.unknown(says) : turn.reply(says ?? '', { intent, guided })
}
