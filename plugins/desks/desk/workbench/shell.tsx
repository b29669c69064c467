import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { Avatar } from './avatar.tsx'
import { open, openId } from './chats.ts'
import { signOut } from './commands.ts'
import { CustomerPanel } from './customer.tsx'
import { counts, myself, now, setStatus, statusTitle } from './desk.ts'
import { Help } from './help.tsx'
import { Icon } from './icon.tsx'
import { useKeys } from './keys.ts'
import { ListPane } from './list.tsx'
import { followLocation } from './location.ts'
import { Action, Choice, Menu } from './menu.tsx'
import { Pane } from './pane.tsx'
import { isPanelOpen } from './panel.ts'
import { me } from './session.ts'
import { isConnected } from './stream.ts'
import { setTheme, THEMES, theme } from './theme.ts'
import { dictionary, LANGUAGES, language, setLanguage, textIn, words } from './words/words.ts'

const isHelpOpen = signal(false)
const statusOpenings = signal(0)

export function Shell() {
  useEffect(followLocation, [])
  useKeys({
    '?': () => {
      isHelpOpen.value = true
    },
    s: () => {
      statusOpenings.value++
    },
  })
  const isOpen = openId.value !== undefined
  return (
    <div class={`shell ${isOpen ? 'has-open' : ''} ${isOpen && isPanelOpen.value ? 'has-panel' : ''}`}>
      <Rail />
      <Strips />
      <main class="columns">
        <ListPane />
        <Pane />
        {isOpen && isPanelOpen.value && <CustomerPanel />}
      </main>
      {isHelpOpen.value && (
        <Help
          onClose={() => {
            isHelpOpen.value = false
          }}
        />
      )}
    </div>
  )
}

function Rail() {
  const { rail } = words.value
  const waiting = counts.value?.queue ?? 0
  return (
    <nav class="rail" aria-label={rail.label}>
      <button
        type="button"
        class="rail-item"
        aria-current="page"
        title={rail.conversations}
        onClick={() => void open(undefined)}
      >
        <Icon name="chats" />
        <span class="unseen">{rail.conversations}</span>
        {waiting > 0 && <span class="rail-badge">{waiting > 99 ? '99+' : waiting}</span>}
      </button>
      <span class="rail-space" />
      <button
        type="button"
        class="rail-item"
        aria-label={rail.shortcuts}
        title={rail.shortcuts}
        onClick={() => {
          isHelpOpen.value = true
        }}
      >
        <Icon name="keyboard" />
      </button>
      <AccountMenu />
    </nav>
  )
}

function AccountMenu() {
  const { rail } = words.value
  const person = myself.value
  const name = person?.title ?? me.value?.title ?? ''
  const status = person?.status
  const statusName = status ? statusTitle(status.name) : ''
  return (
    <Menu
      class="account"
      label={rail.account(name, statusName)}
      openings={statusOpenings.value}
      button={
        <>
          <Avatar name={name} />
          {status && <span class={`dot ${status.isForChats ? 'on' : 'off'}`} />}
        </>
      }
    >
      <p class="menu-head" role="presentation">
        <strong>{name}</strong>
        <span>{statusName}</span>
      </p>
      <fieldset aria-label={rail.status}>
        {now.value.statuses.map(({ name: one, title, isForChats }) => (
          <Choice key={one} isChosen={one === status?.name} onChoose={() => void setStatus(one)}>
            <span class={`dot ${isForChats ? 'on' : 'off'}`} />
            <span class="grow">{textIn(title)}</span>
            {!isForChats && <small>{rail.noChats}</small>}
          </Choice>
        ))}
      </fieldset>
      <fieldset aria-label={rail.language}>
        {LANGUAGES.map((one) => (
          <Choice key={one} isChosen={one === language.value} onChoose={() => setLanguage(one)}>
            <span lang={one}>{dictionary[one].language}</span>
          </Choice>
        ))}
      </fieldset>
      <fieldset aria-label={rail.theme}>
        {THEMES.map((one) => (
          <Choice key={one} isChosen={one === theme.value} onChoose={() => setTheme(one)}>
            {rail[one]}
          </Choice>
        ))}
      </fieldset>
      <fieldset aria-label={rail.settings}>
        <Action
          onChoose={() => {
            void signOut().then((isDone) => isDone && location.reload())
          }}
        >
          {rail.signOut}
        </Action>
      </fieldset>
    </Menu>
  )
}

/** Shown only when there is something that must be known. */
function Strips() {
  const { strip } = words.value
  const status = myself.value?.status
  const first = now.value.statuses.find(({ isForChats }) => isForChats)
  return (
    <div class="strips" role="status">
      {isConnected.value === false && (
        <p class="strip alert">
          <Icon name="alert" /> <span>{strip.reconnecting}</span>
        </p>
      )}
      {status && !status.isForChats && (
        <p class="strip">
          <Icon name="clock" /> <span>{strip.away(statusTitle(status.name))}</span>
          {first && (
            <button type="button" class="button small" onClick={() => void setStatus(first.name)}>
              {strip.goOnline}
            </button>
          )}
        </p>
      )}
    </div>
  )
}
