import { useEffect, useState } from 'preact/hooks'
import type { Session } from '../../../api/shapes.ts'
import { myself } from '../../desk.ts'
import { EVENTS } from '../../notices.ts'
import { call, Refusal } from '../../server.ts'
import { me } from '../../session.ts'
import { Field, MIN_CHARS, Problem } from '../../sign-in.tsx'
import { SingleKeys } from '../../single-keys.tsx'
import { allowNotifications, permission, tryOut, want, wanted } from '../../telling.ts'
import { setTheme, THEMES, theme } from '../../theme.ts'
import { fullTime } from '../../times.ts'
import { toast, toastRefusal } from '../../toasts.ts'
import { isSilent } from '../../told.ts'
import { WAYS } from '../../wanted.ts'
import {
  dictionary,
  inLanguage,
  LANGUAGES,
  language,
  refusalText,
  setLanguage,
  words as shared,
} from '../../words/words.ts'
import { browserName } from '../browser-name.ts'
import { Frame } from '../frame.tsx'
import { words } from './words.ts'
import './account.css'

/** What somebody sets for themselves: how they are told, how it looks, how they come in. */
export default function Account() {
  const said = inLanguage(words)
  const person = me.value
  return (
    <Frame title={said.title}>
      {person && <p class="hint">{said.signedInAs(myself.value?.title ?? person.title, said.roles[person.role])}</p>}
      <Telling />
      <Looks />
      <section class="page-section">
        <h2>{said.keyboard}</h2>
        <SingleKeys />
      </section>
      <Password />
      <Sessions />
    </Frame>
  )
}

