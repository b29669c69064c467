import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { Icon } from './icon.tsx'
import { Refusal } from './server.ts'
import { refusalText, words } from './words/words.ts'

/**
 * A dialog over the page: the browser keeps the focus in it, and whoever had it before has it again afterwards.
 * `onClose`: left out, it cannot be left.
 */
export function Dialog(of: {
  readonly title: string
  readonly class?: string
  readonly onClose?: (() => void) | undefined
  readonly children: ComponentChildren
}) {
  const { title, onClose, children } = of
  const element = useRef<HTMLDialogElement>(null)
  const heading = useId()
  useEffect(() => {
    const opener = document.activeElement
    element.current?.showModal()
    // The browser gives it back only by `close`, and the dialog has left the page by then.
    return () => {
      if (opener instanceof HTMLElement) opener.focus()
    }
  }, [])
  return (
    <dialog
      ref={element}
      class={`dialog ${of.class ?? ''}`}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault()
        onClose?.()
      }}
      onMouseDown={(event) => {
        // What is written in a form, or shown only once, is lost by no slip of the hand.
        if (event.target === element.current && !element.current?.querySelector('.form')) onClose?.()
      }}
    >
      <div class="dialog-inside">
        <h2 id={heading}>{title}</h2>
        {children}
        {/* Behind all else, so that the focus comes to what the dialog is for. */}
        {onClose && (
          <button type="button" class="tool dialog-close" aria-label={words.value.dialog.close} onClick={onClose}>
            <Icon name="close" />
          </button>
        )}
      </div>
    </dialog>
  )
}

/** A dialog that does one thing, or says why it was not done. `run` rejects with a `Refusal`. */
export function Doing(of: {
  readonly title: string
  readonly submit: string
  readonly isDangerous?: boolean
  /** `false`: something is missing yet. */
  readonly isReady?: boolean
  /** In other words than those of the refusal, where something better can be said. */
  readonly why?: (refusal: Refusal) => string | undefined
  readonly run: () => Promise<void>
  readonly onClose: () => void
  readonly children: ComponentChildren
}) {
  const [isBusy, setBusy] = useState(false)
  const [refusal, setRefusal] = useState<Refusal | undefined>()
  const canRun = !isBusy && of.isReady !== false

  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    // By its keys it comes here past the button.
    if (!canRun) return
    setBusy(true)
    setRefusal(undefined)
    try {
      await of.run()
      of.onClose()
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      // Whoever is signed out is asked to sign in, by another dialog.
      if (error.status !== 401) setRefusal(error)
      setBusy(false)
    }
  }

  return (
    <Dialog title={of.title} onClose={of.onClose}>
      <form
        class="form"
        onSubmit={(event) => void submit(event)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) event.currentTarget.requestSubmit()
        }}
      >
        {of.children}
        <div role="alert" class="problem">
          {refusal && <p>{of.why?.(refusal) ?? refusalText(refusal)}</p>}
        </div>
        <DialogButtons
          submit={of.submit}
          isBusy={!canRun}
          isDangerous={of.isDangerous ?? false}
          onCancel={of.onClose}
        />
      </form>
    </Dialog>
  )
}

/** The buttons at the foot of a dialog that does something. */
export function DialogButtons(of: {
  readonly submit: string
  readonly onCancel: () => void
  readonly isBusy?: boolean
  readonly isDangerous?: boolean
}) {
  return (
    <footer class="dialog-buttons">
      <button type="button" class="button" onClick={of.onCancel}>
        {words.value.dialog.cancel}
      </button>
      <button type="submit" class={`button primary ${of.isDangerous ? 'danger' : ''}`} disabled={of.isBusy === true}>
        {of.submit}
      </button>
    </footer>
  )
}
