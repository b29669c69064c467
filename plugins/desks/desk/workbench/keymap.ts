/** The keyboard map: which key does what. The help shows all of it; what can be done at the time, the palette does by name. */
import type { Words } from './words/en.ts'

export interface Mapped {
  /** As `useKeys` has it. Left out: the key is of a field, or of several things. */
  readonly key?: string
  /** As it is shown. */
  readonly shown: readonly string[]
  readonly what: Exclude<keyof Words['help'], 'title'>
}

export const KEYMAP: readonly (readonly [group: 'lists' | 'conversation' | 'general', keys: readonly Mapped[]])[] = [
  [
    'lists',
    [
      { shown: ['J', 'K'], what: 'next' },
      { shown: ['Alt ↓', 'Alt ↑'], what: 'next' },
      { shown: ['Alt 1', 'Alt 5'], what: 'tabs' },
      { key: 'q', shown: ['Q'], what: 'takeNext' },
      { key: '/', shown: ['/'], what: 'search' },
    ],
  ],
  [
    'conversation',
    [
      { key: 'a', shown: ['A'], what: 'take' },
      { key: 'r', shown: ['R'], what: 'reply' },
      { key: 'n', shown: ['N'], what: 'note' },
      { shown: ['Enter', 'Ctrl Enter'], what: 'send' },
      { shown: ['Shift Enter'], what: 'newline' },
      { shown: ['/'], what: 'canned' },
      { shown: ['Alt 1', 'Alt 3'], what: 'suggestion' },
      { shown: ['Ctrl Shift Enter'], what: 'sendAndClose' },
      { key: 't', shown: ['T'], what: 'transfer' },
      { key: 'b', shown: ['B'], what: 'giveBack' },
      { key: 'e', shown: ['E'], what: 'close' },
      { key: 'u', shown: ['U'], what: 'markUnread' },
      { key: 'w', shown: ['W'], what: 'why' },
      { key: 'p', shown: ['P'], what: 'profile' },
      { shown: ['Esc'], what: 'back' },
    ],
  ],
  [
    'general',
    [
      { shown: ['Ctrl K'], what: 'palette' },
      { shown: ['1', '2'], what: 'pages' },
      { shown: ['S'], what: 'status' },
      { key: '?', shown: ['?'], what: 'help' },
    ],
  ],
]

const isMac = /Mac OS|iPhone|iPad/.test(navigator.userAgent)

/** As the keys of this machine are called. */
export const keyName = (shown: string): string => (isMac ? shown.replace('Ctrl', '⌘').replace('Alt', '⌥') : shown)
