import { useState } from 'preact/hooks'
import type { Row } from '../api/shapes.ts'
import { giveBack } from './commands.ts'
import { Doing } from './dialog.tsx'
import { words } from './words/words.ts'

export default function GiveBackDialog({ row, onClose }: { readonly row: Row; readonly onClose: () => void }) {
  const said = words.value.giveBack
  const [because, setBecause] = useState('')
  return (
    <Doing title={said.title} submit={said.submit} run={() => giveBack(row, because.trim())} onClose={onClose}>
      <p>{said.text}</p>
      <label class="field">
        <span>{said.because}</span>
        <input maxLength={1000} value={because} onInput={({ currentTarget }) => setBecause(currentTarget.value)} />
      </label>
    </Doing>
  )
}
