import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Person, Row, Team } from '../../../api/shapes.ts'
import { Avatar } from '../../avatar.tsx'
import { possible, take } from '../../commands.ts'
import { counts, now, onFrame, statusTitle, titleOf } from '../../desk.ts'
import { useKeys } from '../../keys.ts'
import { lazily } from '../../lazily.tsx'
import { askOfPage, showConversations } from '../../location.ts'
import { call } from '../../server.ts'
import { fullTime, urgency, waited } from '../../times.ts'
import { toast, toastRefusal } from '../../toasts.ts'
import { inLanguage, reasonOf, words as shared, textIn, whoIs } from '../../words/words.ts'
import { Frame } from '../frame.tsx'
import type { PageProperties } from '../pages.ts'
import { byStatus, hasRoom, ticking, whyWaiting } from './desk-load.ts'
import { MOST_ROWS, useLiveRows } from './live-rows.ts'
import { words } from './words.ts'
import './monitor.css'

const TransferDialog = lazily(() => import('../../transfer.tsx'))

/** What is the matter at the desk: for whoever looks after it, and for a screen on the wall. */
export default function Monitor({ asked }: PageProperties) {
  const said = inLanguage(words)
  const queue = useLiveRows({ list: 'queue', sort: 'waiting' })
  const [passing, setPassing] = useState<Row>()
  const isWall = asked.view === 'wall'
  useKeys(isWall ? { Escape: () => showWall(false) } : {})
  return (
    <Frame
      title={said.title}
      actions={
        <button type="button" class="button" onClick={() => showWall(!isWall)}>
          {isWall ? said.leaveWall : said.wallboard}
        </button>
      }
    >
      <div class={`monitor ${isWall ? 'wall' : ''}`}>
        <Tiles queued={queue?.rows} />
        {isWall ? (
          <Teams rows={queue?.rows ?? []} />
        ) : (
          <>
            <section class="page-section wide">
              <h2>{said.queue}</h2>
              {!queue && <p role="status">{said.loading}</p>}
              {queue?.rows.length === 0 && <p class="hint">{said.empty}</p>}
              {queue &&
                byTeam(queue.rows).map(([team, rows]) => (
                  <Queue key={team ?? ''} team={team} rows={rows} onPass={setPassing} />
                ))}
              {queue && !queue.isWhole && <p class="hint">{said.more(MOST_ROWS)}</p>}
            </section>
            <PeopleTable onPass={setPassing} />
          </>
        )}
      </div>
      {passing && <TransferDialog row={passing} onClose={() => setPassing(undefined)} />}
    </Frame>
  )
}

/** On a wall nothing else should be seen; a browser that does not let it has the rest of itself around it. */
function showWall(isWall: boolean): void {
  askOfPage(isWall ? { view: 'wall' } : {})
  if (isWall) document.documentElement.requestFullscreen?.().catch(() => undefined)
  else if (document.fullscreenElement) void document.exitFullscreen()
}

// ── the tiles ──

function Tiles({ queued }: { readonly queued: readonly Row[] | undefined }) {
  const said = inLanguage(words)
  const { people, statuses } = now.value
  const { queue = 0, bot = 0, all = 0 } = counts.value ?? {}
  const there = people.filter(({ mayChat }) => mayChat === true)
  const { here, gone } = byStatus(people)
  return (
    <section class="tiles" aria-label={said.tiles}>
      <Tile label={said.waiting} isUrgent={queue > 0}>
        {queue}
      </Tile>
      <Tile label={said.longest}>
        {queued === undefined ? (
          <span class="tile-none">–</span>
        ) : queued.length === 0 ? (
          <span class="tile-none">{said.nobodyWaits}</span>
        ) : (
          <Ticking sinceMs={Math.min(...queued.map(waitingSince))} />
        )}
      </Tile>
      <Tile label={said.inConversation}>{Math.max(0, all - queue - bot)}</Tile>
      <Tile label={said.withBot}>{bot}</Tile>
      <Tile label={said.there} more={said.roomOf(there.length)}>
        {there.filter(hasRoom).length}
      </Tile>
      <div class="tile tile-statuses">
        <h2>{said.byStatus}</h2>
        <ul>
          {statuses
            .filter(({ name }) => here.has(name))
            .map(({ name, title, isForChats }) => (
              <li key={name}>
                <span class={`dot ${isForChats ? 'on' : 'off'}`} />
                <span class="grow">{textIn(title)}</span>
                <strong>{here.get(name)}</strong>
              </li>
            ))}
          <li>
            <span class="dot gone" />
            <span class="grow">{said.notConnected}</span>
            <strong>{gone}</strong>
          </li>
        </ul>
      </div>
    </section>
  )
}

function Tile(of: {
  readonly label: string
  readonly isUrgent?: boolean
  readonly more?: string
  readonly children: ComponentChildren
}) {
  return (
    <div class={`tile ${of.isUrgent ? 'urgent' : ''}`}>
      <h2>{of.label}</h2>
      <p class="tile-number">{of.children}</p>
      {of.more !== undefined && <p class="hint">{of.more}</p>}
    </div>
  )
}

