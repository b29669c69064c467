import { useSignalEffect } from '@preact/signals'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Delivery, Row } from '../api/shapes.ts'
import type { Line, ShownEntry } from './chat-log.ts'
import type { Chat } from './chats.ts'
import { markRead, possible, resend } from './commands.ts'
import { writeAgain } from './composer.tsx'
import { titleOf } from './desk.ts'
import { Icon } from './icon.tsx'
import { discard, type Outgoing, outbox } from './outbox.ts'
import { PartView } from './parts.tsx'
import { RatingView } from './rating.tsx'
import { me } from './session.ts'
import { SummaryView } from './summary.tsx'
import { clockTime, dayOf, fullTime } from './times.ts'
import { reasonOf, refusalText, textIn, whoIs, wordOf, words } from './words/words.ts'

/** Nearer to the end than this counts as at the end. */
const NEAR_PX = 60
/** Nearer to the beginning than this, the page before is asked for. */
const OLDER_PX = 400

/** What happened in the chat, with what is on its way below it. */
export function Log({ chat, row }: { readonly chat: Chat; readonly row: Row }) {
  const { pane } = words.value
  const box = useRef<HTMLDivElement>(null)
  const isAtEnd = useRef(true)
  /** Of what was there before older entries came: the distance from the end stays. */
  const fromEnd = useRef<number | undefined>(undefined)
  const [unseen, setUnseen] = useState(0)
  const lines = chat.lines.value
  const first = lines[0]?.key
  const head = chat.head.value
  const own = outbox.value.filter((one) => one.chat === chat.id)

  function onScroll(): void {
    const element = box.current
    if (!element) return
    isAtEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX
    fromEnd.current = element.scrollHeight - element.scrollTop
    if (isAtEnd.current) {
      setUnseen(0)
      read()
    }
    if (element.scrollTop < OLDER_PX) void chat.older()
  }

  /** Read is what is before somebody: the page is seen, has the focus, and the end of the log is there. */
  function read(): void {
    if (document.visibilityState !== 'visible' || !document.hasFocus() || !isAtEnd.current) return
    if (row.unread > 0 && chat.head.value > 0) void markRead(chat.id, chat.head.value)
  }

  useLayoutEffect(() => {
    const element = box.current
    if (element && fromEnd.current !== undefined && !isAtEnd.current)
      element.scrollTop = element.scrollHeight - fromEnd.current
  }, [first])
  useLayoutEffect(() => {
    const element = box.current
    if (!element) return
    if (isAtEnd.current) element.scrollTop = element.scrollHeight
    else if (lines.length > 0) setUnseen((count) => count + 1)
    fromEnd.current = element.scrollHeight - element.scrollTop
    // A short log has no scroll that would ask for more.
    if (element.scrollHeight <= element.clientHeight + OLDER_PX) void chat.older()
  }, [head, own.length, chat.state.value, lines.length])
  useEffect(read, [head, row.unread])
  useEffect(() => {
    addEventListener('focus', read)
    // Pictures and the composer change the height, and the end stays in sight.
    const observer = new ResizeObserver(() => {
      if (isAtEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight
    })
    if (box.current) observer.observe(box.current)
    if (box.current?.firstElementChild) observer.observe(box.current.firstElementChild)
    return () => {
      removeEventListener('focus', read)
      observer.disconnect()
    }
  })

  return (
    <div class="log-frame">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: whoever has no mouse scrolls it by the arrows */}
      <div class="log" ref={box} onScroll={onScroll} role="log" aria-label={pane.messages} tabIndex={0}>
        <div class="log-inside">
          <p class="log-top">
            {chat.state.value === 'failed'
              ? pane.failedLoad
              : chat.state.value === 'loading'
                ? words.value.lists.loading
                : chat.hasOlder.value
                  ? pane.loadingOlder
                  : pane.start}
          </p>
          {lines.map((line) => (
            <LineView key={line.key} line={line} name={row.customer.name} row={row} readSeq={chat.readSeq.value} />
          ))}
          {own.map((one) => (
            <OutgoingView key={one.id} outgoing={one} />
          ))}
        </div>
      </div>
      <Typing chat={chat} />
      {unseen > 0 && (
        <button type="button" class="fresh below" onClick={() => box.current?.scrollTo(0, box.current.scrollHeight)}>
          {pane.newMessages(unseen)} <Icon name="down" />
        </button>
      )}
    </div>
  )
}

