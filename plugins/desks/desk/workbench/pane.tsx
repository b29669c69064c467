import { signal } from '@preact/signals'
import type { FunctionComponent } from 'preact'
import { useEffect } from 'preact/hooks'
import type { Row } from '../api/shapes.ts'
import { Avatar } from './avatar.tsx'
import { isMissing, open, openChat, openId, openRow } from './chats.ts'
import { markUnread, possible, take } from './commands.ts'
import { Composer, focusComposer } from './composer.tsx'
import { myself, titleOf, titlesOf } from './desk.ts'
import { Icon, type IconName } from './icon.tsx'
import { useKeys } from './keys.ts'
import { lazily } from './lazily.tsx'
import { show } from './lists.ts'
import { Log } from './log.tsx'
import { lookAt } from './looking.ts'
import { isPanelOpen, togglePanel } from './panel.ts'
import { ratingText } from './rating.tsx'
import { Waiting } from './row.tsx'
import { me } from './session.ts'
import { words } from './words/words.ts'

/** What is asked for the first time is loaded then: most conversations need none of it. */
const TransferDialog = lazily(() => import('./transfer.tsx'))
const CloseDialog = lazily(() => import('./closing.tsx'))
const GiveBackDialog = lazily(() => import('./give-back.tsx'))
const WhyDialog = lazily(() => import('./why.tsx'))
const DIALOGS = { transfer: TransferDialog, close: CloseDialog, giveBack: GiveBackDialog, why: WhyDialog }

/** Of the conversation that it was asked for: another may be open in the next moment. */
const dialog = signal<{ readonly conversation: string; readonly name: keyof typeof DIALOGS } | undefined>(undefined)
function ask({ id }: Row, name: keyof typeof DIALOGS): void {
  dialog.value = { conversation: id, name }
}
const closeDialog = () => {
  dialog.value = undefined
}

interface DialogProperties {
  readonly row: Row
  readonly onClose: () => void
}

/** The conversation that is open. */
export function Pane() {
  const { pane } = words.value
  const row = openRow.value
  const chat = openChat.value
  useKeys({ Escape: () => void open(undefined) })
  useEffect(() => {
    lookAt(chat?.id)
    return () => lookAt(undefined)
  }, [chat?.id])
  if (row && chat)
    return (
      <section class="pane" aria-label={row.customer.name ?? words.value.row.noName}>
        <Header row={row} />
        <Log key={chat.id} chat={chat} row={row} />
        <Composer key={row.id} row={row} chat={chat} onSendAndClose={() => ask(row, 'close')} />
        <Dialogs key={`dialog ${row.id}`} row={row} />
      </section>
    )
  return (
    <section class="pane empty-pane">
      {openId.value !== undefined && !isMissing.value ? (
        <p role="status">{words.value.lists.loading}</p>
      ) : (
        <>
          <span class="empty-mark">
            <Icon name="chats" />
          </span>
          <h1>{isMissing.value ? pane.notThere : pane.none}</h1>
          <p>{isMissing.value ? pane.notThereHint : pane.noneHint}</p>
        </>
      )}
    </section>
  )
}

