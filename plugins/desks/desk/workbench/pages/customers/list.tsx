import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { ListedCustomer } from '../../../api/customers-shapes.ts'
import { Avatar } from '../../avatar.tsx'
import { now } from '../../desk.ts'
import { Icon } from '../../icon.tsx'
import { useKeys } from '../../keys.ts'
import { type Asked, askOfPage, goTo } from '../../location.ts'
import { fullTime } from '../../times.ts'
import { inLanguage, language, refusalText, words as shared } from '../../words/words.ts'
import { dayAt, plusDays, rangeText } from '../days.ts'
import { Frame } from '../frame.tsx'
import { PeriodSelect } from '../period.tsx'
import { find, findMore, found, left, type Sort, sortOf } from './found.ts'
import { words } from './words.ts'

const SEARCH_AFTER_MS = 250

export function CustomersList({ asked }: { readonly asked: Asked }) {
  const said = inLanguage(words)
  const field = useRef<HTMLInputElement>(null)
  const table = useRef<HTMLDivElement>(null)
  const { state, customers } = found.value
  const { timeZone } = now.value
  useKeys({ '/': () => field.current?.focus() })
  useEffect(() => {
    left.asked = asked
    void find(asked)
  }, [asked, timeZone])
  // Whoever comes back from a customer is where they were.
  useLayoutEffect(() => {
    const box = table.current?.closest('.page-inside')
    if (box) box.scrollTop = left.top
    return () => {
      left.top = box?.scrollTop ?? 0
    }
  }, [])
  const isRefused = typeof state === 'object'
  return (
    <Frame title={said.title}>
      <Filters asked={asked} field={field} />
      <div ref={table}>
        {isRefused ? (
          <div class="page-empty" role="alert">
            <p>{state.code === 'CUSTOMERS_NOT_FOR_AGENTS' ? said.notForAgents : refusalText(state)}</p>
            {state.params?.setting !== undefined && <code>{state.params.setting}</code>}
            {state.isPassing && (
              <button type="button" class="button" onClick={() => void find(asked)}>
                {said.again}
              </button>
            )}
          </div>
        ) : (
          <Found asked={asked} />
        )}
      </div>
      <p class="unseen" role="status">
        {state === 'ready' ? said.count(customers.length) : said.loading}
      </p>
    </Frame>
  )
}

