import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Customer, History as HistoryPage } from '../../../api/customers-shapes.ts'
import type { Entry, Stretch } from '../../../api/shapes.ts'
import { linesOf } from '../../chat-log.ts'
import { titleOf } from '../../desk.ts'
import { Icon } from '../../icon.tsx'
import { askOfPage } from '../../location.ts'
import { LineView } from '../../log.tsx'
import { ratingText } from '../../rating.tsx'
import { call } from '../../server.ts'
import { endTime, fullTime, isSameDay } from '../../times.ts'
import { toastRefusal } from '../../toasts.ts'
import { inLanguage, reasonOf, words as shared } from '../../words/words.ts'
import { words } from './words.ts'

interface Read {
  readonly entries: readonly Entry[]
  readonly stretches: ReadonlyMap<string, Stretch>
  readonly before: string | undefined
  readonly after: string | undefined
}

const withMore = (old: Read | undefined, page: HistoryPage, direction: 'before' | 'after' | undefined): Read => ({
  entries:
    direction === 'before' ? [...page.entries, ...(old?.entries ?? [])] : [...(old?.entries ?? []), ...page.entries],
  stretches: new Map([...(old?.stretches ?? []), ...page.conversations.map((one) => [one.id, one] as const)]),
  before: direction === 'after' ? old?.before : page.before,
  after: direction === 'before' ? old?.after : page.after,
})

/** What begins so near to the top is what is being read. */
const HERE_PX = 80

/** The conversations, and what was said in all of them, one after the other. `conversation`: the one to begin with. */
export function History(of: { readonly customer: Customer; readonly conversation: string | undefined }) {
  const { customer, conversation } = of
  const said = inLanguage(words)
  const box = useRef<HTMLElement>(null)
  const [read, setRead] = useState<Read | undefined>()
  const [hasFailed, setFailed] = useState(false)
  const [isBusy, setBusy] = useState(false)
  /** After the next page: where to go in it. */
  const goal = useRef<'next' | 'end' | { readonly fromEnd: number } | undefined>(undefined)

  async function load(direction?: 'before' | 'after'): Promise<void> {
    const cursor = direction && read?.[direction]
    setBusy(true)
    try {
      const page = await call('GET /customers/:customer/history', {
        params: { customer: customer.id },
        query: cursor !== undefined ? { [direction ?? '']: cursor } : { conversation },
      })
      setRead(withMore(direction && read, page, direction))
      setFailed(false)
    } catch (error) {
      if (read) toastRefusal(error)
      else setFailed(true)
    } finally {
      setBusy(false)
    }
  }
  useEffect(() => {
    setRead(undefined)
    goal.current = conversation === undefined ? 'end' : undefined
    void load()
  }, [conversation])
  useLayoutEffect(() => {
    const element = box.current
    const to = goal.current
    goal.current = undefined
    if (!element || to === undefined) return
    if (to === 'end') element.scrollTop = element.scrollHeight
    else if (to === 'next') goOn()
    // What was before the eyes stays where it was.
    else element.scrollTop = element.scrollHeight - to.fromEnd
  }, [read])

  function loadBefore(): void {
    const element = box.current
    goal.current = element ? { fromEnd: element.scrollHeight - element.scrollTop } : undefined
    void load('before')
  }

  /** Goes to where the next conversation begins; when it is not here yet, it is loaded. */
  function goOn(): void {
    const element = box.current
    if (!element) return
    const top = element.getBoundingClientRect().top
    const starts = [...element.querySelectorAll<HTMLElement>('[data-start]')]
    const next = starts.find((one) => one.getBoundingClientRect().top > top + HERE_PX)
    if (next) {
      next.scrollIntoView({ block: 'start' })
      next.focus({ preventScroll: true })
    } else if (read?.after !== undefined) {
      goal.current = 'next'
      void load('after')
    } else element.scrollTop = element.scrollHeight
  }

  const lines = read
    ? linesOf(read.entries, read.stretches, read.before !== undefined, isSameDay, read.after !== undefined)
    : []
  return (
    <div class="reading">
      <Conversations customer={customer} current={conversation} />
      <div class="reading-pane">
        <div class="reading-bar">
          <button type="button" class="button small" disabled={!read || isBusy} onClick={goOn}>
            {said.nextConversation} <Icon name="down" />
          </button>
        </div>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: whoever has no mouse scrolls it by the arrows */}
        <section class="reading-log" ref={box} tabIndex={0} aria-label={said.messages} aria-busy={isBusy}>
          {read ? (
            <div class="log-inside">
              {read.before === undefined ? (
                <p class="log-top">{shared.value.pane.start}</p>
              ) : (
                <p class="log-top">
                  <button type="button" class="button small" disabled={isBusy} onClick={loadBefore}>
                    <Icon name="up" /> {said.moreBefore}
                  </button>
                </p>
              )}
              {lines.map((line) => (
                <div
                  key={line.key}
                  {...(line.type === 'start' && { 'data-start': line.of.id, tabIndex: -1, class: 'reading-start' })}
                >
                  <LineView line={line} name={customer.name} readSeq={0} />
                </div>
              ))}
              {read.after === undefined ? (
                <p class="log-top">{read.entries.length > 0 ? said.allRead : said.nothingSaid}</p>
              ) : (
                <p class="log-top">
                  <button type="button" class="button small" disabled={isBusy} onClick={() => void load('after')}>
                    <Icon name="down" /> {said.moreAfter}
                  </button>
                </p>
              )}
            </div>
          ) : (
            <div class="page-empty" role="status">
              <p>{hasFailed ? said.failedHistory : said.loading}</p>
              {hasFailed && (
                <button type="button" class="button" onClick={() => void load()}>
                  {said.again}
                </button>
              )}
            </div>
          )}
        </section>
      </div>
    </div>
  )
}

/** Each with its beginning and its end; one is opened to be read from there on. */
function Conversations({ customer, current }: { readonly customer: Customer; readonly current: string | undefined }) {
  const said = inLanguage(words)
  const { states } = shared.value
  if (customer.conversations.length === 0) return null
  return (
    <ol class="history" aria-label={said.tabs.history}>
      {customer.conversations.map((one) => {
        const who = one.person === undefined ? one.bot : titleOf(one.person)
        const end = one.closedAtMs
        const until = end === undefined ? states[one.state] : endTime(one.openedAtMs, end)
        const reason = one.closeReason && reasonOf(one.closeReason)
        const details = [one.channel, who, reason, one.rating && ratingText(one.rating)]
        return (
          <li key={one.id}>
            <button
              type="button"
              class="past"
              aria-current={one.id === current ? 'true' : undefined}
              onClick={() => askOfPage({ customer: customer.id, tab: 'history', conversation: one.id })}
            >
              <span class="past-line">
                <span>
                  <time>{fullTime(one.openedAtMs)}</time> – <time>{until}</time>
                </span>
              </span>
              <small>{details.filter((detail) => detail !== undefined).join(' · ')}</small>
            </button>
          </li>
        )
      })}
    </ol>
  )
}