const waitingSince = ({ waitingSinceMs, queuedAtMs, openedAtMs }: Row) => waitingSinceMs ?? queuedAtMs ?? openedAtMs

/** How long it is since then, second by second. */
function Ticking({ sinceMs }: { readonly sinceMs: number }) {
  const [atMs, setAtMs] = useState(Date.now())
  useEffect(() => {
    const timer = setInterval(() => setAtMs(Date.now()), 1_000)
    return () => clearInterval(timer)
  }, [])
  return <span class={`waiting ${urgency(sinceMs)}`}>{ticking(atMs - sinceMs)}</span>
}

// ── on the wall ──

function Teams({ rows }: { readonly rows: readonly Row[] }) {
  const said = inLanguage(words)
  return (
    // Without a button in it, the keyboard would not come to what has to be scrolled.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what is scrolled is come to
    <section class="table-scroll" aria-label={said.teams} tabIndex={0}>
      <table class="table wall-teams">
        <thead>
          <tr>
            <th scope="col">{said.teams}</th>
            <th scope="col">{said.waiting}</th>
            <th scope="col">{said.longest}</th>
            <th scope="col">{said.there}</th>
            <th scope="col">{said.state}</th>
          </tr>
        </thead>
        <tbody>
          {now.value.teams.map((team) => {
            const first = rows.find((row) => row.team === team.name)
            const members = now.value.people.filter(({ name }) => team.members.includes(name))
            return (
              <tr key={team.name}>
                <th scope="row">{team.name}</th>
                <td>{team.waiting}</td>
                <td>{first && <Ticking sinceMs={waitingSince(first)} />}</td>
                <td>{members.filter(hasRoom).length}</td>
                <td>{team.isOpen ? said.open : said.closed}</td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </section>
  )
}

// ── the queue ──

/** In the order of the configuration; whoever waits for no team comes last. */
function byTeam(rows: readonly Row[]): readonly (readonly [team: string | undefined, rows: readonly Row[]])[] {
  return [...now.value.teams.map(({ name }) => name), undefined]
    .map((team) => [team, rows.filter((row) => row.team === team)] as const)
    .filter(([, ofTeam]) => ofTeam.length > 0)
}

function Queue(of: {
  readonly team: string | undefined
  readonly rows: readonly Row[]
  readonly onPass: (row: Row) => void
}) {
  const said = inLanguage(words)
  const team: Team | undefined = now.value.teams.find(({ name }) => name === of.team)
  const title = of.team ?? said.noTeam
  const why = whyWaiting(team, now.value.people)
  return (
    <div class="queue-of-team">
      <p class="queue-head">
        <strong>{title}</strong> <span>{said.count(Math.max(team?.waiting ?? 0, of.rows.length))}</span>
        <span class={why === 'room' ? 'hint' : 'queue-why'}>{said.waits[why]}</span>
      </p>
      <Conversations label={said.queueOf(title)} isQueue rows={of.rows} onPass={of.onPass} />
    </div>
  )
}

/** Conversations, with what whoever looks after the desk does with them. */
function Conversations(of: {
  readonly label: string
  readonly isQueue?: true
  readonly rows: readonly Row[]
  readonly onPass: (row: Row) => void
}) {
  const said = inLanguage(words)
  const { row: shownAs } = shared.value
  return (
    <div class="table-scroll">
      <table class="table monitor-rows" aria-label={of.label}>
        <thead>
          <tr>
            <th scope="col">{said.customer}</th>
            <th scope="col">{said.channel}</th>
            <th scope="col">{of.isQueue ? said.reason : said.lastMessage}</th>
            <th scope="col">{said.wait}</th>
            <td />
          </tr>
        </thead>
        <tbody>
          {of.rows.map((row) => {
            const name = row.customer.name ?? shownAs.noName
            const can = possible(row)
            return (
              <tr key={row.id}>
                <th scope="row">{name}</th>
                <td>{row.channel}</td>
                <td>{of.isQueue ? reasonOf(row.queuedBecause ?? '') : row.last?.text}</td>
                <td>
                  {(row.state === 'queued' || row.waitingSinceMs !== undefined) && (
                    <Ticking sinceMs={waitingSince(row)} />
                  )}
                </td>
                <td>
                  <div class="row-actions">
                    <button
                      type="button"
                      class="button small"
                      aria-label={said.watchOf(name)}
                      onClick={() => showConversations(row.id)}
                    >
                      {said.watch}
                    </button>
                    {can.take && (
                      <button
                        type="button"
                        class="button small"
                        aria-label={said.takeOverOf(name)}
                        onClick={async () => (await take(row)) && showConversations(row.id)}
                      >
                        {said.takeOver}
                      </button>
                    )}
                    {can.transfer && (
                      <button
                        type="button"
                        class="button small"
                        aria-label={said.assignOf(name)}
                        onClick={() => of.onPass(row)}
                      >
                        {said.assign}
                      </button>
                    )}
                  </div>
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}

// ── the people ──

function PeopleTable({ onPass }: { readonly onPass: (row: Row) => void }) {
  const said = inLanguage(words)
  const [shown, setShown] = useState<string>()
  const lastReplies = useLastReplies()
  // Whoever is here comes first; otherwise as the configuration has them.
  const people = now.value.people.toSorted((a, b) => Number(b.isConnected) - Number(a.isConnected))
  return (
    <section class="page-section wide">
      <h2>{said.people}</h2>
      <div class="table-scroll">
        <table class="table monitor-people">
          <thead>
            <tr>
              <th scope="col">{said.name}</th>
              <th scope="col">{said.status}</th>
              <th scope="col">{said.load}</th>
              <th scope="col">{said.lastReply}</th>
              <th scope="col">{said.teams}</th>
            </tr>
          </thead>
          {people.map((person) => {
            const { name, title, load, capacity, teams, isConnected } = person
            const isShown = shown === name
            const lastMs = Math.max(person.lastReplyAtMs ?? 0, lastReplies.get(name) ?? 0)
            return (
              <tbody key={name} class={isConnected ? '' : 'away'}>
                <tr>
                  <th scope="row">
                    <span class="monitor-name">
                      <Avatar name={title} />
                      {title}
                    </span>
                  </th>
                  <td>
                    <StatusOf person={person} />
                  </td>
                  <td>
                    <button
                      type="button"
                      class="button small load"
                      aria-expanded={isShown}
                      aria-label={said.showTheirs(title, said.loadOf(load, capacity))}
                      disabled={load === 0 && !isShown}
                      onClick={() => setShown(isShown ? undefined : name)}
                    >
                      <meter min={0} max={Math.max(capacity, load)} value={load} aria-hidden="true" />
                      {said.loadOf(load, capacity)}
                    </button>
                  </td>
                  <td>
                    {lastMs === 0 ? (
                      <span class="hint">{said.never}</span>
                    ) : (
                      <time title={fullTime(lastMs)}>{said.ago(waited(lastMs))}</time>
                    )}
                  </td>
                  <td>{teams.join(', ')}</td>
                </tr>
                {isShown && (
                  <tr>
                    <td colSpan={5}>
                      <Theirs person={person} onPass={onPass} />
                    </td>
                  </tr>
                )}
              </tbody>
            )
          })}
        </table>
      </div>
    </section>
  )
}

/** The replies that have gone out since this is shown: they come with the rows, and much more often than the people. */
function useLastReplies(): ReadonlyMap<string, number> {
  const [last, setLast] = useState<ReadonlyMap<string, number>>(new Map())
  useEffect(
    () =>
      onFrame((frame) => {
        if (frame.type !== 'rows') return
        const replies = frame.rows.flatMap(({ last }) =>
          last?.by.kind === 'agent' && last.by.name !== undefined ? [[last.by.name, last.atMs] as const] : [],
        )
        if (replies.length > 0) setLast((before) => new Map([...before, ...replies]))
      }),
    [],
  )
  return last
}

function StatusOf({ person }: { readonly person: Person }) {
  const said = inLanguage(words)
  const { name, title, isConnected, reminder } = person
  const { isForChats, sinceMs, by } = person.status
  const time = fullTime(sinceMs)

  async function set(status: string): Promise<void> {
    try {
      await call('POST /people/:person/status', { params: { person: name }, body: { status } })
      toast(said.statusSet(title, statusTitle(status)))
    } catch (error) {
      toastRefusal(error)
    }
  }

  return (
    <div class="monitor-status">
      <span class={`dot ${isConnected ? (isForChats ? 'on' : 'off') : 'gone'}`} />
      <div>
        <select
          aria-label={said.statusOf(title)}
          value={person.status.name}
          onChange={({ currentTarget }) => void set(currentTarget.value)}
        >
          {now.value.statuses.map((status) => (
            <option key={status.name} value={status.name}>
              {textIn(status.title)}
            </option>
          ))}
        </select>
        <small class="hint">
          {!isConnected && <strong>{said.notConnected} · </strong>}
          {by === undefined
            ? said.since(time)
            : by.kind === 'agent' && by.name === name
              ? said.setByThemselves(time)
              : said.setBy(whoIs(by, titleOf), time)}
        </small>
        {reminder && <small class="bad">{said.isAway(reminder.team)}</small>}
      </div>
    </div>
  )
}

function Theirs({ person, onPass }: { readonly person: Person; readonly onPass: (row: Row) => void }) {
  const said = inLanguage(words)
  const theirs = useLiveRows({ list: 'all', sort: 'waiting', person: person.name })
  if (!theirs) return <p role="status">{said.loading}</p>
  if (theirs.rows.length === 0) return <p class="hint">{said.nothingTheirs}</p>
  return <Conversations label={said.theirs(person.title)} rows={theirs.rows} onPass={onPass} />
}
