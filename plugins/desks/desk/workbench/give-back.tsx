import { useState } from 'preact/hooks'
import type { Row } from '../api/shapes.ts'
import { giveBack } from './commands.ts'
import { Dialog, DialogButtons } from './dialog.tsx'
import { words } from './words/words.ts'

export default function GiveBackDialog({ row, onClose }: { readonly row: Row; readonly onClose: () => void }) {
  const said = words.value.giveBack
  const [because, setBecause] = useState('')
  const [isBusy, setBusy] = useState(false)

  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    setBusy(true)
    const isDone = await giveBack(row, because.trim())
    setBusy(false)
    if (isDone) onClose()
  }

  return (
    <Dialog title={said.title} onClose={onClose}>
      <form class="form" onSubmit={submit}>
        <p>{said.text}</p>
        <label class="field">
          <span>{said.because}</span>
          <input maxLength={1000} value={because} onInput={({ currentTarget }) => setBecause(currentTarget.value)} />
        </label>
        <DialogButtons submit={said.submit} isBusy={isBusy} onCancel={onClose} />
      </form>
    </Dialog>
  )
}
