import { useEffect, useRef, useState } from 'preact/hooks'
import type { QueryOf } from '../../../api/routes.ts'
import type { AuditLine } from '../../../api/shapes.ts'
import { fieldTitle, now, statusTitle, titleOf } from '../../desk.ts'
import { Icon } from '../../icon.tsx'
import { type Asked, askOfPage, goTo, showConversations } from '../../location.ts'
import { call, Refusal } from '../../server.ts'
import { momentOf } from '../../times.ts'
import { toastRefusal } from '../../toasts.ts'
import { inLanguage, language, refusalText, words as shared, whoIs, wordOf } from '../../words/words.ts'
import { dayAt, plusDays, startOf } from '../days.ts'
import { Frame } from '../frame.tsx'
import type { PageProperties } from '../pages.ts'
import { PeriodSelect } from '../period.tsx'
import { changesOf } from './changes.ts'
import { words } from './words.ts'
import './audit.css'

/** Who did what, the latest first: nobody can change it. */
export default function Audit({ asked }: PageProperties) {
  const said = inLanguage(words)
  const { timeZone } = now.value
  const query = queryOf(asked, timeZone)
  const key = JSON.stringify(query)
  const latest = useRef(key)
  latest.current = key
  const [lines, setLines] = useState<readonly AuditLine[]>([])
  const [next, setNext] = useState<string | undefined>()
  const [state, setState] = useState<'loading' | 'ready' | Refusal>('loading')
  const [isBusy, setBusy] = useState(false)

  async function load(cursor?: string): Promise<void> {
    setBusy(true)
    try {
      const page = await call('GET /audit', { query: { ...query, cursor } })
      // Something else has been asked for meanwhile.
      if (latest.current !== key) return
      setLines((before) => (cursor === undefined ? page.lines : [...before, ...page.lines]))
      setNext(page.next)
      setState('ready')
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      if (latest.current !== key) return
      if (cursor === undefined) setState(error)
      else toastRefusal(error)
    } finally {
      setBusy(false)
    }
  }
  useEffect(() => {
    setState('loading')
    void load()
  }, [key])

  const file = new URLSearchParams({ language: language.value })
  for (const [name, value] of Object.entries(query)) if (value !== undefined) file.set(name, `${value}`)
  return (
    <Frame
      title={said.title}
      actions={
        <a class="button" href={`api/audit/file?${file}`} download>
          {said.file}
        </a>
      }
    >
      <Filters asked={asked} />
      <p class="hint audit-notice">
        <Icon name="note" /> {said.appendOnly}
      </p>
      {typeof state === 'object' ? (
        <div class="page-empty" role="alert">
          <p>{refusalText(state)}</p>
          {state.isPassing && (
            <button type="button" class="button" onClick={() => void load()}>
              {said.again}
            </button>
          )}
        </div>
      ) : state === 'loading' && lines.length === 0 ? (
        <p class="page-empty" role="status">
          {said.loading}
        </p>
      ) : lines.length === 0 ? (
        <p class="page-empty" role="status">
          {said.none}
        </p>
      ) : (
        <Lines lines={lines} isStale={state === 'loading'} />
      )}
      {state === 'ready' && next !== undefined && (
        <div class="table-more">
          <button type="button" class="button" disabled={isBusy} onClick={() => void load(next)}>
            {isBusy ? said.loading : said.more}
          </button>
        </div>
      )}
    </Frame>
  )
}

function queryOf({ who, action, from, to }: Asked, timeZone: string): QueryOf<'GET /audit'> {
  return {
    ...(from !== undefined && to !== undefined
      ? { from: startOf(from, timeZone), until: startOf(plusDays(to, 1), timeZone) }
      : {}),
    ...(who !== undefined && { who }),
    ...(action !== undefined && { action }),
  }
}

/** The areas of what can be done, with what is done in each. */
const AREAS = ['access', 'people', 'desk', 'customers', 'blacklist', 'replies', 'audit', 'config'] as const