function Telling() {
  const said = inLanguage(words)
  const ways = { sound: said.sound, desktop: said.desktop }
  return (
    <section class="page-section">
      <h2>{said.telling}</h2>
      <p class="hint">{said.tellingHint}</p>
      <div class="table-scroll">
        <table class="table telling">
          <thead>
            <tr>
              <th scope="col">{said.event}</th>
              {WAYS.map((way) => (
                <th scope="col" key={way}>
                  {ways[way]}
                </th>
              ))}
              <td />
            </tr>
          </thead>
          <tbody>
            {EVENTS.map((event) => {
              const asked = wanted.value[event]
              return (
                <tr key={event}>
                  <th scope="row">{said.events[event]}</th>
                  {WAYS.map((way) => (
                    <td key={way}>
                      <label class="telling-box">
                        <input
                          type="checkbox"
                          aria-label={said.by(said.events[event], ways[way])}
                          checked={asked[way]}
                          onChange={({ currentTarget }) => want(event, way, currentTarget.checked)}
                        />
                      </label>
                    </td>
                  ))}
                  <td>
                    <button
                      type="button"
                      class="button small"
                      aria-label={said.testOf(said.events[event])}
                      disabled={!asked.sound && !asked.desktop}
                      onClick={() => void tryOut(event)}
                    >
                      {said.test}
                    </button>
                  </td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
      <p class="hint" role="status">
        {isSilent.value ? said.soundOff : said.oneTab}
      </p>
      <div class="telling-permission">
        <p class={`hint ${permission.value === 'denied' ? 'bad' : ''}`}>{said.permission[permission.value]}</p>
        {permission.value === 'default' && (
          <button type="button" class="button" onClick={() => void allowNotifications()}>
            {said.allow}
          </button>
        )}
      </div>
    </section>
  )
}

function Looks() {
  const said = inLanguage(words)
  const { rail } = shared.value
  return (
    <section class="page-section">
      <h2>{said.looks}</h2>
      <fieldset class="reasons">
        <legend>{said.language}</legend>
        {LANGUAGES.map((one) => (
          <label key={one} class="chip">
            <input type="radio" name="language" checked={one === language.value} onChange={() => setLanguage(one)} />
            <span lang={one}>{dictionary[one].language}</span>
          </label>
        ))}
      </fieldset>
      <fieldset class="reasons">
        <legend>{said.theme}</legend>
        {THEMES.map((one) => (
          <label key={one} class="chip">
            <input type="radio" name="theme" checked={one === theme.value} onChange={() => setTheme(one)} />
            <span>{rail[one]}</span>
          </label>
        ))}
      </fieldset>
    </section>
  )
}

function Password() {
  const said = inLanguage(words)
  const [now, setNow] = useState('')
  const [next, setNext] = useState('')
  const [again, setAgain] = useState('')
  const [error, setError] = useState<string>()
  const [isBusy, setBusy] = useState(false)

  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    if ([...next].length < MIN_CHARS) return setError(said.short)
    if (next !== again) return setError(said.differ)
    setError(undefined)
    setBusy(true)
    try {
      await call('POST /password', { body: { now, next } })
      for (const clear of [setNow, setNext, setAgain]) clear('')
      toast(said.changed)
    } catch (refused) {
      if (!(refused instanceof Refusal)) throw refused
      setError(refusalText(refused))
    } finally {
      setBusy(false)
    }
  }

  return (
    <section class="page-section">
      <h2>{said.password}</h2>
      <form class="form account-password" onSubmit={submit} noValidate>
        <Problem text={error} />
        <Field label={said.now} isPassword value={now} onChange={setNow} autocomplete="current-password" />
        <Field
          label={said.next}
          hint={said.nextHint}
          isPassword
          value={next}
          onChange={setNext}
          autocomplete="new-password"
        />
        <Field label={said.repeat} isPassword value={again} onChange={setAgain} autocomplete="new-password" />
        <p class="hint">{said.changeHint}</p>
        <div>
          <button type="submit" class="button primary" disabled={isBusy}>
            {said.change}
          </button>
        </div>
      </form>
    </section>
  )
}

function Sessions() {
  const said = inLanguage(words)
  const [sessions, setSessions] = useState<readonly Session[]>()
  const [hasFailed, setFailed] = useState(false)

  async function load(): Promise<void> {
    try {
      setSessions((await call('GET /sessions')).sessions)
      setFailed(false)
    } catch {
      setFailed(true)
    }
  }
  useEffect(() => void load(), [])

  async function end(session: string): Promise<void> {
    try {
      await call('POST /sessions/:session/end', { params: { session } })
      toast(said.ended)
    } catch (error) {
      toastRefusal(error)
    }
    await load()
  }

  return (
    <section class="page-section">
      <h2>{said.sessions}</h2>
      {hasFailed && (
        <div class="page-empty" role="alert">
          <p>{said.failed}</p>
          <button type="button" class="button" onClick={() => void load()}>
            {said.again}
          </button>
        </div>
      )}
      {!sessions && !hasFailed && (
        <p class="hint" role="status">
          {said.loading}
        </p>
      )}
      {sessions && (
        <div class="table-scroll">
          <table class="table">
            <thead>
              <tr>
                <th scope="col">{said.browser}</th>
                <th scope="col">{said.address}</th>
                <th scope="col">{said.since}</th>
                <th scope="col">{said.lastSeen}</th>
                <td />
              </tr>
            </thead>
            <tbody>
              {sessions.map(({ id, browser, address, startedAtMs, lastSeenAtMs, isThis }) => (
                <tr key={id}>
                  <th scope="row" title={browser}>
                    {browserName(browser)}
                  </th>
                  <td>{address}</td>
                  <td>
                    <time>{fullTime(startedAtMs)}</time>
                  </td>
                  <td>
                    <time>{fullTime(lastSeenAtMs)}</time>
                  </td>
                  <td>
                    {isThis ? (
                      <span class="state">{said.isThis}</span>
                    ) : (
                      <button
                        type="button"
                        class="button small"
                        aria-label={said.endOf(browserName(browser))}
                        onClick={() => void end(id)}
                      >
                        {said.end}
                      </button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}
