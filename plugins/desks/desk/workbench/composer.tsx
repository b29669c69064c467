import { signal } from '@preact/signals'
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Row, Suggestion } from '../api/shapes.ts'
import type { CannedReply } from '../replies/shapes.ts'
import { allowanceText, useSendable } from './allowance.ts'
import { filled, foundBy, type Slash, slashAt, textFor } from './canned.ts'
import { CannedList, optionId } from './canned-list.tsx'
import type { Chat } from './chats.ts'
import { possible, tellTyping } from './commands.ts'
import './composer.css'
import { myself, statusTitle, titleOf } from './desk.ts'
import { type Attached, attachedIn, changeAttached, draftOf, keepDraft, type Mode, uploadedIn } from './drafts.ts'
import { Icon } from './icon.tsx'
import { newId } from './ids.ts'
import { isComposed, isSubmitEnter } from './keys.ts'
import { type Outgoing, send } from './outbox.ts'
import { countUse, replies, wantReplies } from './replies.ts'
import { upload } from './server.ts'
import { me } from './session.ts'
import { dismissSuggestion, Suggestions, suggestionsIn } from './suggestions.tsx'
import { toastRefusal } from './toasts.ts'
import { language, words } from './words/words.ts'

/** So long a text is taken by the desk. */
const MAX_CHARS = 10_000

/** What somebody asked for from elsewhere: the field, by a key, or words to be changed and sent again. */
const wanted = signal<{ readonly mode: Mode; readonly again?: Pick<Outgoing, 'text' | 'files'> } | undefined>(undefined)

export function focusComposer(mode: Mode): void {
  wanted.value = { mode }
}
/** Before what is being written, which nobody is to lose. */
export function writeAgain({ mode, text, files }: Outgoing): void {
  wanted.value = { mode, again: { text, files } }
}

