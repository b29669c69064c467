/** One message in the log: the same element from the moment it is written until it is old. */
import type { Item } from '../protocol.ts'
import { avatarOf, nameOf } from './avatar.ts'
import type { Outgoing } from './chat.ts'
import { makeChoices } from './choices.ts'
import type { Context } from './context.ts'
import { make, say } from './dom.ts'
import { makeOutgoing } from './outgoing.ts'
import { textElement } from './text.ts'
import { daysBetween, fullTimeText, whenText } from './times.ts'

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
  /** Of choices: see there. */
  readonly settle: ((isAnswered: boolean, picked: string | undefined) => void) | undefined
}

export function makeRow(entry: Item | Outgoing, context: Context): Row {
  const { words, language } = context
  const separator = make('div', 'separator')
  const content = make('div', 'content')
  const element = make('div', 'row', separator)
  const isMine = !('by' in entry) || entry.by === 'visitor'
  let author = isMine ? 'visitor' : 'system'
  let atMs = 'by' in entry ? entry.atMs : Date.now()
  let seq = 'by' in entry ? entry.seq : undefined
  let settle: Row['settle']
  let followed = ''
  const outgoing = 'by' in entry ? undefined : makeOutgoing(entry, context)

  if ('by' in entry && entry.by === 'system') {
    element.classList.add('system')
    element.append(make('p', '', words.system[entry.code]))
  } else if (isMine) {
    element.classList.add('mine')
    content.append(make('div', 'author', words.you))
    element.append(make('div', 'line', content))
  } else if ('by' in entry && entry.by === 'us') {
    const { face } = entry
    const name = make('div', 'author', nameOf(face, context))
    author = `us ${name.textContent}`
    if (face?.line2) name.append(make('span', 'line2', context.text(face.line2)))
    content.append(name)
    element.classList.add('ours')
    element.append(make('div', 'line', avatarOf(face, context), content))
  }
  if (outgoing) content.append(outgoing.element, outgoing.state)
  else if ('by' in entry) showPart(entry)

  function showPart(item: Item): void {
    if (item.by === 'system') return
    const { part } = item
    content.title = fullTimeText(atMs, language)
    if (part.type === 'text') content.append(textElement(part.text, context))
    else if (part.type === 'choices') {
      const choices = makeChoices(part, context)
      settle = choices.settle
      content.append(choices.element)
    } else content.append(context.later(part.type, ({ partElement }) => partElement(part, context)))
  }

  return {
    element,
    author,
    settle,
    get atMs() {
      return atMs
    },
    get seq() {
      return seq
    },
    update(now) {
      if (!('by' in now)) return outgoing?.update(now)
      if (seq !== undefined) return
      seq = now.seq
      atMs = now.atMs
      outgoing?.state.remove()
      // A text stays as it is, so that nothing is read twice; of a file there is more to show now.
      if (now.by === 'visitor' && now.part.type === 'text') return
      outgoing?.element.remove()
      showPart(now)
    },
    follow(previous, isFirstUnread) {
      const now = `${previous?.atMs} ${previous?.author} ${atMs} ${isFirstUnread}`
      if (now === followed) return
      followed = now
      const isLater = !previous || atMs - previous.atMs > NEW_TIME_AFTER_MS || daysBetween(previous.atMs, atMs) !== 0
      const isHead = isLater || isFirstUnread || previous.author !== author || atMs - previous.atMs > NEW_GROUP_AFTER_MS
      element.classList.toggle('head', isHead)
      separator.classList.toggle('unread', isFirstUnread)
      say(separator, isFirstUnread ? words.newMessages : isLater ? whenText(atMs, Date.now(), language) : '')
    },
  }
}
