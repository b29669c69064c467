import { useState } from 'preact/hooks'
import type { Row, SummaryField } from '../api/shapes.ts'
import { close } from './commands.ts'
import { now } from './desk.ts'
import { Dialog, DialogButtons } from './dialog.tsx'
import { me } from './session.ts'
import { textIn, words } from './words/words.ts'

const REASONS = ['solved', 'unsolved', 'no-reply', 'spam'] as const
/** More than these are shorter as a list that opens. */
const MAX_CHIPS = 8

/** How a conversation ended, in a word for the statistics, and what is noted of it: the fields of the settings. */
export default function CloseDialog(of: {
  readonly row: Row
  /** What stood in the composer when it was sent and closed. */
  readonly lastWord: string
  readonly onClose: () => void
}) {
  const { row, onClose } = of
  const said = words.value.closing
  const fields = now.value.summary
  const [reason, setReason] = useState<(typeof REASONS)[number]>('solved')
  const [summary, setSummary] = useState<{ readonly [field: string]: string }>(() =>
    Object.fromEntries(fields.flatMap(({ name, otherwise }) => (otherwise === undefined ? [] : [[name, otherwise]]))),
  )
  const [say, setSay] = useState(of.lastWord)
  const [isBusy, setBusy] = useState(false)
  const mayWrite = row.state === 'assigned' && row.person === me.value?.name

  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    setBusy(true)
    const given = Object.entries(summary).filter(([, is]) => is.trim() !== '')
    const isDone = await close(row, { reason, summary: Object.fromEntries(given), say: say.trim() })
    setBusy(false)
    if (isDone) onClose()
  }

  return (
    <Dialog title={said.title} onClose={onClose}>
      <form
        class="form"
        onSubmit={submit}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) event.currentTarget.requestSubmit()
        }}
      >
        <fieldset class="reasons">
          <legend>{said.reason}</legend>
          {REASONS.map((one) => (
            <label key={one} class="chip">
              <input type="radio" name="reason" checked={reason === one} onChange={() => setReason(one)} />
              <span>{said.reasons[one]}</span>
            </label>
          ))}
        </fieldset>
        {fields.map((field) => (
          <Field
            key={field.name}
            field={field}
            value={summary[field.name] ?? ''}
            onChange={(is) => setSummary((before) => ({ ...before, [field.name]: is }))}
          />
        ))}
        {mayWrite && (
          <label class="field">
            <span>{said.lastWord}</span>
            <textarea
              rows={2}
              maxLength={10_000}
              value={say}
              onInput={({ currentTarget }) => setSay(currentTarget.value)}
            />
            <small class="hint">{said.lastWordHint}</small>
          </label>
        )}
        <DialogButtons submit={said.submit} isBusy={isBusy} onCancel={onClose} />
      </form>
    </Dialog>
  )
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