function Typing({ chat }: { readonly chat: Chat }) {
  const [isTyping, setTyping] = useState(false)
  useSignalEffect(() => {
    const left = chat.typingUntilMs.value - Date.now()
    setTyping(left > 0)
    if (left <= 0) return
    const timer = setTimeout(() => setTyping(false), left)
    return () => clearTimeout(timer)
  })
  return (
    <p class="typing" role="status">
      {isTyping && words.value.pane.customerTypes}
    </p>
  )
}

/** `row`: left out where nothing can be done about it any more. `name`: the customer’s. */
export function LineView(of: {
  readonly line: Line
  readonly name: string | undefined
  readonly row?: Row
  readonly readSeq: number
}) {
  const { line, name, row } = of
  const { conversation } = words.value.entry
  switch (line.type) {
    case 'day':
      return (
        <p class="separator">
          <span>{dayOf(line.atMs)}</span>
        </p>
      )
    case 'start': {
      const { origin, openedAtMs, channel } = line.of
      const say = origin === 'callback' ? conversation.callback : conversation.opened
      return (
        <p class="separator conversation">
          <span>{say(fullTime(openedAtMs), channel)}</span>
        </p>
      )
    }
    case 'end': {
      const { closedAtMs, closeReason, summary, rating } = line.of
      const time = fullTime(closedAtMs ?? 0)
      return (
        <>
          <p class="separator conversation end">
            <span>
              {closeReason === undefined
                ? conversation.closedNoReason(time)
                : conversation.closed(time, reasonOf(closeReason))}
            </span>
          </p>
          {summary && <SummaryView of={summary} />}
          {rating && <RatingView of={rating} />}
        </>
      )
    }
    case 'entry':
      return (
        <EntryView
          entry={line.entry}
          isFirst={line.isFirst}
          name={name}
          row={row}
          isRead={line.entry.seq <= of.readSeq}
        />
      )
  }
}

function EntryView(of: {
  readonly entry: ShownEntry
  readonly isFirst: boolean
  readonly name: string | undefined
  readonly row: Row | undefined
  /** By the customer. */
  readonly isRead: boolean
}) {
  const { entry, isFirst, name, row } = of
  const said = words.value.entry
  switch (entry.kind) {
    case 'message':
      return (
        <Said side="customer" entry={entry} isFirst={isFirst} who={name ?? said.customer}>
          {entry.parts.map((part, index) => (
            <PartView key={`${part.type}${index}`} part={part} />
          ))}
          {entry.parts.length === 0 && <p class="bubble withdrawn">{said.recalled}</p>}
          <Small
            texts={[
              entry.changed === 'edited' ? said.edited : undefined,
              entry.choice !== undefined ? said.chose : undefined,
              entry.isDropped ? said.dropped : undefined,
            ]}
          />
        </Said>
      )
    case 'reply': {
      const isMine = entry.by.kind === 'agent' && entry.by.name === me.value?.name
      const face = entry.by.seenAs ? said.seenAs(textIn(entry.by.seenAs.name)) : undefined
      const who = isMine ? said.you : whoIs(entry.by, titleOf)
      const side = entry.by.kind === 'agent' ? 'agent' : entry.by.kind === 'bot' ? 'bot' : 'system'
      return (
        <Said side={side} entry={entry} isFirst={isFirst} who={face && face !== who ? `${who} · ${face}` : who}>
          {entry.parts.map((part, index) => (
            <PartView key={`${part.type}${index}`} part={part} />
          ))}
          <Deliveries of={entry.deliveries} row={row} isRead={of.isRead} />
        </Said>
      )
    }
    case 'note':
      return (
        <Said side="note" entry={entry} isFirst who={whoIs(entry.by, titleOf)}>
          <div class="bubble note">
            <strong class="note-label">
              <Icon name="note" /> {said.note}
            </strong>
            <p class="text">{entry.text}</p>
          </div>
        </Said>
      )
    case 'deed':
      return (
        <p class="system">
          {said.deeds[entry.code]} {Object.values(entry.params).join(' ')} <time>{clockTime(entry.atMs)}</time>
        </p>
      )
    case 'life': {
      const what = lifeWords(entry)
      return (
        <p class="system">
          {what} <time>{clockTime(entry.atMs)}</time>
          {entry.because !== undefined && <span class="because">{said.because(reasonOf(entry.because))}</span>}
        </p>
      )
    }
  }
}

