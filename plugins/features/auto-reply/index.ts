import { definePlugin, type Say } from '#core'
import { greetAgain, mayBeSaid, memory } from './memory.ts'
import { ruleFinder } from './rules.ts'
import { settings } from './settings.ts'

export default definePlugin({
  name: 'auto-reply',
  summary: 'Says given texts by itself: to followers, to a first message, outside opening hours, and to given words.',
  config: settings,
  state: memory,
  setup: ({ config: { onFollow, onFollowAgain, onFollowDuring, onFirstMessage, outsideHours, rules, every } }) => {
    const findRule = ruleFinder(rules)
    return {
      inbound: {
        respond(turn, next) {
          const { event, state, conversation, text } = turn
          const say = (messages: readonly Say[]) => {
            for (const message of messages) turn.say(message)
          }
          const answer = (messages: readonly Say[], because: string) => {
            say(messages.slice(0, -1))
            return turn.reply(messages.at(-1) ?? '', { because })
          }
          const isDue = (key: string, everyMs = every) => mayBeSaid(state.saidAt, key, { everyMs, atMs: event.atMs })

          if (event.type === 'follow') {
            const isTime = onFollowDuring?.isOpen(event.atMs) !== false && (onFollowAgain || !state.hasFollowed)
            state.hasFollowed = true
            return onFollow && isTime ? answer(onFollow, 'follow') : next()
          }
          if (event.type !== 'message') return next()
          if (onFirstMessage && !conversation && !state.isGreeted) {
            state.isGreeted = true
            if (isDue('first')) say(onFirstMessage)
          }
          const isClosed = outsideHours && !outsideHours.hours.isOpen(event.atMs)
          if (isClosed && isDue('hours', outsideHours.every)) say(outsideHours.say)
          const found = findRule(text)
          if (!found || !isDue(found.key, found.rule.every)) return next()
          if (found.rule.then === 'end') return answer(found.rule.say, found.because)
          say(found.rule.say)
          return next()
        },
      },
      events: onFirstMessage && { 'conversation.opened': greetAgain },
    }
  },
})
