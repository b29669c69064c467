import { useLayoutEffect, useRef } from 'preact/hooks'
import type { CannedReply } from '../replies/shapes.ts'
import { words } from './words/words.ts'

/** What a `/` has found, above the field. The keys are the field's, which keeps the focus. */
export function CannedList(of: {
  readonly id: string
  readonly found: readonly CannedReply[]
  readonly textOf: (reply: CannedReply) => string
  /** Which one Enter takes. */
  readonly at: number
  readonly onChoose: (reply: CannedReply) => void
}) {
  const { composer } = words.value
  const list = useRef<HTMLDivElement>(null)
  useLayoutEffect(
    () => list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' }),
    [of.at],
  )
  return (
    <div class="canned" ref={list} id={of.id} role="listbox" tabIndex={-1} aria-label={composer.canned}>
      {of.found.map((reply, index) => (
        <button
          type="button"
          key={reply.id}
          id={optionId(of.id, index)}
          role="option"
          tabIndex={-1}
          aria-selected={index === of.at}
          // The focus stays in the field.
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => of.onChoose(reply)}
        >
          <strong>/{reply.shortcut}</strong>
          <span class="canned-text">{of.textOf(reply)}</span>
          {!reply.isShared && <small>{composer.cannedOwn}</small>}
        </button>
      ))}
    </div>
  )
}

export const optionId = (list: string, index: number): string => `${list}-${index}`
