import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { AnswerOf } from '../../../api/routes.ts'
import type { Account, Role, Token } from '../../../api/shapes.ts'
import { now, titleOf } from '../../desk.ts'
import { Dialog, Doing } from '../../dialog.tsx'
import { call } from '../../server.ts'
import { fullTime } from '../../times.ts'
import { toast, toastRefusal } from '../../toasts.ts'
import { inLanguage } from '../../words/words.ts'
import { browserName } from '../browser-name.ts'
import { Frame } from '../frame.tsx'
import { words } from './words.ts'
import './people.css'

const ROLES: readonly Role[] = ['agent', 'supervisor', 'administrator']

/** What is asked, or shown once, over the page. */
type Asking =
  | { readonly what: 'link'; readonly of: Account; readonly link: AnswerOf<'POST /people/:person/invite'> }
  | { readonly what: 'sign-out'; readonly of: Account }
  | { readonly what: 'new-token' }
  | { readonly what: 'secret'; readonly name: string; readonly secret: string }
  | { readonly what: 'revoke'; readonly token: Token }

/** Who may come in, people and programs, and how. */
export default function People() {
  const said = inLanguage(words)
  const [people, setPeople] = useState<readonly Account[]>([])
  const [tokens, setTokens] = useState<readonly Token[]>([])
  const [state, setState] = useState<'loading' | 'ready' | 'failed'>('loading')
  const [asking, setAsking] = useState<Asking>()

  async function load(): Promise<void> {
    try {
      const [people, tokens] = await Promise.all([call('GET /people'), call('GET /tokens')])
      setPeople(people.people)
      setTokens(tokens.tokens)
      setState('ready')
    } catch {
      setState('failed')
    }
  }
  useEffect(() => void load(), [])

  /** Does it, and shows how all is then. */
  async function attempt(run: () => Promise<unknown>): Promise<void> {
    try {
      await run()
    } catch (error) {
      toastRefusal(error)
    }
    await load()
  }

  const invite = (of: Account) =>
    attempt(async () => {
      const link = await call('POST /people/:person/invite', { params: { person: of.name } })
      setAsking({ what: 'link', of, link })
    })

  if (state !== 'ready')
    return (
      <Frame title={said.title}>
        <div class="page-empty" role="status">
          <p>{state === 'loading' ? said.loading : said.failed}</p>
          {state === 'failed' && (
            <button type="button" class="button" onClick={() => void load()}>
              {said.again}
            </button>
          )}
        </div>
      </Frame>
    )
  return (
    <Frame title={said.title}>
      <section class="page-section wide">
        <h2>{said.people}</h2>
        <p class="hint">{said.peopleHint}</p>
        <PeopleTable people={people} onInvite={invite} onSignOut={(of) => setAsking({ what: 'sign-out', of })} />
      </section>
      <section class="page-section wide">
        <h2>{said.tokens}</h2>
        <p class="hint">
          {said.tokensHint}{' '}
          <a href="api" target="_blank" rel="noopener">
            {said.documentation}
          </a>
        </p>
        {tokens.length === 0 ? (
          <p>{said.noTokens}</p>
        ) : (
          <TokenTable tokens={tokens} onRevoke={(token) => setAsking({ what: 'revoke', token })} />
        )}
        <div>
          <button type="button" class="button" onClick={() => setAsking({ what: 'new-token' })}>
            {said.newToken}
          </button>
        </div>
      </section>
      {asking && <Over asking={asking} onNext={setAsking} load={load} />}
    </Frame>
  )
}

