import { computed, signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { Avatar } from './avatar.tsx'
import { open, openId } from './chats.ts'
import { signOut } from './commands.ts'
import { CustomerPanel } from './customer.tsx'
import { counts, myself, now, setStatus, statusTitle } from './desk.ts'
import { Icon, type IconName } from './icon.tsx'
import { useKeys } from './keys.ts'
import { lazily } from './lazily.tsx'
import { ListPane } from './list.tsx'
import { followLocation, goTo, place, showConversations } from './location.ts'
import { Action, Choice, Menu } from './menu.tsx'
import { Page } from './pages/page.tsx'
import { PAGES } from './pages/pages.ts'
import { Pane } from './pane.tsx'
import { isPanelOpen } from './panel.ts'
import { me } from './session.ts'
import { isConnected } from './stream.ts'
import { setTheme, THEMES, theme } from './theme.ts'
import { isSilent } from './told.ts'
import { dictionary, LANGUAGES, language, setLanguage, textIn, words } from './words/words.ts'

const Help = lazily(() => import('./help.tsx'))
const Palette = lazily(() => import('./palette.tsx'))

const isHelpOpen = signal(false)
const isPaletteOpen = signal(false)
const statusOpenings = signal(0)

export function Shell() {
  useEffect(followLocation, [])
  useEffect(() => {
    // Whoever cannot be told by a sound sees all of it: it is loaded with the next page.
    import('./telling.ts').then(
      ({ beginTelling }) => beginTelling(),
      () => undefined,
    )
  }, [])
  useKeys({
    '?': () => {
      isHelpOpen.value = true
    },
    'Mod+k': () => {
      isPaletteOpen.value = true
    },
    s: () => {
      statusOpenings.value++
    },
    ...Object.fromEntries(railItems.value.map(({ onGo }, index) => [`${index + 1}`, onGo])),
  })
  const page = place.value
  const isOpen = !page && openId.value !== undefined
  return (
    <div class={`shell ${isOpen ? 'has-open' : ''} ${isOpen && isPanelOpen.value ? 'has-panel' : ''}`}>
      <Rail />
      <Strips />
      {page ? (
        <Page name={page.page} asked={page.asked} />
      ) : (
        <main class="columns">
          <ListPane />
          <Pane />
          {isOpen && isPanelOpen.value && <CustomerPanel />}
        </main>
      )}
      {isHelpOpen.value && (
        <Help
          onClose={() => {
            isHelpOpen.value = false
          }}
        />
      )}
      {isPaletteOpen.value && (
        <Palette
          onClose={() => {
            isPaletteOpen.value = false
          }}
        />
      )}
    </div>
  )
}

interface RailItem {
  /** `undefined`: the conversations. */
  readonly page: string | undefined
  readonly title: string
  readonly icon: IconName
  readonly onGo: () => void
}

/** The conversations, and the pages that whoever is signed in may open. The key of each is its number. */
const railItems = computed((): readonly RailItem[] => [
  {
    page: undefined,
    title: words.value.rail.conversations,
    icon: 'chats',
    onGo: () => (place.value ? showConversations() : void open(undefined)),
  },
  ...PAGES.filter(({ isFor, isInMenu }) => !isInMenu && me.value && isFor(me.value, now.value)).map(
    ({ name, title, icon }) => ({
      page: name,
      title: textIn(title),
      icon,
      onGo: () => goTo(name),
    }),
  ),
])

function Rail() {
  const { rail } = words.value
  return (
    <nav class="rail" aria-label={rail.label}>
      <div class="rail-pages">
        {railItems.value.map((item, index) => (
          <RailButton key={item.page ?? ''} item={item} hotkey={`${index + 1}`} />
        ))}
      </div>
      <span class="rail-space" />
      {/* Any click does it; here it is said. */}
      {isSilent.value && (
        <button type="button" class="rail-item" aria-label={rail.silent} title={rail.silent}>
          <Icon name="silent" />
        </button>
      )}
      <button
        type="button"
        class="rail-item rail-help"
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

function RailButton({ item, hotkey }: { readonly item: RailItem; readonly hotkey: string }) {
  const { page, title, icon, onGo } = item
  const waiting = page === undefined ? (counts.value?.queue ?? 0) : 0
  return (
    <button
      type="button"
      class="rail-item"
      aria-current={place.value?.page === page ? 'page' : undefined}
      aria-keyshortcuts={hotkey}
      title={`${title} (${hotkey})`}
      onClick={onGo}
    >
      <Icon name={icon} />
      <span class="unseen">{title}</span>
      {waiting > 0 && <span class="rail-badge">{waiting > 99 ? '99+' : waiting}</span>}
    </button>
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
        <Action onChoose={() => goTo('account')}>{rail.myAccount}</Action>
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
  const { status, reminder } = myself.value ?? {}
  const first = now.value.statuses.find(({ isForChats }) => isForChats)
  return (
    <div class="strips" role="status">
      {isConnected.value === false && (
        <p class="strip alert">
          <Icon name="alert" /> <span>{strip.reconnecting}</span>
        </p>
      )}
      {status && !status.isForChats && (
        <p class={`strip ${reminder ? 'late' : ''}`}>
          <Icon name="clock" />{' '}
          <span>
            {reminder ? strip.reminder(reminder.team, statusTitle(status.name)) : strip.away(statusTitle(status.name))}
          </span>
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
