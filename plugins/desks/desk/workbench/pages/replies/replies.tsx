import { useEffect, useState } from 'preact/hooks'
import type { CannedReply } from '../../../replies/shapes.ts'
import { foundBy } from '../../canned.ts'
import { Dialog, DialogButtons } from '../../dialog.tsx'
import { Icon } from '../../icon.tsx'
import { newId } from '../../ids.ts'
import { askOfPage } from '../../location.ts'
import { loadReplies, replies } from '../../replies.ts'
import { call, Refusal } from '../../server.ts'
import { me } from '../../session.ts'
import { toast, toastRefusal } from '../../toasts.ts'
import { dictionary, inLanguage, LANGUAGES, refusalText } from '../../words/words.ts'
import { Frame } from '../frame.tsx'
import type { PageProperties } from '../pages.ts'
import './replies.css'
import { words } from './words.ts'

/** What is said again and again: found, written and removed. */
export default function Replies({ asked }: PageProperties) {
  const said = inLanguage(words)
  const [hasFailed, setFailed] = useState(false)
  const [editing, setEditing] = useState<CannedReply | undefined>()
  const [removing, setRemoving] = useState<CannedReply | undefined>()
  const search = asked.search ?? ''
  const all = replies.value

  async function load(): Promise<void> {
    setFailed(false)
    await loadReplies().catch(() => setFailed(true))
  }
  useEffect(() => void load(), [])

  const add = () =>
    setEditing({ id: newId(), isShared: mayKeepShared(), shortcut: '', texts: {}, revision: '', used: 0 })
  return (
    <Frame
      title={said.title}
      actions={
        <button type="button" class="button primary" onClick={add}>
          {said.add}
        </button>
      }
    >
      {all && all.length > 0 ? (
        <>
          <div class="bar">
            <label class="search">
              <span class="unseen">{said.search}</span>
              <Icon name="search" />
              <input
                type="search"
                placeholder={said.search}
                value={search}
                onInput={({ currentTarget }) => askOfPage({ search: currentTarget.value || undefined })}
              />
            </label>
            <p class="hint">{said.hint}</p>
          </div>
          <Table found={foundBy(all, search, all.length)} onEdit={setEditing} onRemove={setRemoving} />
        </>
      ) : (
        <div class="page-empty" role={hasFailed ? 'alert' : 'status'}>
          {all ? (
            <>
              <strong>{said.empty}</strong>
              <p>{said.emptyHint}</p>
            </>
          ) : (
            <p>{hasFailed ? said.failed : said.loading}</p>
          )}
          {hasFailed && (
            <button type="button" class="button" onClick={() => void load()}>
              {said.again}
            </button>
          )}
        </div>
      )}
      {editing && <Editor of={editing} onClose={() => setEditing(undefined)} />}
      {removing && <Removal of={removing} onClose={() => setRemoving(undefined)} />}
    </Frame>
  )
}

const mayKeepShared = () => me.value?.role !== 'agent'
const isMineToChange = ({ isShared }: CannedReply) => !isShared || mayKeepShared()

