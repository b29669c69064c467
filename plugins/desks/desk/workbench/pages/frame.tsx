import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { Icon } from '../icon.tsx'
import { heading } from '../title.ts'
import './pages.css'

/** What every page has: its heading, to which the focus comes and which the tab of the browser says, and its buttons. */
export function Frame(of: {
  readonly title: string
  /** Where its parts are shown: to what it is a part of. */
  readonly back?: { readonly label: string; readonly onBack: () => void }
  readonly actions?: ComponentChildren
  readonly children: ComponentChildren
}) {
  const { title, back, actions, children } = of
  const id = useId()
  const element = useRef<HTMLHeadingElement>(null)
  useEffect(() => element.current?.focus(), [])
  useEffect(() => {
    heading.value = title
    return () => {
      heading.value = undefined
    }
  }, [title])
  return (
    <main class="page" aria-labelledby={id}>
      <header class="page-head">
        {back && (
          <button type="button" class="tool" aria-label={back.label} title={back.label} onClick={back.onBack}>
            <Icon name="back" />
          </button>
        )}
        <h1 id={id} ref={element} tabIndex={-1}>
          {title}
        </h1>
        <div class="page-actions">{actions}</div>
      </header>
      <div class="page-inside">{children}</div>
    </main>
  )
}
