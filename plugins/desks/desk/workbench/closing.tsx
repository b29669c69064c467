import { useState } from 'preact/hooks'
import type { Row, SummaryField } from '../api/shapes.ts'
import { close } from './commands.ts'
import { now } from './desk.ts'
import { Doing } from './dialog.tsx'
import { attachedIn, changeAttached, draftOf, keepDraft, uploadedIn } from './drafts.ts'
import { send, settle } from './outbox.ts'
import { me } from './session.ts'
import { textIn, words } from './words/words.ts'

const REASONS = ['solved', 'unsolved', 'no-reply', 'spam'] as const
/** More than these are shorter as a list that opens. */
const MAX_CHIPS = 8

/**
 * How a conversation ended, in a word for the statistics, and what is noted of it: the fields of the settings. What
 * stands in the composer stands here, too: the reply as the last word, and a note; nothing is lost, whatever is done.
 */
export default function CloseDialog({ row, onClose }: { readonly row: Row; readonly onClose: () => void }) {
  const said = words.value.closing
  const fields = now.value.summary.filter(({ teams }) => !teams || teams.includes(row.team ?? ''))
  const [reason, setReason] = useState(() => REASONS.find((one) => one === draftOf(row.id, 'reason')) ?? 'solved')
  const [summary, setSummary] = useState<{ readonly [field: string]: string }>(() =>
    Object.fromEntries(fields.map((field) => [field.name, begunOf(row, field)])),
  )
  const mayWrite = row.state === 'assigned' && row.person === me.value?.name
  const say = mayWrite ? draftOf(row.id, 'reply') : ''
  const note = draftOf(row.id, 'note')
  const [hadNote] = useState(note !== '')
  // What could not be uploaded goes nowhere, and stands so in the composer.
  const attached = mayWrite ? attachedIn(row.id).filter(({ state }) => state !== 'failed') : []

  async function run(): Promise<void> {
    const files = mayWrite ? uploadedIn(row.id) : []
    const place = { conversation: row.id, chat: row.chat }
    if (note.trim() !== '') send({ ...place, mode: 'note', text: note.trim(), files: [] })
    keepDraft(row.id, 'note', '')
    // By closing, words can be said, so that both are done or neither; files cannot, and go first.
    if (files.length > 0) send({ ...place, mode: 'reply', text: '', files })
    if (mayWrite) changeAttached(row.id, () => [])
    await settle(row.id)
    const given = Object.entries(summary).filter(([, is]) => is.trim() !== '')
    await close(row, { reason, summary: Object.fromEntries(given), say: say.trim() })
    if (mayWrite) keepDraft(row.id, 'reply', '')
    keepDraft(row.id, 'reason', '')
    for (const { name } of fields) keepDraft(row.id, `summary ${name}`, '')
  }

  return (
    <Doing
      title={said.title}
      submit={said.submit}
      isReady={attached.every(({ state }) => state !== 'uploading')}
      run={run}
      onClose={onClose}
    >
      <fieldset class="reasons">
        <legend>{said.reason}</legend>
        {REASONS.map((one) => (
          <label key={one} class="chip">
            <input
              type="radio"
              name="reason"
              checked={reason === one}
              onChange={() => {
                setReason(one)
                keepDraft(row.id, 'reason', one)
              }}
            />
            <span>{said.reasons[one]}</span>
          </label>
        ))}
      </fieldset>
      {fields.map((field) => (
        <Field
          key={field.name}
          field={field}
          value={summary[field.name] ?? ''}
          onChange={(is) => {
            setSummary((before) => ({ ...before, [field.name]: is }))
            keepDraft(row.id, `summary ${field.name}`, is)
          }}
        />
      ))}
      {mayWrite && (
        <label class="field">
          <span>{said.lastWord}</span>
          <textarea
            rows={2}
            maxLength={10_000}
            value={say}
            onInput={({ currentTarget }) => keepDraft(row.id, 'reply', currentTarget.value)}
          />
          <small class="hint">{said.lastWordHint}</small>
        </label>
      )}
      {attached.length > 0 && <p class="hint">{said.files(attached.map(({ name }) => name).join(', '))}</p>}
      {hadNote && (
        <label class="field">
          <span>{said.note}</span>
          <textarea
            rows={2}
            maxLength={10_000}
            value={note}
            onInput={({ currentTarget }) => keepDraft(row.id, 'note', currentTarget.value)}
          />
          <small class="hint">{said.noteHint}</small>
        </label>
      )}
    </Doing>
  )
}

/** What was begun before, unless the settings no longer have it; else what they say. */
function begunOf(row: Row, { name, options, otherwise = '' }: SummaryField): string {
  const begun = draftOf(row.id, `summary ${name}`)
  const isKnown = !options || options.some((option) => option.name === begun)
  return begun !== '' && isKnown ? begun : otherwise
}

function Field(of: {
  readonly field: SummaryField
  readonly value: string
  readonly onChange: (value: string) => void
}) {
  const { field, value, onChange } = of
  const { name, title, options, isRequired } = field
  const said = words.value.closing
  const label = isRequired ? said.required(textIn(title)) : textIn(title)
  if (!options)
    return (
      <label class="field">
        <span>{label}</span>
        <textarea
          rows={2}
          maxLength={10_000}
          required={isRequired}
          value={value}
          onInput={({ currentTarget }) => onChange(currentTarget.value)}
        />
      </label>
    )
  if (options.length > MAX_CHIPS)
    return (
      <label class="field">
        <span>{label}</span>
        <select required={isRequired} value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
          <option value="">{said.choose}</option>
          {options.map((option) => (
            <option key={option.name} value={option.name}>
              {textIn(option.title)}
            </option>
          ))}
        </select>
      </label>
    )
  return (
    <fieldset class="reasons">
      <legend>{label}</legend>
      {options.map((option) => (
        <label key={option.name} class="chip">
          <input
            type="radio"
            name={`summary ${name}`}
            required={isRequired}
            checked={value === option.name}
            onChange={() => onChange(option.name)}
            // What is not needed can be taken back.
            onClick={() => !isRequired && value === option.name && onChange('')}
          />
          <span>{textIn(option.title)}</span>
        </label>
      ))}
    </fieldset>
  )
}
