import { useId, useState } from 'preact/hooks'
import type { Customer } from '../../../api/customers-shapes.ts'
import { Fact } from '../../customer.tsx'
import { fieldTitle, now } from '../../desk.ts'
import { Icon } from '../../icon.tsx'
import { call } from '../../server.ts'
import { toast, toastRefusal } from '../../toasts.ts'
import { inLanguage } from '../../words/words.ts'
import { words } from './words.ts'

/** What the web chat notes of a visit. */
export const VISIT = ['ip', 'region', 'browser', 'page', 'referrer']
const BUILT_IN = ['realName', 'phone', 'qq', 'email', 'company', 'notes']

interface Changing {
  readonly of: Customer
  readonly onChange: () => Promise<void>
}

/** The fields, each to be changed where it stands, and the ids, which nobody changes. */
export function Profile({ of, onChange }: Changing) {
  const said = inLanguage(words)
  const names = [...BUILT_IN.slice(0, -1), ...now.value.customers.fields.map(({ name }) => name), 'notes']
  const before = (field: string) => (field === 'name' ? (of.name ?? '') : textOf(of.fields[field]))
  const [changed, setChanged] = useState<{ readonly [field: string]: string }>({})
  const [isBusy, setBusy] = useState(false)
  const changes = Object.entries(changed).filter(([field, value]) => value.trim() !== before(field))
  const others = Object.entries(of.fields).filter(([field]) => !names.includes(field) && !VISIT.includes(field))

  async function save(event: Event): Promise<void> {
    event.preventDefault()
    const name = changes.find(([field]) => field === 'name')?.[1].trim()
    const fields = changes.filter(([field]) => field !== 'name').map(([field, value]) => [field, value.trim() || null])
    setBusy(true)
    try {
      await call('POST /customers/:customer/change', {
        params: { customer: of.id },
        body: { ...(name && { name }), fields: Object.fromEntries(fields) },
      })
      toast(said.saved)
      await onChange()
      // What was written in the meantime is not saved yet, and stays.
      const saved = new Map(changes)
      setChanged((now) => Object.fromEntries(Object.entries(now).filter(([name, value]) => saved.get(name) !== value)))
    } catch (error) {
      toastRefusal(error)
    } finally {
      setBusy(false)
    }
  }

  const field = (name: string, title: string) => (
    <Field
      key={name}
      name={name}
      title={title}
      value={changed[name] ?? before(name)}
      onInput={(value) => setChanged((old) => ({ ...old, [name]: value }))}
    />
  )
  return (
    <form class="profile" onSubmit={(event) => void save(event)}>
      <h2>{said.tabs.profile}</h2>
      <div class="profile-fields">
        {field('name', said.name)}
        {names.map((name) => field(name, fieldTitle(name)))}
      </div>
      {changes.length > 0 && (
        <div class="profile-save">
          <button type="submit" class="button primary" disabled={isBusy}>
            {said.save}
          </button>
          <button type="button" class="button" onClick={() => setChanged({})}>
            {said.discard}
          </button>
        </div>
      )}
      <h2>{said.ids}</h2>
      <p class="hint">{said.idsHint}</p>
      <dl class="facts wide">
        {of.chats.map(({ chat, channel, externalId }) => (
          <Fact key={chat} name={channel}>
            <code>{externalId}</code>
          </Fact>
        ))}
        <Fact name={said.ownId}>
          <code>{of.id}</code>
        </Fact>
        {others.map(([name, value]) => (
          <Fact key={name} name={fieldTitle(name)}>
            {textOf(value)}
          </Fact>
        ))}
      </dl>
    </form>
  )
}

function Field(of: {
  readonly name: string
  readonly title: string
  readonly value: string
  readonly onInput: (value: string) => void
}) {
  const { name, title, value, onInput } = of
  const id = useId()
  const shared = { id, value, maxLength: name === 'name' ? 200 : 4_000 }
  return (
    <div class={`field ${name === 'notes' ? 'whole' : ''}`}>
      <label for={id}>{title}</label>
      {name === 'notes' ? (
        <textarea {...shared} rows={4} onInput={({ currentTarget }) => onInput(currentTarget.value)} />
      ) : (
        <input {...shared} required={name === 'name'} onInput={({ currentTarget }) => onInput(currentTarget.value)} />
      )}
    </div>
  )
}

const textOf = (value: unknown): string =>
  value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value)

/** By which customers are found: added and taken away one by one. */
export function Tags({ of, onChange }: Changing) {
  const said = inLanguage(words)
  const [tag, setTag] = useState('')

  async function change(add: readonly string[], remove: readonly string[]): Promise<void> {
    try {
      await call('POST /customers/:customer/tags', {
        params: { customer: of.id },
        body: { add: [...add], remove: [...remove] },
      })
      setTag('')
      await onChange()
    } catch (error) {
      toastRefusal(error)
    }
  }

  return (
    <section class="tags-box">
      <h2>{said.tags}</h2>
      <ul class="tags">
        {of.tags.map((one) => (
          <li key={one}>
            {one}
            <button
              type="button"
              class="tag-remove"
              aria-label={said.removeTag(one)}
              onClick={() => void change([], [one])}
            >
              <Icon name="close" />
            </button>
          </li>
        ))}
      </ul>
      <form
        class="tags-add"
        onSubmit={(event) => {
          event.preventDefault()
          if (tag.trim() !== '') void change([tag.trim()], [])
        }}
      >
        <label class="field">
          <span class="unseen">{said.newTag}</span>
          <input
            maxLength={50}
            placeholder={said.newTag}
            value={tag}
            onInput={({ currentTarget }) => setTag(currentTarget.value)}
          />
        </label>
        <button type="submit" class="button">
          {said.addTag}
        </button>
      </form>
    </section>
  )
}