function Filters({ asked, field }: { readonly asked: Asked; readonly field: { current: HTMLInputElement | null } }) {
  const said = inLanguage(words)
  const [search, setSearch] = useState(asked.search ?? '')
  const [tag, setTag] = useState(asked.tag ?? '')
  const { channels, timeZone, customers } = now.value
  const { from, to } = asked
  const isDays = from !== undefined && to !== undefined
  const isSearch = [asked.search, asked.tag, asked.channel, asked.blocked].some((one) => one !== undefined)
  const came = asked.came ?? (isSearch ? 'ever' : 'this-week')
  const period = came === 'ever' ? 'ever' : 'this-week'
  const today = dayAt(Date.now(), timeZone)

  // What is typed is looked for when the typing has stopped.
  useEffect(() => {
    const [nextSearch, nextTag] = [search.trim() || undefined, tag.trim() || undefined]
    if (nextSearch === asked.search && nextTag === asked.tag) return
    const timer = setTimeout(() => askOfPage({ ...asked, search: nextSearch, tag: nextTag }), SEARCH_AFTER_MS)
    return () => clearTimeout(timer)
  }, [search, tag, asked])

  return (
    <search class="bar">
      <label class="search">
        <span class="unseen">{said.search}</span>
        <Icon name="search" />
        <input
          ref={field}
          type="search"
          placeholder={said.search}
          maxLength={200}
          value={search}
          onInput={({ currentTarget }) => setSearch(currentTarget.value)}
        />
      </label>
      <PeriodSelect
        label={said.came}
        periods={[
          ['this-week', said.thisWeek],
          ['month', said.days30],
          ['ever', said.ever],
        ]}
        chosen={isDays ? { from, to } : period}
        otherDays={said.ownDays}
        today={today}
        onPeriod={(next) =>
          askOfPage(
            next === 'month'
              ? { ...asked, came: undefined, from: plusDays(today, -29), to: today }
              : { ...asked, came: next, from: undefined, to: undefined },
          )
        }
        onDays={(days) => askOfPage({ ...asked, came: undefined, ...days })}
      />
      <label>
        {said.channel}
        <select
          value={asked.channel ?? ''}
          onChange={({ currentTarget }) => askOfPage({ ...asked, channel: currentTarget.value || undefined })}
        >
          <option value="">{said.everyChannel}</option>
          {channels.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      <label>
        {said.tag}
        <input type="text" maxLength={50} value={tag} onInput={({ currentTarget }) => setTag(currentTarget.value)} />
      </label>
      {customers.hasBlacklist && (
        <button
          type="button"
          class="button chip"
          aria-pressed={asked.blocked !== undefined}
          onClick={() => askOfPage({ ...asked, blocked: asked.blocked === undefined ? 'yes' : undefined })}
        >
          <Icon name="blocked" /> {said.blacklisted}
        </button>
      )}
      {Object.values(asked).some((one) => one !== undefined) && (
        <button
          type="button"
          class="quiet"
          onClick={() => {
            setSearch('')
            setTag('')
            askOfPage({})
          }}
        >
          {said.clear}
        </button>
      )}
    </search>
  )
}

/** What each heading sorts by: first this way, then that. */
const SORTED: { readonly [column: string]: readonly [Sort, Sort] } = {
  first: ['newest', 'oldest'],
  last: ['last-message', 'longest-silent'],
}

function Found({ asked }: { readonly asked: Asked }) {
  const said = inLanguage(words)
  const { state, customers, next, created, isLoadingMore } = found.value
  const more = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    const button = more.current
    if (!button) return
    const observer = new IntersectionObserver((seen) => {
      if (seen.some(({ isIntersecting }) => isIntersecting)) void findMore(asked)
    })
    observer.observe(button)
    return () => observer.disconnect()
  }, [next, asked])
  if (state === 'ready' && customers.length === 0)
    return (
      <div class="page-empty">
        <p>{said.none}</p>
        {created && (
          <button
            type="button"
            class="button"
            onClick={() => askOfPage({ ...asked, from: undefined, to: undefined, came: 'ever' })}
          >
            {said.showEver}
          </button>
        )}
      </div>
    )
  return (
    <div class={`table-scroll ${state === 'loading' ? 'stale' : ''}`} aria-busy={state === 'loading'}>
      <table class="table customers">
        <caption>{captionOf()}</caption>
        <thead>
          <tr>
            <th scope="col">{said.name}</th>
            <th scope="col" class="roomy">
              {said.id}
            </th>
            <th scope="col">{said.tags}</th>
            <SortedBy column="first" title={said.first} asked={asked} isRoomy />
            <SortedBy column="last" title={said.last} asked={asked} />
          </tr>
        </thead>
        <tbody>
          {customers.map((customer) => (
            <Row key={customer.id} of={customer} />
          ))}
        </tbody>
      </table>
      {state === 'loading' && customers.length === 0 && <p class="page-empty">{said.loading}</p>}
      {next !== undefined && (
        <div class="table-more">
          <button type="button" class="button" ref={more} disabled={isLoadingMore} onClick={() => void findMore(asked)}>
            {isLoadingMore ? said.loading : said.more}
          </button>
        </div>
      )}
    </div>
  )

  function captionOf(): string {
    const { timeZone } = now.value
    if (!created) return said.everyone
    const [from, to] = [dayAt(created.fromMs, timeZone), dayAt(created.untilMs - 1, timeZone)]
    return said.cameIn(rangeText(from, to, language.value), timeZone)
  }
}

function SortedBy(of: {
  readonly column: 'first' | 'last'
  readonly title: string
  readonly asked: Asked
  readonly isRoomy?: boolean
}) {
  const { column, title, asked } = of
  const [down, up] = SORTED[column] ?? (['newest', 'oldest'] as const)
  const sort = sortOf(asked)
  const is = sort === down ? 'descending' : sort === up ? 'ascending' : undefined
  return (
    <th scope="col" aria-sort={is} class={of.isRoomy ? 'roomy' : ''}>
      <button type="button" class="sorter" onClick={() => askOfPage({ ...asked, sort: sort === down ? up : down })}>
        {title} {is && <Icon name={is === 'descending' ? 'down' : 'up'} />}
      </button>
    </th>
  )
}

function Row({ of }: { readonly of: ListedCustomer }) {
  const said = inLanguage(words)
  const name = of.name ?? shared.value.row.noName
  const show = () => goTo('customers', { customer: of.id })
  return (
    // The name is a button for whoever has no mouse; with one, all of the row is.
    <tr class="opens" onClick={show}>
      <td>
        <div class="customer-name">
          <Avatar name={of.name} url={of.avatarUrl} />
          <button
            type="button"
            class="link"
            onClick={(event) => {
              event.stopPropagation()
              show()
            }}
          >
            {name}
          </button>
          {of.isBlocked && (
            <span class="sign failed" title={said.blacklisted}>
              <Icon name="blocked" />
              <span class="unseen">{said.blacklisted}</span>
            </span>
          )}
        </div>
      </td>
      <td class="roomy">
        <ul class="addresses">
          {of.chats.map(({ channel, externalId }) => (
            <li key={`${channel} ${externalId}`}>
              <span>{channel}</span> <code>{externalId}</code>
            </li>
          ))}
        </ul>
      </td>
      <td>
        <ul class="tags">
          {of.tags.map((tag) => (
            <li key={tag}>{tag}</li>
          ))}
        </ul>
      </td>
      <td class="roomy time">
        <time>{fullTime(of.firstAtMs)}</time>
      </td>
      <td class="time">
        <time>{fullTime(of.lastAtMs)}</time>
      </td>
    </tr>
  )
}
