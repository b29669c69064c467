/** One message in the log: the same element from the moment it is written until it is old. */
import type { Item, ShownPart } from '../protocol.ts'
import { safeFileUrl } from './addresses.ts'
import { avatarOf, nameOf } from './avatar.ts'
import type { Outgoing } from './chat.ts'
import type { Choices } from './choices.ts'
import type { Context } from './context.ts'
import { hush, link, make, say } from './dom.ts'
import type { OutgoingState } from './outgoing.ts'
import { textElement } from './text.ts'

const NEW_GROUP_AFTER_MS = 5 * 60_000
const NEW_TIME_AFTER_MS = 10 * 60_000

export interface Row {
  readonly element: HTMLElement
  /** Who speaks, to tell where another begins. */
  readonly author: string
  /** Of what the log has; else the time when the row was made. */
  readonly atMs: number
  /** Its number, as soon as the log has it. */
  readonly seq: number | undefined
  /** Brings it to where it is by now: on its way, not sent, or in the log. */
  update(entry: Item | Outgoing): void
  /** Says what depends on the row before it: the time, the name, where the unread ones begin. */
  follow(previous: Row | undefined, isFirstUnread: boolean): void
  /** The ids of the choices that it offers; `undefined` where it asks nothing. */
  readonly offers: readonly (string | undefined)[] | undefined
  /** Of choices: see there. */
  settle: Choices['settle']
}

export function makeRow(entry: Item | Outgoing, context: Context): Row {
  const { words, language } = context
  const separator = make('div', 'separator')
  const content = make('div', 'content')
  const element = make('div', 'row', separator)
  const isMine = !('by' in entry) || entry.by === 'visitor'
  let author = isMine ? 'visitor' : 'system'
  let atMs = Date.now()
  let seq: number | undefined
  let latest = entry
  let body: HTMLElement | undefined
  let state: OutgoingState | undefined
  let choices: Choices | undefined
  let answer: Parameters<Choices['settle']> = [false, undefined]
  let followed = ''

  if (isMine) {
    element.classList.add('mine')
    content.append(make('div', 'author', words.you))
    element.append(make('div', 'line', content))
  } else if (entry.by === 'us') {
    const { face } = entry
    const name = make('div', 'author', nameOf(face, context))
    author = `us ${name.textContent}`
    if (face?.line2) name.append(make('span', 'line2', context.text(face.line2)))
    content.append(name)
    element.classList.add('ours')
    element.append(make('div', 'line', avatarOf(face, context), content))
  } else {
    element.classList.add('system')
    const { code } = entry
    // That somebody is being found is said by the header.
    if (code !== 'queued')
      context.use('more', ({ moreWords }) => element.append(moreWords[language].system[code] ?? ''))
  }
  if ('by' in entry) arrive(entry)
  else {
    const { text, file } = entry
    const sent = file ? make('div') : textElement(text, context)
    body = sent
    content.append(sent)
    if (file) context.use('files', ({ preview }) => sent.append(preview(file)))
    context.use('more', ({ makeState }) => {
      if ('by' in latest) return
      state = makeState(latest, context)
      content.append(state.element)
    })
  }

  /** The log has it. */
  function arrive(item: Item): void {
    ;({ seq, atMs } = item)
    if (!('part' in item)) return
    const { part } = item
    context.use('more', ({ fullTimeText }) => {
      content.title = fullTimeText(item.atMs, language)
    })
    if (part.type === 'text') {
      // What was shown on its way stays as it is, so that nothing is read twice.
      if (!body) content.append(textElement(part.text, context))
      return
    }
    // Of a file there is more to show now.
    if (body) {
      hush(body)
      body.remove()
    }
    const meanwhile = plain(part, context.base)
    const shown =
      part.type === 'choices'
        ? context.later(meanwhile, 'more', ({ makeChoices }) => {
            choices = makeChoices(part, context)
            choices.settle(...answer)
            return choices.element
          })
        : context.later(meanwhile, 'files', ({ partElement }) => partElement(part, context))
    content.append(shown)
  }

  return {
    element,
    author,
    offers: 'part' in entry && entry.part.type === 'choices' ? entry.part.choices.map(({ id }) => id) : undefined,
    get atMs() {
      return atMs
    },
    get seq() {
      return seq
    },
    settle(...now) {
      answer = now
      choices?.settle(...now)
    },
    update(now) {
      latest = now
      if (!('by' in now)) state?.update(now)
      else if (seq === undefined) {
        state?.element.remove()
        arrive(now)
      }
    },
    follow(previous, isFirstUnread) {
      const now = `${previous?.atMs} ${previous?.author} ${atMs} ${isFirstUnread}`
      if (now === followed) return
      followed = now
      const sinceMs = atMs - (previous?.atMs ?? 0)
      const isLater = sinceMs > NEW_TIME_AFTER_MS || dayOf(atMs) !== dayOf(atMs - sinceMs)
      const isHead = isLater || isFirstUnread || previous?.author !== author || sinceMs > NEW_GROUP_AFTER_MS
      element.classList.toggle('head', isHead)
      separator.classList.toggle('unread', isFirstUnread)
      say(separator, isFirstUnread ? words.newMessages : '')
      if (!isLater || isFirstUnread) return
      context.use('more', ({ whenText }) => {
        if (now === followed) say(separator, whenText(atMs, Date.now(), language))
      })
    },
  }
}

/** What a part is without the file that shows it: choices by their labels, all else as a link by its name. */
function plain(part: Exclude<ShownPart, { type: 'text' }>, base: string): HTMLElement {
  let content: HTMLElement | string
  if (part.type === 'choices') content = [part.prompt, ...part.choices.map(({ label }) => label)].join('\n')
  else {
    content = (part.type === 'link' ? part.title : part.name) || part.url
    const href = safeFileUrl(part.url, base)
    if (href) content = link(href, '', content)
  }
  return make('div', 'bubble text', content)
}

const dayOf = (atMs: number): string => new Date(atMs).toDateString()
