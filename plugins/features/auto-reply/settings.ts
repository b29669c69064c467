/** What an operator writes. */
import { duration, hours, keyword, type Say, say, z } from '#core'
import { problemOf } from './rules.ts'

/** One message, or several one after the other. */
const messages = z
  .union([say().transform((one) => [one]), z.array(say()).min(1)])
  .refine((all) => !all.every(isEmpty), 'Nothing is said by an empty text. Write a text, or leave out what says it.')

/** In every language. */
function isEmpty(say: Say): boolean {
  const texts: readonly unknown[] = typeof say === 'string' ? [say] : Object.values(say)
  return texts.every((text) => typeof text === 'string' && text.trim() === '')
}

const pattern = z.string().superRefine((text, context) => {
  const message = problemOf(text)
  if (message !== undefined) context.addIssue({ code: 'custom', message })
})

const rule = z.strictObject({
  when: z
    .array(z.union([keyword(), z.strictObject({ pattern })]))
    .min(1)
    .describe('Words, each a text or { text, match: word | exact | contains }; or { pattern }, a regular expression.'),
  say: messages.describe('What is said.'),
  every: duration().optional().describe('Said only once in this time. Left out, every counts.'),
  // biome-ignore lint/suspicious/noThenProperty: a text is no function, so nothing awaits it.
  then: z
    .enum(['end', 'go-on'])
    .default('end')
    .describe('end: the bot is not asked. go-on: it is, and this is said before its answer.'),
})

export const settings = z.strictObject({
  onFollow: messages.optional().describe('Said to who follows the account.'),
  onFollowAgain: z
    .boolean()
    .default(true)
    .describe('Whether that is said each time; false: only the first time that a customer follows.'),
  onFollowDuring: hours().optional().describe('When that is said. At other times nothing is. Left out: always.'),
  onFirstMessage: messages.optional().describe('Said to the first message of a conversation, before its answer.'),
  outsideHours: z
    .strictObject({
      hours: hours().describe('When you are there.'),
      say: messages.describe('What is said to a message that comes at any other time, before its answer.'),
      every: duration('12h').describe('Said only once in this time.'),
    })
    .optional()
    .describe('Says when you are there to who writes when you are not.'),
  rules: z.array(rule).default([]).describe('What is said to which words. The first that fits counts.'),
  every: duration()
    .optional()
    .describe('What is said to a first message and by a rule is said only once in this time. Left out: each time.'),
})
