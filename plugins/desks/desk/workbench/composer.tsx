import { signal } from '@preact/signals'
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Row } from '../api/shapes.ts'
import { possible, tellTyping } from './commands.ts'
import { myself, statusTitle, titleOf } from './desk.ts'
import { draftOf, keepDraft, type Mode } from './drafts.ts'
import { Icon } from './icon.tsx'
import { newId } from './ids.ts'
import { isSubmitEnter } from './keys.ts'
import { send } from './outbox.ts'
import { upload } from './server.ts'
import { toastRefusal } from './toasts.ts'
import { words } from './words/words.ts'

/** So long a text is taken by the desk. */
const MAX_CHARS = 10_000

/** What somebody asked for from elsewhere: the field, by a key, or words to be changed and sent again. */
const wanted = signal<{ readonly mode: Mode; readonly text?: string } | undefined>(undefined)

export function focusComposer(mode: Mode): void {
  wanted.value = { mode }
}
export function writeAgain(mode: Mode, text: string): void {
  wanted.value = { mode, text }
}

interface Attached {
  readonly id: string
  readonly name: string
  readonly state: 'uploading' | 'failed' | { readonly file: string }
}

/** Where an agent writes: to the customer, or for colleagues. */
export function Composer({ row }: { readonly row: Row }) {
  const { composer } = words.value
  const can = possible(row)
  const status = myself.value?.status
  const mayWrite = can.write && status?.isForChats !== false
  const [chosen, setChosen] = useState<Mode>(() => (draftOf(row.id, 'note') !== '' ? 'note' : 'reply'))
  const mode: Mode = can.write ? chosen : 'note'
  const [texts, setTexts] = useState(() => ({ reply: draftOf(row.id, 'reply'), note: draftOf(row.id, 'note') }))
  const [attached, setAttached] = useState<readonly Attached[]>([])
  const field = useRef<HTMLTextAreaElement>(null)
  const picker = useRef<HTMLInputElement>(null)
  const hint = useId()
  const text = texts[mode]
  const over = text.length - MAX_CHARS
  const isReady =
    (text.trim() !== '' || (mode === 'reply' && attached.length > 0)) &&
    over <= 0 &&
    attached.every(({ state }) => typeof state === 'object') &&
    (mode === 'note' || mayWrite)

  // Before the next key comes: whoever asks for the field by a key goes on typing.
  useLayoutEffect(() => {
    const asked = wanted.value
    if (!asked) return
    wanted.value = undefined
    setChosen(asked.mode)
    const again = asked.text
    if (again !== undefined) write(asked.mode, again)
    field.current?.focus()
  }, [wanted.value])
  useEffect(() => {
    const element = field.current
    if (!element) return
    element.style.height = 'auto'
    element.style.height = `${Math.min(element.scrollHeight, innerHeight * 0.35)}px`
  }, [text, mode])

  function write(which: Mode, next: string): void {
    setTexts((now) => ({ ...now, [which]: next }))
    keepDraft(row.id, which, next)
  }

  function submit(): void {
    if (!isReady) return
    const files = attached.flatMap(({ name, state }) => (typeof state === 'object' ? [{ file: state.file, name }] : []))
    send({ conversation: row.id, mode, text: text.trim(), files: mode === 'reply' ? files : [] })
    write(mode, '')
    if (mode === 'reply') setAttached([])
    field.current?.focus()
  }

  async function attach(files: FileList | null): Promise<void> {
    for (const file of files ?? []) {
      const id = newId()
      const change = (state: Attached['state']) =>
        setAttached((now) => now.map((one) => (one.id === id ? { ...one, state } : one)))
      setAttached((now) => [...now, { id, name: file.name, state: 'uploading' }])
      try {
        change({ file: await upload(file) })
      } catch (error) {
        change('failed')
        toastRefusal(error)
      }
    }
  }

  if (!can.note)
    return (
      <footer class="composer closed">
        <p>{composer.closed}</p>
      </footer>
    )
  return (
    <section class={`composer ${mode}`} aria-label={composer.label}>
      <div class="modes" role="tablist" aria-label={composer.label}>
        {(['reply', 'note'] as const).map((one) => (
          <button
            type="button"
            key={one}
            role="tab"
            aria-selected={mode === one}
            disabled={one === 'reply' && !can.write}
            onClick={() => focusComposer(one)}
          >
            {one === 'note' && <Icon name="note" />}
            {composer[one]}
          </button>
        ))}
        <span class="composer-why">
          {whyNot(row, can.write, status && !status.isForChats ? status.name : undefined)}
        </span>
      </div>
      <div class="composer-field">
        <textarea
          ref={field}
          rows={2}
          value={text}
          aria-label={mode === 'note' ? composer.writeNote : composer.writeReply}
          aria-describedby={hint}
          placeholder={mode === 'note' ? composer.writeNote : composer.writeReply}
          onInput={({ currentTarget }) => {
            write(mode, currentTarget.value)
            if (mode === 'reply' && mayWrite) tellTyping(row.chat)
          }}
          onKeyDown={(event) => {
            if (isSubmitEnter(event)) {
              event.preventDefault()
              submit()
            } else if (event.key === 'Escape') {
              event.preventDefault()
              // To where it was, so that the keys of one letter work again.
              event.currentTarget.blur()
              document.querySelector<HTMLElement>('.row[aria-current] .row-open')?.focus()
            }
          }}
          onPaste={({ clipboardData }) => {
            if (mode === 'reply' && clipboardData?.files.length) void attach(clipboardData.files)
          }}
        />
        {attached.length > 0 && mode === 'reply' && (
          <ul class="attached">
            {attached.map(({ id, name, state }) => (
              <li key={id} class={state === 'failed' ? 'failed' : ''}>
                <Icon name="file" />
                <span class="grow">{name}</span>
                {state === 'uploading' && <small role="status">{composer.uploading}</small>}
                {state === 'failed' && <small role="alert">{composer.uploadFailed}</small>}
                <button
                  type="button"
                  class="tool small"
                  aria-label={composer.remove(name)}
                  onClick={() => setAttached((now) => now.filter((one) => one.id !== id))}
                >
                  <Icon name="close" />
                </button>
              </li>
            ))}
          </ul>
        )}
        <div class="composer-foot">
          {mode === 'reply' && (
            <>
              <input
                ref={picker}
                type="file"
                multiple
                hidden
                onChange={({ currentTarget }) => {
                  void attach(currentTarget.files).then(() => {
                    currentTarget.value = ''
                  })
                }}
              />
              <button
                type="button"
                class="tool"
                aria-label={composer.attach}
                title={composer.attach}
                disabled={!mayWrite}
                onClick={() => picker.current?.click()}
              >
                <Icon name="attach" />
              </button>
            </>
          )}
          <p class="hint" id={hint}>
            {over > 0 ? <span class="bad">{composer.tooLong(over)}</span> : composer.hint}
          </p>
          <button type="button" class="button primary" disabled={!isReady} onClick={submit}>
            {mode === 'note' ? composer.saveNote : composer.send}
          </button>
        </div>
      </div>
    </section>
  )
}

/** Why nothing can be written to the customer here. */
function whyNot(row: Row, isMine: boolean, statusWithoutChats: string | undefined): string | undefined {
  const { composer } = words.value
  if (isMine) return statusWithoutChats === undefined ? undefined : composer.noChats(statusTitle(statusWithoutChats))
  if (row.state === 'queued') return composer.inQueue
  return row.state === 'bot' ? composer.withBot : composer.notYours(titleOf(row.person ?? ''))
}