/** Where an agent writes: to the customer, or for colleagues. */
export function Composer(of: {
  readonly row: Row
  readonly chat: Chat
  /** Asks how it ended; what stands here is said and saved by that. */
  readonly onSendAndClose: () => void
}) {
  const { row, chat } = of
  const { composer } = words.value
  const can = possible(row)
  const status = myself.value?.status
  const sendable = useSendable(row.chat, chat.head.value, can.write)
  const mayWrite = can.write && status?.isForChats !== false && sendable?.closed === undefined
  const [chosen, setChosen] = useState<Mode>(() => (draftOf(row.id, 'note') !== '' ? 'note' : 'reply'))
  const mode: Mode = can.write ? chosen : 'note'
  const texts = { reply: draftOf(row.id, 'reply'), note: draftOf(row.id, 'note') }
  const attached = attachedIn(row.id)
  const setAttached = (change: (now: readonly Attached[]) => readonly Attached[]) => changeAttached(row.id, change)
  const field = useRef<HTMLTextAreaElement>(null)
  const picker = useRef<HTMLInputElement>(null)
  const hint = useId()
  const list = useId()
  const text = texts[mode]
  /** What is looked for among the canned replies, and which one Enter takes. */
  const [slash, setSlash] = useState<Slash & { readonly at: number }>()
  /** Where the caret is to be, when the text has been drawn. */
  const caret = useRef<number | undefined>(undefined)
  const found = slash && mode === 'reply' ? foundBy(replies.value ?? [], slash.part) : []
  const suggestions = can.write && mode === 'reply' ? suggestionsIn(chat) : []
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
    if (asked.again) {
      const { text, files } = asked.again
      write(asked.mode, [text, texts[asked.mode]].filter((one) => one !== '').join('\n'))
      setAttached((now) => [...now, ...files.map(({ file, name }) => ({ id: newId(), name, state: { file } }))])
    }
    field.current?.focus()
    // Behind the focus, by which a note stays a note where nothing else can be written yet.
    setChosen(asked.mode)
  }, [wanted.value])
  useLayoutEffect(() => {
    if (caret.current === undefined) return
    field.current?.setSelectionRange(caret.current, caret.current)
    caret.current = undefined
  }, [text])
  useEffect(() => {
    const element = field.current
    if (!element) return
    element.style.height = 'auto'
    element.style.height = `${Math.min(element.scrollHeight, innerHeight * 0.35)}px`
  }, [text, mode])

  const write = (which: Mode, next: string) => keepDraft(row.id, which, next)

  function submit(): void {
    if (!isReady) return
    const files = mode === 'reply' ? uploadedIn(row.id) : []
    send({ conversation: row.id, chat: row.chat, mode, text: text.trim(), files })
    write(mode, '')
    if (mode === 'reply') setAttached(() => [])
    field.current?.focus()
  }

  /** What somebody begins as a note stays one, also when the conversation becomes theirs while they write. */
  function stayIn(): void {
    if (mode !== chosen) setChosen(mode)
  }

  /** Looks whether a canned reply is asked for where the caret is now. */
  function look(element: HTMLTextAreaElement): void {
    const next = mode === 'reply' ? slashAt(element.value, element.selectionEnd) : undefined
    setSlash(next && { ...next, at: 0 })
    if (next) wantReplies()
  }

  const wordsOf = (reply: CannedReply) =>
    filled(textFor(reply, [row.customer.language, language.value]), {
      customer: row.customer.name,
      agent: me.value?.title ?? '',
    })

  function choose(reply: CannedReply): void {
    if (!slash) return
    const before = text.slice(0, slash.from) + wordsOf(reply)
    caret.current = before.length
    write('reply', before + text.slice(slash.from + 1 + slash.part.length))
    setSlash(undefined)
    countUse(reply.id)
    field.current?.focus()
  }

  /** As if the sign had been typed where the caret is. */
  function askForCanned(): void {
    const element = field.current
    if (!element) return
    const before = text.slice(0, element.selectionEnd)
    const sign = before === '' || /\s$/.test(before) ? '/' : ' /'
    element.focus()
    element.setRangeText(sign, element.selectionStart, element.selectionEnd, 'end')
    write('reply', element.value)
    look(element)
  }

  function insert(suggestion: Suggestion): void {
    const next = texts.reply.trim() === '' ? suggestion.text : `${texts.reply.trimEnd()}\n${suggestion.text}`
    caret.current = next.length
    write('reply', next)
    dismissSuggestion(suggestion.id)
    field.current?.focus()
  }

  /** The keys of the list that a `/` has opened: true, if it was one of them. */
  function isForList(event: KeyboardEvent): boolean {
    if (!slash || found.length === 0) return false
    const move = { ArrowDown: 1, ArrowUp: found.length - 1 }[event.key]
    const chosen = found[slash.at]
    if (move !== undefined) setSlash({ ...slash, at: (slash.at + move) % found.length })
    else if (event.key === 'Enter' && chosen && !event.shiftKey) choose(chosen)
    else if (event.key === 'Escape') setSlash(undefined)
    else return false
    return true
  }

  function onKeyDown(event: KeyboardEvent & { readonly currentTarget: HTMLTextAreaElement }): void {
    if (isComposed(event)) return
    const isMod = event.ctrlKey || event.metaKey
    // By the place of the key: with Alt some keyboards write other signs.
    const suggestion = event.altKey ? suggestions[Number(/^Digit(\d)$/.exec(event.code)?.[1]) - 1] : undefined
    if (isForList(event)) event.preventDefault()
    else if (suggestion) {
      event.preventDefault()
      insert(suggestion)
    } else if (event.key === 'Enter' && isMod && event.shiftKey && can.close) {
      event.preventDefault()
      of.onSendAndClose()
    } else if (isSubmitEnter(event)) {
      event.preventDefault()
      submit()
    } else if (event.key === 'Escape') {
      event.preventDefault()
      // To where it was, so that the keys of one letter work again.
      event.currentTarget.blur()
      document.querySelector<HTMLElement>('.row[aria-current] .row-open')?.focus()
    }
  }

  async function attach(files: FileList | null): Promise<void> {
    for (const file of files ?? []) {
      const id = newId()
      const change = (to: Partial<Attached>) =>
        setAttached((now) => now.map((one) => (one.id === id ? { ...one, ...to } : one)))
      setAttached((now) => [...now, { id, name: file.name, state: 'uploading', share: 0 }])
      try {
        change({ state: { file: await upload(file, (share) => change({ share })) } })
      } catch (error) {
        change({ state: 'failed' })
        toastRefusal(error)
      }
    }
  }

  const allowance = sendable && allowanceText(sendable)
  const why = whyNot(row, can.write, status && !status.isForChats ? status.name : undefined)
  if (!can.note)
    return (
      <footer class="composer closed">
        <p>{composer.closed}</p>
      </footer>
    )
  return (
    <section class={`composer ${mode}`} aria-label={composer.label}>
      <div class="composer-top">
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
        </div>
        <p
          class={`composer-why ${sendable?.closed !== undefined ? 'bad' : (sendable?.left ?? 9) < 3 ? 'soon' : ''}`}
          role="status"
          title={why ?? allowance}
        >
          {why ?? allowance}
        </p>
      </div>
      <Suggestions suggestions={suggestions} onInsert={insert} />
      <div class="composer-field">
        {slash && found.length > 0 && (
          <CannedList id={list} found={found} textOf={wordsOf} at={slash.at} onChoose={choose} />
        )}
        <textarea
          ref={field}
          rows={2}
          value={text}
          aria-label={mode === 'note' ? composer.writeNote : composer.writeReply}
          aria-describedby={hint}
          placeholder={mode === 'note' ? composer.writeNote : composer.writeReply}
          aria-autocomplete={mode === 'reply' ? 'list' : undefined}
          aria-haspopup={mode === 'reply' ? 'listbox' : undefined}
          aria-controls={found.length > 0 ? list : undefined}
          aria-activedescendant={slash && found.length > 0 ? optionId(list, slash.at) : undefined}
          onFocus={stayIn}
          onInput={({ currentTarget }) => {
            stayIn()
            write(mode, currentTarget.value)
            look(currentTarget)
            if (mode === 'reply' && mayWrite) tellTyping(row.chat)
          }}
          onClick={({ currentTarget }) => look(currentTarget)}
          onBlur={() => setSlash(undefined)}
          onKeyDown={onKeyDown}
          onPaste={({ clipboardData }) => {
            if (mode === 'reply' && clipboardData?.files.length) void attach(clipboardData.files)
          }}
        />
        {attached.length > 0 && mode === 'reply' && (
          <ul class="attached">
            {attached.map(({ id, name, state, share }) => (
              <li key={id} class={state === 'failed' ? 'failed' : ''}>
                <Icon name="file" />
                <span class="grow">{name}</span>
                {state === 'uploading' && (
                  <>
                    <small role="status">{composer.uploading}</small>
                    <progress value={share} aria-label={name} />
                  </>
                )}
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
              <button
                type="button"
                class="tool"
                aria-label={composer.canned}
                title={`${composer.canned} (/)`}
                disabled={!mayWrite}
                // The field keeps the focus, and with it the caret.
                onPointerDown={(event) => event.preventDefault()}
                onClick={askForCanned}
              >
                <Icon name="slash" />
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
