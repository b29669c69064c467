import { useMemo, useState } from 'preact/hooks'
import type { Customer } from '../../../api/customers-shapes.ts'
import { Doing } from '../../dialog.tsx'
import { newId } from '../../ids.ts'
import { showConversations } from '../../location.ts'
import { call, Refusal } from '../../server.ts'
import { fullTime } from '../../times.ts'
import { inLanguage, words as shared } from '../../words/words.ts'
import { words } from './words.ts'

/** Opens a conversation by a first message, where the platform still takes one. `chat`: the one that is on the screen. */
export default function CallBackDialog(of: {
  readonly customer: Customer
  readonly chat?: string
  readonly onClose: () => void
}) {
  const { customer, onClose } = of
  const said = inLanguage(words)
  const [chat, setChat] = useState(of.chat ?? customer.chats[0]?.chat ?? '')
  const [text, setText] = useState('')
  const [refusals, setRefusals] = useState(0)
  // Given again after an answer that was lost, it is the same command; another text or another channel is another one,
  // and what was refused would be refused again under its id, whatever has changed meanwhile.
  const id = useMemo(newId, [chat, text, refusals])
  const why = ({ code, params }: Refusal) =>
    code === 'WINDOW_CLOSED' && typeof params.endedAtMs === 'number'
      ? said.windowOver(fullTime(params.endedAtMs))
      : undefined

  async function run(): Promise<void> {
    try {
      const { conversation } = await call('POST /customers/:customer/call-back', {
        params: { customer: customer.id },
        body: { id, chat, text: text.trim() },
      })
      showConversations(conversation)
    } catch (error) {
      if (error instanceof Refusal && !error.isPassing) setRefusals((before) => before + 1)
      throw error
    }
  }

  return (
    <Doing
      title={said.callBackTitle(customer.name ?? shared.value.row.noName)}
      submit={said.callBack}
      isReady={text.trim() !== ''}
      why={why}
      run={run}
      onClose={onClose}
    >
      <p>{said.callBackText}</p>
      {customer.chats.length > 1 && (
        <label class="field">
          <span>{said.channel}</span>
          <select value={chat} onChange={({ currentTarget }) => setChat(currentTarget.value)}>
            {customer.chats.map((one) => (
              <option key={one.chat} value={one.chat}>
                {one.channel} · {one.externalId}
              </option>
            ))}
          </select>
        </label>
      )}
      <label class="field">
        <span>{said.firstMessage}</span>
        <textarea
          rows={4}
          maxLength={10_000}
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </label>
    </Doing>
  )
}
