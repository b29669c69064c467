import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { Icon } from './icon.tsx'
import { words } from './words/words.ts'

/** A dialog over the page: the browser keeps the focus in it, and gives it back. `onClose`: left out, it cannot be left. */
export function Dialog(of: {
  readonly title: string
  readonly class?: string
  readonly onClose?: (() => void) | undefined
  readonly children: ComponentChildren
}) {
  const { title, onClose, children } = of
  const element = useRef<HTMLDialogElement>(null)
  const heading = useId()
  useEffect(() => element.current?.showModal(), [])
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
        if (event.target === element.current) onClose?.()
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
