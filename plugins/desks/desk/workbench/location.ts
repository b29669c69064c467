/**
 * What the address of the page says behind its `#`, which no server sees: a link by which a password is set
 * (`#link=…`), or the conversation that is open (`#conversation=…`).
 */
import { effect, signal } from '@preact/signals'
import { open, openId } from './chats.ts'

const at = signal(read())

function read(): { readonly link: string | undefined; readonly conversation: string | undefined } {
  const said = new URLSearchParams(location.hash.slice(1))
  return { link: said.get('link') ?? undefined, conversation: said.get('conversation') ?? undefined }
}

export const useLocation = () => at.value

/** The link is used up: it stays in no history. */
export function leaveLink(): void {
  history.replaceState(null, '', location.pathname)
  at.value = read()
}

function write(conversation: string | undefined): void {
  const hash = conversation === undefined ? location.pathname : `#conversation=${encodeURIComponent(conversation)}`
  if (read().conversation !== conversation) history.pushState(null, '', hash)
}

/** Keeps the address and what is open the same, from now on, in both directions. */
export function followLocation(): () => void {
  const follow = () => {
    at.value = read()
    void open(at.value.conversation)
  }
  follow()
  addEventListener('popstate', follow)
  const stop = effect(() => write(openId.value))
  return () => {
    removeEventListener('popstate', follow)
    stop()
  }
}