function lifeWords({ code, person }: Extract<ShownEntry, { readonly kind: 'life' }>): string {
  const { life } = words.value.entry
  if (code === 'conversation.assigned')
    return person === undefined ? life.assignedNobody : life.assigned(titleOf(person))
  return code === 'conversation.returned' ? life.returned : life.queued
}

function Said(of: {
  readonly side: 'customer' | 'agent' | 'bot' | 'system' | 'note'
  readonly entry: ShownEntry
  readonly isFirst: boolean
  readonly who: string
  readonly children: preact.ComponentChildren
}) {
  const { side, entry, isFirst, who } = of
  return (
    <article class={`said ${side} ${isFirst ? 'first' : ''}`}>
      {isFirst ? (
        <p class="said-head">
          <span class="said-who">{who}</span>
          <time dateTime={new Date(entry.atMs).toISOString()} title={fullTime(entry.atMs)}>
            {clockTime(entry.atMs)}
          </time>
        </p>
      ) : (
        <p class="unseen">
          {who} {clockTime(entry.atMs)}
        </p>
      )}
      {of.children}
    </article>
  )
}

function Small({ texts }: { readonly texts: readonly (string | undefined)[] }) {
  const given = texts.filter((one) => one !== undefined)
  return given.length > 0 ? <p class="said-small">{given.join(' · ')}</p> : null
}

/** What became of a reply: nothing is said of what has arrived, but all of what has not. */
function Deliveries(given: {
  readonly of: readonly Delivery[]
  readonly row: Row | undefined
  readonly isRead: boolean
}) {
  const { of, row, isRead } = given
  const { delivery, sendAgain } = words.value.entry
  const bad = of.filter(({ state }) => state === 'dead' || state === 'unknown' || state === 'cancelled')
  if (bad.length === 0) {
    const isOnItsWay = of.some(({ state }) => state !== 'sent')
    if (of.length === 0) return null
    return (
      <p class="said-small delivery">
        <Icon name={isOnItsWay ? 'clock' : 'check'} />
        {isRead ? (
          <span>{words.value.pane.seen}</span>
        ) : (
          <span class={isOnItsWay ? '' : 'unseen'}>{isOnItsWay ? delivery.pending : delivery.sent}</span>
        )}
      </p>
    )
  }
  return bad.map(({ id, state, code, canSendAgain }) => (
    <p key={id} class={`said-small delivery ${state === 'cancelled' ? '' : 'bad'}`}>
      <Icon name="alert" />
      <span>
        {delivery[state]}
        {code !== undefined && ` (${wordOf(words.value.refusals, code) ?? code})`}
      </span>
      {canSendAgain && row && possible(row).note && (
        <button type="button" class="button small" onClick={() => void resend(row.id, id)}>
          {sendAgain}
        </button>
      )}
    </p>
  ))
}

/** What the desk has not taken yet, or would not take. */
function OutgoingView({ outgoing }: { readonly outgoing: Outgoing }) {
  const { composer, entry } = words.value
  const { id, mode, text, files, refused } = outgoing
  return (
    <article class={`said first outgoing ${mode === 'note' ? 'note' : 'agent'}`} aria-live="off">
      <p class="said-head">
        <span class="said-who">{mode === 'note' ? entry.note : entry.you}</span>
      </p>
      {text !== '' && <p class={`bubble text ${mode === 'note' ? 'note' : ''}`}>{text}</p>}
      {files.map(({ file, name }) => (
        <p key={file} class="bubble file">
          <Icon name="file" /> {name}
        </p>
      ))}
      {refused === undefined ? (
        <p class="said-small delivery">
          <Icon name="clock" /> <span>{composer.waiting}</span>
        </p>
      ) : (
        <p class="said-small delivery bad" role="alert">
          <Icon name="alert" />
          <span>
            {composer.failed}: {refusalText({ code: refused })}
          </span>
          <button
            type="button"
            class="button small"
            onClick={() => {
              discard(id)
              writeAgain(outgoing)
            }}
          >
            {composer.edit}
          </button>
          <button type="button" class="button small" onClick={() => discard(id)}>
            {composer.discard}
          </button>
        </p>
      )}
    </article>
  )
}
