import { Icon } from './icon.tsx'
import { dismiss, toasts } from './toasts.ts'
import { words } from './words/words.ts'

/** Both places are there from the beginning, so that screen readers notice what comes into them. */
export function Toasts() {
  return (
    <section class="toasts" aria-label={words.value.toast.label}>
      <div role="status">{only(false)}</div>
      <div role="alert">{only(true)}</div>
    </section>
  )
}

function only(areErrors: boolean) {
  return toasts.value
    .filter(({ isError }) => isError === areErrors)
    .map(({ id, text, isError }) => (
      <p key={id} class={`toast ${isError ? 'error' : ''}`}>
        <Icon name={isError ? 'alert' : 'check'} />
        <span>{text}</span>
        <button type="button" class="tool" aria-label={words.value.toast.dismiss} onClick={() => dismiss(id)}>
          <Icon name="close" />
        </button>
      </p>
    ))
}
