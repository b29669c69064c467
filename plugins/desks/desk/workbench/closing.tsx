import { useState } from 'preact/hooks'
import type { Row } from '../api/shapes.ts'
import { close } from './commands.ts'
import { Dialog, DialogButtons } from './dialog.tsx'
import { me } from './session.ts'
import { words } from './words/words.ts'

const REASONS = ['solved', 'unsolved', 'no-reply', 'spam'] as const

/** How a conversation ended, in a word for the statistics and in as many as wanted for colleagues. */
export default function CloseDialog({ row, onClose }: { readonly row: Row; readonly onClose: () => void }) {
  const said = words.value.closing
  const [reason, setReason] = useState<(typeof REASONS)[number]>('solved')
  const [summary, setSummary] = useState('')
  const [say, setSay] = useState('')
  const [isBusy, setBusy] = useState(false)
  const mayWrite = row.state === 'assigned' && row.person === me.value?.name

  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    setBusy(true)
    const isDone = await close(row, { reason, summary: summary.trim(), say: say.trim() })
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
        <label class="field">
          <span>{said.summary}</span>
          <textarea
            rows={3}
            maxLength={10_000}
            value={summary}
            onInput={({ currentTarget }) => setSummary(currentTarget.value)}
          />
          <small class="hint">{said.summaryHint}</small>
        </label>
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