function Table(of: {
  readonly found: readonly CannedReply[]
  readonly onEdit: (reply: CannedReply) => void
  readonly onRemove: (reply: CannedReply) => void
}) {
  const said = inLanguage(words)
  if (of.found.length === 0)
    return (
      <p class="page-empty" role="status">
        {said.nothing}
      </p>
    )
  return (
    <div class="table-scroll">
      <table class="table replies">
        <thead>
          <tr>
            <th scope="col">{said.shortcut}</th>
            <th scope="col">{said.texts}</th>
            <th scope="col">{said.whose}</th>
            <th scope="col" class="number">
              {said.used}
            </th>
            <th scope="col">
              <span class="unseen">{said.edit}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {of.found.map((reply) => (
            <tr key={reply.id}>
              <th scope="row">/{reply.shortcut}</th>
              <td>
                {Object.entries(reply.texts).map(([tag, text]) => (
                  <p key={tag} lang={tag} class="reply-text">
                    <small>{tag}</small> <span>{text}</span>
                  </p>
                ))}
              </td>
              <td>{reply.isShared ? said.everybodys : said.mine}</td>
              <td class="number">{reply.used}</td>
              <td>
                {isMineToChange(reply) && (
                  <span class="reply-deeds">
                    <button type="button" class="button small" onClick={() => of.onEdit(reply)}>
                      {said.edit}
                      <span class="unseen"> /{reply.shortcut}</span>
                    </button>
                    <button type="button" class="button small" onClick={() => of.onRemove(reply)}>
                      {said.remove}
                      <span class="unseen"> /{reply.shortcut}</span>
                    </button>
                  </span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Editor({ of, onClose }: { readonly of: CannedReply; readonly onClose: () => void }) {
  const said = inLanguage(words)
  const isNew = of.revision === ''
  /** As it was read last, and so what is changed. */
  const [before, setBefore] = useState(of)
  const [isShared, setShared] = useState(of.isShared)
  const [shortcut, setShortcut] = useState(of.shortcut)
  const [texts, setTexts] = useState(of.texts)
  const [problem, setProblem] = useState('')
  const [isBusy, setBusy] = useState(false)
  // Those of the screen, and whatever else it has a text for.
  const tags = [...new Set<string>([...LANGUAGES, ...Object.keys(of.texts), ...Object.keys(before.texts)])]

  // The page may be hours old.
  useEffect(() => void loadReplies().catch(() => undefined), [])
  const latest = replies.value?.find(({ id }) => id === of.id) ?? before
  /** What a colleague has changed is taken over where nothing else has been written, and shown beside what has. */
  useEffect(() => {
    if (latest.revision === before.revision) return
    setBefore(latest)
    if (shortcut === before.shortcut) setShortcut(latest.shortcut)
    const written = Object.entries(texts).filter(([tag, text]) => text !== (before.texts[tag] ?? ''))
    setTexts({ ...latest.texts, ...Object.fromEntries(written) })
  }, [latest.revision])
  const isOthers = (tag: string) =>
    before.texts[tag] !== undefined && before.texts[tag] !== of.texts[tag] && before.texts[tag] !== texts[tag]

  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    const given = Object.entries(texts).filter(([, text]) => text.trim() !== '')
    if (given.length === 0) return setProblem(said.needsText)
    setBusy(true)
    try {
      await call(isShared ? 'POST /replies/shared/:reply' : 'POST /replies/own/:reply', {
        params: { reply: of.id },
        body: {
          shortcut: shortcut.trim().replace(/^\/+/, ''),
          texts: Object.fromEntries(given),
          ...(before.revision !== '' && { revision: before.revision }),
        },
      })
      toast(said.saved)
      onClose()
      await loadReplies()
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      if (error.code === 'CHANGED_MEANWHILE') await loadReplies().catch(() => undefined)
      setProblem(refusalText(error))
      setBusy(false)
    }
  }

  return (
    <Dialog title={isNew ? said.add : `/${of.shortcut}`} onClose={onClose}>
      <form class="form" onSubmit={submit}>
        <div class="problem" role="alert">
          {problem !== '' && (
            <p>
              <Icon name="alert" /> {problem}
            </p>
          )}
        </div>
        <label class="field">
          <span>{said.shortcut}</span>
          <input
            required
            maxLength={40}
            pattern="\S+"
            title={said.shortcutHint}
            value={shortcut}
            onInput={({ currentTarget }) => setShortcut(currentTarget.value)}
          />
          <small class="hint">{said.shortcutHint}</small>
        </label>
        {isNew && mayKeepShared() && (
          <fieldset class="reasons">
            <legend>{said.whose}</legend>
            {[true, false].map((one) => (
              <label key={`${one}`} class="chip" title={one ? said.everybodysHint : said.mineHint}>
                <input type="radio" name="whose" checked={isShared === one} onChange={() => setShared(one)} />
                <span>{one ? said.everybodys : said.mine}</span>
              </label>
            ))}
          </fieldset>
        )}
        {tags.map((tag) => (
          <label key={tag} class="field">
            <span lang={tag}>{languageName(tag)}</span>
            <textarea
              rows={3}
              maxLength={5_000}
              lang={tag}
              value={texts[tag] ?? ''}
              onInput={({ currentTarget }) => setTexts((before) => ({ ...before, [tag]: currentTarget.value }))}
            />
            {isOthers(tag) && <small class="hint">{said.savedNow(before.texts[tag] ?? '')}</small>}
          </label>
        ))}
        <p class="hint">{said.variables}</p>
        <DialogButtons submit={said.save} isBusy={isBusy} onCancel={onClose} />
      </form>
    </Dialog>
  )
}

function languageName(tag: string): string {
  const known = LANGUAGES.find((one) => one === tag)
  return known ? dictionary[known].language : tag
}

function Removal({ of, onClose }: { readonly of: CannedReply; readonly onClose: () => void }) {
  const said = inLanguage(words)
  const [isBusy, setBusy] = useState(false)

  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    setBusy(true)
    try {
      const key = of.isShared ? 'POST /replies/shared/:reply/remove' : 'POST /replies/own/:reply/remove'
      await call(key, { params: { reply: of.id } })
      toast(said.removed)
      await loadReplies()
    } catch (error) {
      toastRefusal(error)
    }
    onClose()
  }

  return (
    <Dialog title={said.removeTitle(of.shortcut)} onClose={onClose}>
      <form class="form" onSubmit={submit}>
        <p>{said.removeText}</p>
        <DialogButtons submit={said.remove} isBusy={isBusy} isDangerous onCancel={onClose} />
      </form>
    </Dialog>
  )
}
