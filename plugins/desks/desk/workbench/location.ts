/**
 * What the address of the page says behind its `#`, which no server sees: a link by which a password is set
 * (`#link=…`), a page with what is asked of it (`#page=customers&tag=VIP`), or the conversation that is open
 * (`#conversation=…`).
 */
import { batch, effect, signal } from '@preact/signals'
import { open, openId } from './chats.ts'

/** What is asked of a page, by names that are the page's own. */
export type Asked = { readonly [name: string]: string | undefined }

interface Place {
  readonly page: string
  readonly asked: Asked
}

const link = signal(read().link)
export const useLink = () => link.value

/** The page that is shown. `undefined`: the conversations. */
export const place = signal<Place | undefined>(read().place)

function read(): {
  readonly link: string | undefined
  readonly place: Place | undefined
  readonly conversation: string | undefined
} {
  const { link, page, conversation, ...asked } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)))
  return { link, place: page === undefined ? undefined : { page, asked }, conversation }
}

/** The link is used up: it stays in no history. */
export function leaveLink(): void {
  history.replaceState(null, '', location.pathname)
  link.value = undefined
}

function addressOf(to: Place | undefined, conversation: string | undefined): string {
  if (!to && conversation === undefined) return location.pathname
  const said = new URLSearchParams(to ? { page: to.page } : { conversation: conversation ?? '' })
  for (const [name, value] of Object.entries(to?.asked ?? {})) if (value !== undefined) said.set(name, value)
  return `#${said}`
}

/** Shows a page. Going back comes to what was shown before. */
export function goTo(page: string, asked: Asked = {}): void {
  place.value = { page, asked }
}

/** The same page with something else asked of it: a filter, say. Going back does not stop at each. */
export function askOfPage(asked: Asked): void {
  if (!place.value) return
  const next = { page: place.value.page, asked }
  history.replaceState(null, '', addressOf(next, undefined))
  place.value = next
}

/** Shows the conversations: with this one open, or with the one that was. */
export function showConversations(conversation = openId.value): void {
  batch(() => {
    place.value = undefined
    void open(conversation)
  })
}

/** Keeps the address and what is shown the same, from now on, in both directions. */
export function followLocation(): () => void {
  const follow = () => {
    const said = read()
    batch(() => {
      link.value = said.link
      place.value = said.place
      // What is open behind a page stays open.
      if (!said.place) void open(said.conversation)
    })
  }
  follow()
  addEventListener('popstate', follow)
  const stop = effect(() => {
    const next = addressOf(place.value, openId.value)
    const said = read()
    if (next !== addressOf(said.place, said.conversation)) history.pushState(null, '', next)
  })
  return () => {
    removeEventListener('popstate', follow)
    stop()
  }
}
