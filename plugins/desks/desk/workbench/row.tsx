import type { Row } from '../api/shapes.ts'
import { Avatar } from './avatar.tsx'
import { open } from './chats.ts'
import { take } from './commands.ts'
import { titlesOf } from './desk.ts'
import { draftOf } from './drafts.ts'
import { Icon } from './icon.tsx'
import { show } from './lists.ts'
import { outbox } from './outbox.ts'
import { RatingMark } from './rating.tsx'
import { me } from './session.ts'
import { shortTime, urgency, waited } from './times.ts'
import { words } from './words/words.ts'

/** One conversation in the list, at its place. */
export function RowView(of: {
  readonly row: Row
  readonly top: number
  readonly place: number
  readonly count: number
  readonly isOpen: boolean
  readonly isGone: boolean
  /** Tab leads here. */
  readonly isAt: boolean
}) {
  const { row, isOpen, isGone, isAt } = of
  return (
    <li
      class={`row ${isGone ? 'gone' : ''} ${row.unread > 0 ? 'unread' : ''}`}
      style={{ top: `${of.top}px` }}
      aria-current={isOpen ? 'true' : undefined}
      aria-posinset={of.place}
      aria-setsize={of.count}
    >
      <RowInside row={row} isGone={isGone} isAt={isAt} />
    </li>
  )
}

/** Since it reads signals, it is drawn again only when something of it is another, and not when the row moves. */
function RowInside(of: { readonly row: Row; readonly isGone: boolean; readonly isAt: boolean }) {
  const { row, isGone } = of
  const { row: said } = words.value
  const name = row.customer.name ?? said.noName
  const draft = draftOf(row.id, 'reply')
  const isRefused = outbox.value.some(({ chat, refused }) => chat === row.chat && refused !== undefined)
  return (
    <>
      <button type="button" class="row-open" tabIndex={of.isAt ? 0 : -1} onClick={() => void open(row.id)}>
        <Avatar name={row.customer.name} url={row.customer.avatarUrl} />
        <span class="row-text">
          <span class="row-line">
            <span class="row-name">{name}</span>
            {row.isBlocked && (
              <span class="sign" title={said.blocked}>
                <Icon name="blocked" />
                <span class="unseen">{said.blocked}</span>
              </span>
            )}
            <time class="row-time">{shortTime(row.last?.atMs ?? row.openedAtMs)}</time>
          </span>
          <span class="row-line">
            <span class="row-last">
              {draft !== '' ? (
                <>
                  <em>{words.value.composer.draft}:</em> {draft}
                </>
              ) : (
                <Last row={row} />
              )}
            </span>
            {(row.failed > 0 || isRefused) && (
              <span class="sign failed" title={said.failed}>
                <Icon name="alert" />
                <span class="unseen">{said.failed}</span>
              </span>
            )}
            {row.unread > 0 && (
              <span class="pill">
                <span aria-hidden="true">{row.unread > 98 ? '99+' : row.unread}</span>
                <span class="unseen">{said.unread(row.unread)}</span>
              </span>
            )}
          </span>
          <span class="row-line row-meta">
            <span class="row-where">
              {isGone ? said.gone : [row.channel, row.team].filter((one) => one !== undefined).join(' · ')}
            </span>
            {row.lookers.length > 0 && (
              <span class="sign" title={said.looking(titlesOf(row.lookers))}>
                <Icon name="eye" />
                <span class="unseen">{said.looking(titlesOf(row.lookers))}</span>
              </span>
            )}
            {row.closed?.rating && <RatingMark of={row.closed.rating} />}
            {row.waitingSinceMs !== undefined && row.state !== 'closed' && <Waiting sinceMs={row.waitingSinceMs} />}
          </span>
        </span>
      </button>
      {row.state === 'queued' && !isGone && (
        <button
          type="button"
          class="button small row-take"
          aria-label={said.takeOf(name)}
          tabIndex={of.isAt ? 0 : -1}
          onClick={async () => {
            if (!(await take(row))) return
            show({ list: 'mine' })
            await open(row.id)
          }}
        >
          {said.take}
        </button>
      )}
    </>
  )
}

function Last({ row: { last } }: { readonly row: Row }) {
  const { row } = words.value
  if (!last) return row.nothing
  const who =
    last.by.kind === 'customer'
      ? ''
      : last.by.kind === 'agent'
        ? last.by.name === me.value?.name
          ? row.you
          : (last.by.title ?? last.by.name ?? '')
        : last.by.kind === 'bot'
          ? words.value.entry.bot
          : ''
  const what = last.part === 'text' || last.text !== '' ? last.text : `[${row.parts[last.part]}]`
  return who === '' ? what : `${who}: ${what}`
}

/** How long the customer has been waiting for an answer: by words, by colour, and by a sign. */
export function Waiting({ sinceMs }: { readonly sinceMs: number }) {
  const time = waited(sinceMs)
  return (
    <span class={`waiting ${urgency(sinceMs)}`} title={words.value.row.waits(time)}>
      <Icon name="clock" />
      <span class="unseen">{words.value.row.waits(time)}</span>
      <span aria-hidden="true">{time}</span>
    </span>
  )
}
