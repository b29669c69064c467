import { useEffect, useId, useRef, useState } from 'preact/hooks'
import type { Me } from '../api/shapes.ts'
import { begin } from './desk.ts'
import { Dialog } from './dialog.tsx'
import { Icon } from './icon.tsx'
import { leaveLink } from './location.ts'
import { recallOutbox } from './outbox.ts'
import { call, Refusal } from './server.ts'
import { me } from './session.ts'
import { toast } from './toasts.ts'
import { dictionary, LANGUAGES, language, refusalText, setLanguage, words } from './words/words.ts'

/** A password has so many characters at least. */
export const MIN_CHARS = 12

export function SignInPage() {
  return (
    <Front title={words.value.signIn.title}>
      <SignInForm onDone={enter} />
      <p class="hint">{words.value.signIn.noPassword}</p>
    </Front>
  )
}

/** Over the page, when the session has ended: nothing of what is on the page is lost. */
export function SignInAgain() {
  const { signIn } = words.value
  return (
    <Dialog title={signIn.again}>
      <p>{signIn.againText}</p>
      <SignInForm
        person={me.value?.name}
        onDone={(who) => {
          // Somebody else sees nothing of what was on the page.
          if (who.name !== me.value?.name) location.reload()
          else enter(who)
        }}
      />
    </Dialog>
  )
}

function enter(who: Me): void {
  me.value = who
  recallOutbox()
  begin(who)
  if (who.failedSignIns > 0) toast(words.value.signIn.failedBefore(who.failedSignIns), true)
}

function SignInForm({ person, onDone }: { readonly person?: string | undefined; readonly onDone: (who: Me) => void }) {
  const { signIn } = words.value
  const [name, setName] = useState(person ?? '')
  const [password, setPassword] = useState('')
  const [error, setError] = useState<string>()
  const [isBusy, setBusy] = useState(false)

  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    if (name.trim() === '' || password === '') return setError(signIn.missing)
    setBusy(true)
    setError(undefined)
    try {
      onDone(await call('POST /sign-in', { body: { person: name.trim(), password } }))
    } catch (refused) {
      if (!(refused instanceof Refusal)) throw refused
      setError(refusalText(refused))
    } finally {
      setBusy(false)
    }
  }

  return (
    <form class="form" onSubmit={submit} noValidate>
      <Problem text={error} />
      <Field
        label={signIn.who}
        hint={signIn.whoHint}
        value={name}
        onChange={setName}
        autocomplete="username"
        isFirst={person === undefined}
      />
      <Field
        label={signIn.password}
        isPassword
        value={password}
        onChange={setPassword}
        autocomplete="current-password"
        isFirst={person !== undefined}
      />
      <button type="submit" class="button primary wide" disabled={isBusy}>
        {signIn.submit}
      </button>
    </form>
  )
}

/** The way in for who has no password yet: by a link that is good once. */
export function LinkPage({ link }: { readonly link: string }) {
  const said = words.value.link
  const [title, setTitle] = useState<string>()
  const [isDead, setDead] = useState(false)
  const [password, setPassword] = useState('')
  const [again, setAgain] = useState('')
  const [error, setError] = useState<string>()

  useEffect(() => {
    call('POST /links/look', { body: { link } }).then(
      (whose) => setTitle(whose.title),
      (refused: unknown) => {
        if (refused instanceof Refusal && refused.isPassing) setError(refusalText(refused))
        else setDead(true)
      },
    )
  }, [link])

  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    if ([...password].length < MIN_CHARS) return setError(said.short)
    if (password !== again) return setError(said.differ)
    setError(undefined)
    try {
      const who = await call('POST /links/use', { body: { link, password } })
      enter(who)
      leaveLink()
    } catch (refused) {
      if (!(refused instanceof Refusal)) throw refused
      if (refused.code === 'LINK_NOT_GOOD') setDead(true)
      else setError(refusalText(refused))
    }
  }

  if (isDead)
    return (
      <Front title={said.dead}>
        <p>{said.deadText}</p>
        <button type="button" class="button primary wide" onClick={leaveLink}>
          {said.toSignIn}
        </button>
      </Front>
    )
  if (title === undefined)
    return (
      <Front title={said.checking}>
        <Problem text={error} />
      </Front>
    )
  return (
    <Front title={said.title(title)}>
      <p>{said.text}</p>
      <form class="form" onSubmit={submit} noValidate>
        <Problem text={error} />
        <Field
          label={said.password}
          hint={said.hint}
          isPassword
          value={password}
          onChange={setPassword}
          autocomplete="new-password"
          isFirst
        />
        <Field label={said.repeat} isPassword value={again} onChange={setAgain} autocomplete="new-password" />
        <button type="submit" class="button primary wide">
          {said.submit}
        </button>
      </form>
    </Front>
  )
}

function Front({ title, children }: { readonly title: string; readonly children: preact.ComponentChildren }) {
  return (
    <main class="front">
      <div class="front-card">
        <span class="mark">
          <Icon name="chats" />
        </span>
        <h1>{title}</h1>
        {children}
      </div>
      <fieldset class="front-languages">
        <legend class="unseen">{words.value.rail.language}</legend>
        {LANGUAGES.map((one) => (
          <button
            type="button"
            key={one}
            lang={one}
            class="quiet"
            aria-pressed={one === language.value}
            onClick={() => setLanguage(one)}
          >
            {dictionary[one].language}
          </button>
        ))}
      </fieldset>
    </main>
  )
}

export function Problem({ text }: { readonly text: string | undefined }) {
  return (
    <div role="alert" class="problem">
      {text !== undefined && (
        <p>
          <Icon name="alert" /> {text}
        </p>
      )}
    </div>
  )
}

export function Field(of: {
  readonly label: string
  readonly hint?: string
  readonly isPassword?: boolean
  readonly value: string
  readonly onChange: (value: string) => void
  readonly autocomplete: 'username' | 'current-password' | 'new-password'
  readonly isFirst?: boolean
}) {
  const id = useId()
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => {
    if (of.isFirst) input.current?.focus()
  }, [])
  const common = {
    id,
    ref: input,
    value: of.value,
    autocomplete: of.autocomplete,
    autocapitalize: 'none',
    spellcheck: false,
    'aria-describedby': of.hint === undefined ? undefined : `${id}-hint`,
    onInput: ({ currentTarget }: { readonly currentTarget: HTMLInputElement }) => of.onChange(currentTarget.value),
  } as const
  return (
    <div class="field">
      <label for={id}>{of.label}</label>
      {of.isPassword ? <input {...common} type="password" /> : <input {...common} type="text" />}
      {of.hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {of.hint}
        </p>
      )}
    </div>
  )
}