function Filters({ asked }: { readonly asked: Asked }) {
  const said = inLanguage(words)
  const { people, timeZone } = now.value
  const { from, to } = asked
  const isDays = from !== undefined && to !== undefined
  const today = dayAt(Date.now(), timeZone)
  function choose(period: 'ever' | 'today' | 'week'): void {
    if (period === 'ever') askOfPage({ ...asked, from: undefined, to: undefined })
    else askOfPage({ ...asked, from: period === 'today' ? today : plusDays(today, -6), to: today })
  }
  return (
    <search class="bar">
      <PeriodSelect
        label={said.when}
        periods={[
          ['ever', said.ever],
          ['today', said.today],
          ['week', said.days7],
        ]}
        chosen={!isDays ? 'ever' : from === today && to === today ? 'today' : { from, to }}
        otherDays={said.ownDays}
        today={today}
        onPeriod={choose}
        onDays={(days) => askOfPage({ ...asked, ...days })}
      />
      <label>
        {said.who}
        <select
          value={asked.who ?? ''}
          onChange={({ currentTarget }) => askOfPage({ ...asked, who: currentTarget.value || undefined })}
        >
          <option value="">{said.everybody}</option>
          {people.map(({ name, title }) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <label>
        {said.what}
        <select
          value={asked.action ?? ''}
          onChange={({ currentTarget }) => askOfPage({ ...asked, action: currentTarget.value || undefined })}
        >
          <option value="">{said.everything}</option>
          {AREAS.map((area) => (
            <optgroup key={area} label={said.areas[area]}>
              <option value={`${area}.`}>{said.allOf(said.areas[area])}</option>
              {Object.entries(said.actions)
                .filter(([action]) => action.startsWith(`${area}.`))
                .map(([action, title]) => (
                  <option key={action} value={action}>
                    {title}
                  </option>
                ))}
            </optgroup>
          ))}
        </select>
      </label>
      {Object.values(asked).some((one) => one !== undefined) && (
        <button type="button" class="quiet" onClick={() => askOfPage({})}>
          {said.clear}
        </button>
      )}
    </search>
  )
}

function Lines({ lines, isStale }: { readonly lines: readonly AuditLine[]; readonly isStale: boolean }) {
  const said = inLanguage(words)
  return (
    <div class={`table-scroll ${isStale ? 'stale' : ''}`} aria-busy={isStale}>
      <table class="table audit">
        <caption>{said.timeOf(Intl.DateTimeFormat().resolvedOptions().timeZone)}</caption>
        <thead>
          <tr>
            <th scope="col">{said.when}</th>
            <th scope="col">{said.who}</th>
            <th scope="col">{said.what}</th>
            <th scope="col">{said.about}</th>
            <th scope="col">{said.change}</th>
          </tr>
        </thead>
        <tbody>
          {lines.map((line) => (
            <tr key={line.id}>
              <td class="time">
                <time dateTime={new Date(line.atMs).toISOString()}>{momentOf(line.atMs)}</time>
              </td>
              <td>
                {line.who === undefined ? whoIs(line.by, titleOf) : titleOf(line.who)}
                {line.who !== undefined && line.by.kind === 'desk' && <small>{said.forTheDesk}</small>}
                {line.from !== undefined && <small>{said.from(line.from)}</small>}
              </td>
              <td>
                {wordOf(said.actions, line.action) ?? line.action}
                {wordOf(said.actions, line.action) !== undefined && (
                  <small>
                    <code>{line.action}</code>
                  </small>
                )}
              </td>
              <td>
                <About of={line} />
              </td>
              <td>
                <Changes of={line} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** What it was done to: what has a page of its own leads there. */
function About({ of }: { readonly of: AuditLine }) {
  const said = inLanguage(words)
  const named = Object.entries(of.about ?? {})
  return (
    <ul class="audit-about">
      {named.map(([what, id]) => (
        <li key={what}>
          {what === 'customer' ? (
            <button type="button" class="link" onClick={() => goTo('customers', { customer: id })}>
              {said.toCustomer}
            </button>
          ) : what === 'conversation' ? (
            <button type="button" class="link" onClick={() => showConversations(id)}>
              {said.toConversation}
            </button>
          ) : (
            <>
              {fieldOf(what)} {what === 'person' ? titleOf(id) : <code>{id}</code>}
            </>
          )}
        </li>
      ))}
    </ul>
  )
}

function Changes({ of }: { readonly of: AuditLine }) {
  const said = inLanguage(words)
  return (
    <dl class="audit-changes">
      {changesOf(of.before, of.after).map(({ field, before, after }) => (
        <div key={field}>
          {field !== undefined && <dt>{fieldOf(field)}</dt>}
          <dd>
            {of.before !== undefined && (
              <>
                <del>{before === undefined ? said.nothing : valueText(field, before)}</del> <Icon name="becomes" />{' '}
              </>
            )}
            <ins>{after === undefined ? said.nothing : valueText(field, after)}</ins>
          </dd>
        </div>
      ))}
    </dl>
  )
}

const fieldOf = (field: string): string => wordOf(inLanguage(words).fields, field) ?? fieldTitle(field)

/** Codes and names as people know them. */
function valueText(field: string | undefined, value: string): string {
  switch (field) {
    case 'state':
      return wordOf(shared.value.states, value) ?? value
    case 'status':
      return statusTitle(value)
    case 'person':
    case 'by':
      return titleOf(value)
    // A code has its words. What somebody wrote stays as they wrote it.
    case 'because':
      return wordOf(shared.value.reasons, value) ?? value
    case 'role':
      return wordOf(inLanguage(words).roles, value) ?? value
    case 'untilMs':
    case 'atMs':
      return momentOf(Number(value))
    default:
      return value
  }
}
