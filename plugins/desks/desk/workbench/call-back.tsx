import { useRef, useState } from 'preact/hooks'
import { myself } from './desk.ts'
import { Dialog, DialogButtons } from './dialog.tsx'
import { Icon } from './icon.tsx'
import { newId } from './ids.ts'
import { show } from './lists.ts'
import { showConversations } from './location.ts'
import { call, Refusal } from './server.ts'
import { fullTime } from './times.ts'
import { refusalText, words } from './words/words.ts'

/** Writes first to a customer with whom nothing is open: a conversation of one's own begins by it. */
export function CallBack({ customer, chat }: { readonly customer: string; readonly chat: string }) {
  const said = words.value.callBack
  const [isAsking, setAsking] = useState(false)
  return (
    <>
      <button
        type="button"
        class="button small"
        disabled={myself.value?.status.isForChats === false}
        onClick={() => setAsking(true)}
      >
        <Icon name="chats" /> {said.title}
      </button>
      {isAsking && <CallBackDialog customer={customer} chat={chat} onClose={() => setAsking(false)} />}
    </>
  )
}

function CallBackDialog(of: { readonly customer: string; readonly chat: string; readonly onClose: () => void }) {
  const { customer, chat, onClose } = of
  const said = words.value.callBack
  const [text, setText] = useState('')
  const [isBusy, setBusy] = useState(false)
  const [problem, setProblem] = useState('')
  /** Given again after no answer came, it is done once; what was refused is asked anew. */
  const id = useRef(newId())

  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    setBusy(true)
    setProblem('')
    try {
      const body = { id: id.current, chat, text: text.trim() }
      const { conversation } = await call('POST /customers/:customer/call-back', { params: { customer }, body })
      onClose()
      show({ list: 'mine' })
      showConversations(conversation)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      if (!error.isPassing) id.current = newId()
      const { endedAtMs } = error.params
      const when = typeof endedAtMs === 'number' ? [said.endedAt(fullTime(endedAtMs))] : []
      setProblem([refusalText(error), ...when].join(' '))
      setBusy(false)
    }
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
        <p>{said.text}</p>
        <div class="problem" role="alert">
          {problem !== '' && (
            <p>
              <Icon name="alert" /> {problem}
            </p>
          )}
        </div>
        <label class="field">
          <span>{said.first}</span>
          <textarea
            rows={3}
            required
            maxLength={10_000}
            value={text}
            onInput={({ currentTarget }) => setText(currentTarget.value)}
          />
        </label>
        <DialogButtons submit={said.submit} isBusy={isBusy} onCancel={onClose} />
      </form>
    </Dialog>
  )
}