function Header({ row }: { readonly row: Row }) {
  const { pane } = words.value
  const can = possible(row)
  const isAble = myself.value?.status.isForChats !== false
  useKeys({
    p: togglePanel,
    w: () => ask(row, 'why'),
    r: () => focusComposer('reply'),
    n: () => focusComposer('note'),
    u: () => void leaveUnread(row),
    ...(can.take && isAble && { a: () => void takeThis(row) }),
    ...(can.giveBack && { b: () => ask(row, 'giveBack') }),
    ...(can.transfer && { t: () => ask(row, 'transfer') }),
    ...(can.close && { e: () => ask(row, 'close') }),
  })
  const name = row.customer.name ?? words.value.row.noName
  return (
    <header class="pane-head">
      <button type="button" class="tool back" aria-label={pane.back} onClick={() => void open(undefined)}>
        <Icon name="back" />
      </button>
      <Avatar name={row.customer.name} url={row.customer.avatarUrl} />
      <div class="pane-title">
        <div class="pane-name">
          <h1>{name}</h1>
          {row.lookers.length > 0 && (
            <span class="lookers">
              <Icon name="eye" /> <span>{pane.alsoHere(titlesOf(row.lookers))}</span>
            </span>
          )}
        </div>
        <p>
          <span class={`state ${row.state}`}>{ownerOf(row)}</span>
          <span>{[row.channel, row.entry].filter((one) => one !== undefined).join(' · ')}</span>
          {row.closed?.rating && <span>{ratingText(row.closed.rating)}</span>}
          {row.waitingSinceMs !== undefined && row.state !== 'closed' && <Waiting sinceMs={row.waitingSinceMs} />}
        </p>
      </div>
      <div class="pane-actions">
        {can.take && (
          <button
            type="button"
            class="button primary"
            aria-keyshortcuts="a"
            disabled={!isAble}
            onClick={() => void takeThis(row)}
          >
            {row.state === 'queued' ? pane.take : pane.takeOver}
          </button>
        )}
        {can.transfer && (
          <HeadAction icon="transfer" label={pane.transfer} hotkey="T" onClick={() => ask(row, 'transfer')} />
        )}
        {can.giveBack && (
          <HeadAction icon="bot" label={pane.giveBack} hotkey="B" onClick={() => ask(row, 'giveBack')} />
        )}
        {can.close && <HeadAction icon="check" label={pane.close} hotkey="E" onClick={() => ask(row, 'close')} />}
        <HeadAction icon="why" label={pane.why} hotkey="W" onClick={() => ask(row, 'why')} />
        <HeadAction icon="person" label={pane.profile} hotkey="P" isPressed={isPanelOpen.value} onClick={togglePanel} />
      </div>
    </header>
  )
}

function HeadAction(of: {
  readonly icon: IconName
  readonly label: string
  readonly hotkey?: string
  readonly isPressed?: boolean
  readonly onClick: () => void
}) {
  return (
    <button
      type="button"
      class="head-action"
      aria-pressed={of.isPressed}
      title={of.hotkey === undefined ? of.label : `${of.label} (${of.hotkey})`}
      onClick={of.onClick}
    >
      <Icon name={of.icon} />
      <span>{of.label}</span>
    </button>
  )
}

function Dialogs({ row }: { readonly row: Row }) {
  // What was begun for a conversation that is left is not begun again when somebody comes back to it.
  useEffect(() => closeDialog, [])
  if (dialog.value?.conversation !== row.id) return null
  const Chosen: FunctionComponent<DialogProperties> = DIALOGS[dialog.value.name]
  return <Chosen row={row} onClose={closeDialog} />
}

/** The customer’s last message is unread again; nobody has it before them any more, else it would be read at once. */
async function leaveUnread(row: Row): Promise<void> {
  const last = openChat.value?.lines.value.findLast(
    (line) => line.type === 'entry' && line.entry.kind === 'message' && line.entry.by.kind === 'customer',
  )
  if (last?.type !== 'entry') return
  await open(undefined)
  await markUnread(row.chat, last.entry.seq - 1)
}

async function takeThis(row: Row): Promise<void> {
  if (!(await take(row))) return
  show({ list: 'mine' })
  focusComposer('reply')
}

function ownerOf({ state, bot, team, person }: Row): string {
  const { pane } = words.value
  switch (state) {
    case 'bot':
      return pane.ownerBot(bot ?? words.value.entry.bot)
    case 'queued':
      return team === undefined ? pane.ownerQueueNoTeam : pane.ownerQueue(team)
    case 'assigned':
      return person === me.value?.name ? pane.ownerYou : pane.ownerOther(titleOf(person ?? ''))
    case 'closed':
      return pane.ownerClosed
  }
}
