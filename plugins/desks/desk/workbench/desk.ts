/** Who works here, what is the matter at the desk, and the line that keeps it true. */
import { computed, signal } from '@preact/signals'
import type { Counts, Frame, Me, Now, Person } from '../api/shapes.ts'
import { applyLive, applyRows, refreshOpenChat } from './chats.ts'
import { applyToList, listAgain } from './lists.ts'
import { forgetConnection, meetConnection } from './looking.ts'
import { flushOutbox } from './outbox.ts'
import { call, whenSignedOut } from './server.ts'
import { me, session } from './session.ts'
import { openStream, type Stream } from './stream.ts'
import { toastRefusal } from './toasts.ts'
import { textIn, wordOf, words } from './words/words.ts'

export const now = signal<Now>({
  people: [],
  teams: [],
  statuses: [],
  channels: [],
  summary: [],
  timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  customers: { isForAgents: false, fields: [], hasBlacklist: false },
})
export const counts = signal<Counts | undefined>(undefined)

/** Whoever is signed in here, as the desk knows them. */
export const myself = computed<Person | undefined>(() => now.value.people.find(({ name }) => name === me.value?.name))

/** What colleagues see of a person, team or status. */
export const titleOf = (person: string): string => now.value.people.find(({ name }) => name === person)?.title ?? person
export function statusTitle(status: string): string {
  const found = now.value.statuses.find(({ name }) => name === status)
  return found ? textIn(found.title) : status
}
/** What colleagues call a field of a customer. */
export function fieldTitle(field: string): string {
  const own = now.value.customers.fields.find(({ name }) => name === field)
  return own ? textIn(own.title) : (wordOf(words.value.customer.fields, field) ?? field)
}
export const titlesOf = (people: readonly string[]): string => people.map(titleOf).join(', ')

export async function setStatus(status: string): Promise<void> {
  try {
    await call('POST /status', { body: { status } })
  } catch (error) {
    toastRefusal(error)
  }
}

let stream: Stream | undefined
const listeners = new Set<(frame: Frame) => void>()

/** Called with all that the line tells, once it is known here. The returned function ends it. */
export function onFrame(listener: (frame: Frame) => void): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

/** Somebody is signed in: opens the line. */
export function begin(who: Me): void {
  me.value = who
  session.value = 'open'
  stream?.close()
  stream = openStream((frame) => {
    apply(frame)
    for (const listener of listeners) listener(frame)
  }, askWhetherSignedIn)
}

/** Nobody is signed in here any more; what stands on the page stays, and a dialog asks to sign in again. */
function expire(): void {
  stream?.close()
  stream = undefined
  forgetConnection()
  session.value = me.value ? 'expired' : 'none'
}
whenSignedOut(expire)

/** Whoever is signed in no more is told by the answer. */
function askWhetherSignedIn(): void {
  call('GET /me').catch(() => undefined)
}

function apply(frame: Frame): void {
  switch (frame.type) {
    case 'hello':
      // Somebody else has signed in in this browser: nothing that stands here is theirs.
      if (me.value && me.value.name !== frame.me.name) {
        expire()
        location.reload()
        return
      }
      me.value = frame.me
      meetConnection(frame.connection)
      void again()
      return
    case 'rows':
      applyToList(frame.rows, frame.gone)
      applyRows(frame.rows, frame.gone)
      return
    case 'counts':
      counts.value = frame.counts
      told.add('counts')
      return
    case 'people':
      now.value = { ...now.value, people: frame.people, teams: frame.teams }
      told.add('people')
      return
    case 'live':
      applyLive(frame.chat, frame.what)
      return
    case 'signed-out':
      expire()
      return
    case 'beat':
      return
  }
}

/** What the line has told since it was last asked for everything: it is newer than the answer that is on its way. */
const told = new Set<'counts' | 'people'>()

/** After each connection: the line tells only what changes from now on. */
async function again(): Promise<void> {
  told.clear()
  void flushOutbox()
  try {
    const [nextNow, nextCounts] = await Promise.all([
      call('GET /now'),
      call('GET /counts'),
      listAgain(),
      refreshOpenChat(),
    ])
    const { people, teams } = told.has('people') ? now.value : nextNow
    now.value = { ...nextNow, people, teams }
    if (!told.has('counts')) counts.value = nextCounts
  } catch (error) {
    toastRefusal(error)
  }
}