function PeopleTable(of: {
  readonly people: readonly Account[]
  readonly onInvite: (person: Account) => Promise<void>
  readonly onSignOut: (person: Account) => void
}) {
  const said = inLanguage(words)
  return (
    <div class="table-scroll">
      <table class="table people">
        <thead>
          <tr>
            <th scope="col">{said.name}</th>
            <th scope="col">{said.role}</th>
            <th scope="col">{said.teams}</th>
            <th scope="col">{said.access}</th>
            <th scope="col">{said.signedIn}</th>
            <td />
          </tr>
        </thead>
        <tbody>
          {of.people.map((person) => {
            const { name, title, role, teams, hasPassword, invitedUntilMs, sessions } = person
            const none = role === 'agent' ? said.noTeam : said.noTeamNeeded
            return (
              <tr key={name}>
                <th scope="row">
                  {title} <small class="hint">{name}</small>
                </th>
                <td>{said.roles[role]}</td>
                <td>{teams.length > 0 ? teams.join(', ') : <span class="hint">{none}</span>}</td>
                <td>
                  {hasPassword ? said.hasPassword : invitedUntilMs === undefined && said.noPassword}
                  {invitedUntilMs !== undefined && (
                    <p class={hasPassword ? 'hint' : ''}>{said.invitedUntil(fullTime(invitedUntilMs))}</p>
                  )}
                </td>
                <td>
                  {sessions.length === 0 && <span class="hint">{said.nowhere}</span>}
                  <ul class="people-places">
                    {sessions.map(({ id, browser, address, lastSeenAtMs }) => (
                      <li key={id} title={browser}>
                        {said.place(browserName(browser), address, fullTime(lastSeenAtMs))}
                      </li>
                    ))}
                  </ul>
                </td>
                <td>
                  <div class="people-actions">
                    <button
                      type="button"
                      class="button small"
                      aria-label={said.inviteOf(title)}
                      onClick={() => void of.onInvite(person)}
                    >
                      {said.invite}
                    </button>
                    {sessions.length > 0 && (
                      <button
                        type="button"
                        class="button small"
                        aria-label={said.signOutOf(title)}
                        onClick={() => of.onSignOut(person)}
                      >
                        {said.signOut}
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

function TokenTable(of: { readonly tokens: readonly Token[]; readonly onRevoke: (token: Token) => void }) {
  const said = inLanguage(words)
  return (
    <div class="table-scroll">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">{said.tokenName}</th>
            <th scope="col">{said.role}</th>
            <th scope="col">{said.teams}</th>
            <th scope="col">{said.made}</th>
            <td />
          </tr>
        </thead>
        <tbody>
          {of.tokens.map((token) => (
            <tr key={token.id}>
              <th scope="row">{token.name}</th>
              <td>{said.roles[token.role]}</td>
              <td>{token.teams?.join(', ') ?? said.allTeams}</td>
              <td>{said.madeBy(titleOf(token.madeBy), fullTime(token.madeAtMs))}</td>
              <td>
                <div class="people-actions">
                  <button
                    type="button"
                    class="button small"
                    aria-label={said.revokeOf(token.name)}
                    onClick={() => of.onRevoke(token)}
                  >
                    {said.revoke}
                  </button>
                </div>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Over(of: {
  readonly asking: Asking
  readonly onNext: (next: Asking | undefined) => void
  readonly load: () => Promise<void>
}) {
  const said = inLanguage(words)
  const { asking, onNext, load } = of
  const onClose = () => onNext(undefined)
  switch (asking.what) {
    case 'link':
      return (
        <Once
          title={said.inviteTitle(asking.of.title)}
          label={said.link}
          value={asking.link.link}
          hint={said.linkUntil(fullTime(asking.link.untilMs))}
          onClose={onClose}
        >
          {said.inviteText} {asking.of.hasPassword && said.inviteAgain}
        </Once>
      )
    case 'secret':
      return (
        <Once title={said.secretTitle(asking.name)} label={said.secret} value={asking.secret} onClose={onClose}>
          {said.secretText}
        </Once>
      )
    case 'sign-out': {
      const { name, title, sessions } = asking.of
      return (
        <Doing
          title={said.signOutTitle(title)}
          submit={said.signOut}
          isDangerous
          onClose={onClose}
          run={async () => {
            await call('POST /people/:person/sign-out', { params: { person: name } })
            toast(said.signedOut(title))
            await load()
          }}
        >
          <p>{said.signOutText(sessions.length)}</p>
        </Doing>
      )
    }
    case 'revoke': {
      const { id, name } = asking.token
      return (
        <Doing
          title={said.revokeTitle(name)}
          submit={said.revoke}
          isDangerous
          onClose={onClose}
          run={async () => {
            await call('POST /tokens/:token/revoke', { params: { token: id } })
            toast(said.revoked(name))
            await load()
          }}
        >
          <p>{said.revokeText}</p>
        </Doing>
      )
    }
    case 'new-token':
      return (
        <NewToken
          onClose={onNext}
          make={async (body) => {
            const { token, secret } = await call('POST /tokens', { body })
            await load()
            return { what: 'secret', name: token.name, secret }
          }}
        />
      )
  }
}

/** What is shown this once, to be copied. */
function Once(of: {
  readonly title: string
  readonly label: string
  readonly value: string
  readonly hint?: string
  readonly onClose: () => void
  readonly children: ComponentChildren
}) {
  const said = inLanguage(words)
  const [isCopied, setCopied] = useState(false)
  const field = useRef<HTMLInputElement>(null)

  async function copy(): Promise<void> {
    field.current?.select()
    try {
      await navigator.clipboard.writeText(of.value)
      setCopied(true)
    } catch {
      // Without https there is no clipboard, or it is forbidden: it is selected, and copied by the keyboard.
    }
  }

  return (
    <Dialog title={of.title} onClose={of.onClose}>
      <div class="form">
        <p>{of.children}</p>
        <div class="field">
          <label>
            <span>{of.label}</span>
            <input ref={field} readOnly value={of.value} onFocus={({ currentTarget }) => currentTarget.select()} />
          </label>
          {of.hint !== undefined && <small class="hint">{of.hint}</small>}
        </div>
        <footer class="dialog-buttons">
          <span class="hint grow" role="status">
            {isCopied && said.copied}
          </span>
          <button type="button" class="button primary" onClick={() => void copy()}>
            {said.copy}
          </button>
          <button type="button" class="button" onClick={of.onClose}>
            {said.done}
          </button>
        </footer>
      </div>
    </Dialog>
  )
}

function NewToken(of: {
  readonly make: (token: { name: string; role: Role; teams?: string[] }) => Promise<Asking>
  /** With what is to be shown of it, once it is made. */
  readonly onClose: (made: Asking | undefined) => void
}) {
  const said = inLanguage(words)
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role>('agent')
  const [teams, setTeams] = useState<readonly string[]>([])
  const made = useRef<Asking>(undefined)

  return (
    <Doing
      title={said.newToken}
      submit={said.make}
      run={async () => {
        made.current = await of.make({ name: name.trim(), role, ...(teams.length > 0 && { teams: [...teams] }) })
      }}
      onClose={() => of.onClose(made.current)}
    >
      <label class="field">
        <span>{said.tokenName}</span>
        <input
          required
          maxLength={100}
          pattern=".*\S.*"
          value={name}
          onInput={({ currentTarget }) => setName(currentTarget.value)}
        />
        <small class="hint">{said.tokenNameHint}</small>
      </label>
      <fieldset class="reasons">
        <legend>{said.role}</legend>
        {ROLES.map((one) => (
          <label key={one} class="chip">
            <input type="radio" name="role" checked={one === role} onChange={() => setRole(one)} />
            <span>{said.roles[one]}</span>
          </label>
        ))}
      </fieldset>
      <fieldset class="reasons">
        <legend>{said.tokenTeams}</legend>
        {now.value.teams.map(({ name: team }) => (
          <label key={team} class="chip">
            <input
              type="checkbox"
              checked={teams.includes(team)}
              onChange={({ currentTarget }) =>
                setTeams(currentTarget.checked ? [...teams, team] : teams.filter((one) => one !== team))
              }
            />
            <span>{team}</span>
          </label>
        ))}
      </fieldset>
      <p class="hint">{said.tokenTeamsHint}</p>
    </Doing>
  )
}
