/** Voice messages that come without their words. */
import type { Next, Outcome, Say, Turn } from '#core'

/**
 * Whoever has said something that nobody has recognised is asked to type it, in place of asking a bot what it cannot
 * hear. People can: where they answer, the recording goes to them.
 */
export function askToType(unrecognizedReply: Say): (turn: Turn, next: Next) => Outcome {
  return (turn, next) => {
    if (unrecognizedReply === '' || turn.answeredBy === 'people' || !isWordlessVoice(turn)) return next()
    return turn.reply(unrecognizedReply, { because: 'a voice message without its words' })
  }
}

function isWordlessVoice({ event, text }: Turn): boolean {
  return event.type === 'message' && event.parts.some(({ type }) => type === 'audio') && text.trim() === ''
}
