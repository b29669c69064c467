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
  /** What it asks with choices, as soon as they are shown as such. */
  readonly choices: Choices | undefined
  /** The choice that it is itself. */
  readonly choice: string | undefined
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
  } else if (entry.code !== 'queued') {
    // That somebody is being found is said by the header, as long as it is so.
    const { code } = entry
    const what = make('span')
    element.classList.add('system')
    context.use('more', ({ moreWords }) => {
      hush(what)
      say(what, moreWords[language].system[code])
    })
    element.append(what)
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
    let shown: HTMLElement = make('div', 'bubble text', plain(part, context.base))
    context.use('files', ({ makeChoices, partElement }) => {
      const meanwhile = shown
      if (part.type === 'choices') {
        choices = makeChoices(part, context)
        shown = choices.element
      } else shown = partElement(part, context)
      hush(meanwhile)
      meanwhile.replaceWith(shown)
      context.onGrown()
    })
    content.append(shown)
  }

  return {
    element,
    author,
    get atMs() {
      return atMs
    },
    get seq() {
      return seq
    },
    get choices() {
      return choices
    },
    choice: 'choice' in entry ? entry.choice : undefined,
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
      const beforeMs = previous?.atMs ?? 0
      const isHead = isFirstUnread || previous?.author !== author || atMs - beforeMs > NEW_GROUP_AFTER_MS
      element.classList.toggle('head', isHead)
      separator.classList.toggle('unread', isFirstUnread)
      say(separator, isFirstUnread ? words.newMessages : '')
      context.use('more', ({ timeBetween }) => {
        const when = timeBetween(beforeMs, atMs, Date.now(), language)
        if (!when || isFirstUnread || now !== followed) return
        say(separator, when)
        element.classList.add('head')
      })
    },
  }
}

/** What a part is without the file that shows it: choices by their labels, all else as a link by its name. */
function plain(part: Exclude<ShownPart, { type: 'text' }>, base: string): Node | string {
  if (part.type === 'choices') return [part.prompt, ...part.choices.map(({ label }) => label)].join('\n')
  const name = (part.type === 'link' ? part.title : part.name) || part.url
  const href = safeFileUrl(part.url, base)
  return href ? link(href, '', name) : name
}
