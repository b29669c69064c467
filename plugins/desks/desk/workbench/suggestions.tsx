import { signal } from '@preact/signals'
import type { Suggestion } from '../api/shapes.ts'
import type { Chat } from './chats.ts'
import { Icon } from './icon.tsx'
import { keyName } from './keymap.ts'
import { words } from './words/words.ts'

/** Those that somebody did not want, or has used already. */
const dismissed = signal<ReadonlySet<string>>(new Set())

export function dismissSuggestion(id: string): void {
  dismissed.value = new Set([...dismissed.value, id])
}

/** What the bot would say now. */
export const suggestionsIn = (chat: Chat): readonly Suggestion[] =>
  chat.suggestions.value.filter(({ id }) => !dismissed.value.has(id))

/** Above the field: each is put into it by a click or by its key, and sent by nobody but the agent. */
export function Suggestions(of: {
  readonly suggestions: readonly Suggestion[]
  readonly onInsert: (suggestion: Suggestion) => void
}) {
  const { composer } = words.value
  return (
    <section class="suggestions" aria-label={composer.suggestions}>
      <p role="status" class="suggestions-head">
        {of.suggestions.length > 0 && (
          <>
            <Icon name="bot" /> {composer.suggests}
          </>
        )}
      </p>
      <ul>
        {of.suggestions.map((suggestion, index) => (
          <li key={suggestion.id}>
            <button
              type="button"
              class="suggestion"
              aria-keyshortcuts={`Alt+${index + 1}`}
              title={composer.insert(keyName(`Alt ${index + 1}`))}
              onClick={() => of.onInsert(suggestion)}
            >
              <span>{suggestion.text}</span>
              <small>{keyName(`Alt ${index + 1}`)}</small>
            </button>
            <button
              type="button"
              class="tool small"
              aria-label={composer.dismiss}
              title={composer.dismiss}
              onClick={() => dismissSuggestion(suggestion.id)}
            >
              <Icon name="close" />
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}
