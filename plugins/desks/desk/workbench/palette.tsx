import { useEffect, useId, useRef, useState } from 'preact/hooks'
import type { Row } from '../api/shapes.ts'
import { now, setStatus } from './desk.ts'
import { Dialog } from './dialog.tsx'
import { Icon, type IconName } from './icon.tsx'
import { KEYMAP, keyName } from './keymap.ts'
import { doesSomething, isSubmitEnter, press } from './keys.ts'
import { goTo, showConversations } from './location.ts'
import { PAGES } from './pages/pages.ts'
import { call } from './server.ts'
import { me } from './session.ts'
import { textIn, words } from './words/words.ts'

interface Item {
  readonly id: string
  readonly group: 'actions' | 'conversations' | 'pages' | 'statuses'
  readonly icon: IconName
  readonly title: string
  readonly detail?: string | undefined
  readonly hotkey?: string | undefined
  readonly run: () => void
}

const GROUPS = ['actions', 'conversations', 'pages', 'statuses'] as const
/** After so long without another letter it is searched for. */
const PAUSE_MS = 150
const MOST_CONVERSATIONS = 8
const NOTHING = { for: '', rows: [] }

/** Everything that can be done and gone to from here, by its name. */
export default function Palette({ onClose }: { readonly onClose: () => void }) {
  const { palette } = words.value
  const [wanted, setWanted] = useState('')
  const [at, setAt] = useState(0)
  const [searched, setSearched] = useState<{ readonly for: string; readonly rows: readonly Row[] }>(NOTHING)
  /** Once: while the dialog is here, the keys are its own. */
  const [known] = useState(knownItems)
  const list = useRef<HTMLDivElement>(null)
  const id = useId()

  const search = wanted.trim()
  useEffect(() => {
    if (search === '') return setSearched(NOTHING)
    let isOver = false
    const timer = setTimeout(() => {
      call('GET /conversations', { query: { list: 'all', search, limit: MOST_CONVERSATIONS } }).then(
        ({ rows }) => !isOver && setSearched({ for: search, rows }),
        // What is here is found all the same.
        () => !isOver && setSearched({ for: search, rows: [] }),
      )
    }, PAUSE_MS)
    return () => {
      isOver = true
      clearTimeout(timer)
    }
  }, [search])

  const isSearched = searched.for === search
  const conversations = searched.rows
    .map(conversationItem)
    // Until it is searched for these words, those who were found for others: Enter opens nobody else.
    .filter(({ title }) => isSearched || matches(title, search))
  const found = [...known.filter(({ title }) => matches(title, search)), ...conversations]
  const items = GROUPS.flatMap((group) => found.filter((item) => item.group === group))
  const chosen = items[Math.min(at, items.length - 1)]

  useEffect(() => {
    list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' })
  }, [chosen?.id])

  function run(item: Item): void {
    onClose()
    // When the dialog has given the focus back.
    setTimeout(item.run)
  }

  function onKeyDown(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step !== undefined && items.length > 0)
      setAt((Math.min(at, items.length - 1) + step + items.length) % items.length)
    else if (isSubmitEnter(event) && chosen) run(chosen)
    else return
    event.preventDefault()
  }

  return (
    <Dialog title={palette.title} class="palette" onClose={onClose}>
      <label class="search">
        <span class="unseen">{palette.search}</span>
        <Icon name="search" />
        <input
          role="combobox"
          aria-expanded="true"
          aria-controls={`${id}-list`}
          aria-activedescendant={chosen && `${id}-${chosen.id}`}
          aria-autocomplete="list"
          autocomplete="off"
          placeholder={palette.search}
          value={wanted}
          onInput={({ currentTarget }) => {
            setWanted(currentTarget.value)
            setAt(0)
          }}
          onKeyDown={onKeyDown}
        />
      </label>
      <div class="palette-items" role="listbox" id={`${id}-list`} aria-label={palette.title} ref={list}>
        {GROUPS.map((group) => {
          const inGroup = items.filter((item) => item.group === group)
          if (inGroup.length === 0) return null
          return (
            <fieldset key={group} aria-labelledby={`${id}-${group}`}>
              <p class="palette-group" id={`${id}-${group}`} role="presentation">
                {palette[group]}
              </p>
              {inGroup.map((item) => (
                // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the field
                // biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the field, which names it
                <div
                  key={item.id}
                  class="palette-item"
                  role="option"
                  id={`${id}-${item.id}`}
                  aria-selected={item === chosen}
                  onClick={() => run(item)}
                >
                  <Icon name={item.icon} />
                  <span class="grow">{item.title}</span>
                  {item.detail !== undefined && <small>{item.detail}</small>}
                  {item.hotkey !== undefined && <kbd>{item.hotkey}</kbd>}
                </div>
              ))}
            </fieldset>
          )
        })}
      </div>
      <p class="palette-nothing" role="status">
        {items.length === 0 && isSearched && palette.nothing}
      </p>
    </Dialog>
  )
}

/** All but conversations, of which there may be thousands. */
function knownItems(): readonly Item[] {
  const { help, rail, palette } = words.value
  const actions = KEYMAP.flatMap(([, keys]) => keys).flatMap(({ key, shown, what }): readonly Item[] =>
    key !== undefined && doesSomething(key)
      ? [
          {
            id: `do-${what}`,
            group: 'actions',
            icon: 'keyboard',
            title: help[what],
            hotkey: shown.map(keyName).join(' '),
            run: () => press(key),
          },
        ]
      : [],
  )
  const who = me.value
  const pages = PAGES.filter(({ isFor }) => who && isFor(who, now.value))
  return [
    ...actions,
    { id: 'page-', group: 'pages', icon: 'chats', title: rail.conversations, run: () => showConversations() },
    ...pages.map(
      ({ name, title, icon }): Item => ({
        id: `page-${name}`,
        group: 'pages',
        icon,
        title: textIn(title),
        run: () => goTo(name),
      }),
    ),
    ...now.value.statuses.map(
      ({ name, title, isForChats }): Item => ({
        id: `status-${name}`,
        group: 'statuses',
        icon: isForChats ? 'check' : 'clock',
        title: palette.status(textIn(title)),
        detail: isForChats ? undefined : rail.noChats,
        run: () => void setStatus(name),
      }),
    ),
  ]
}

function conversationItem({ id, customer, channel, state }: Row): Item {
  const { row, states } = words.value
  return {
    id: `conversation-${id}`,
    group: 'conversations',
    icon: 'person',
    title: customer.name ?? row.noName,
    detail: `${channel} · ${states[state]}`,
    run: () => showConversations(id),
  }
}

/** Each word that was written stands in it somewhere. */
function matches(title: string, wanted: string): boolean {
  const text = title.toLocaleLowerCase()
  return wanted
    .toLocaleLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word))
}
