import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Customer, ListedCustomer } from '../../../api/customers-shapes.ts'
import { Dialog, DialogButtons } from '../../dialog.tsx'
import { Icon } from '../../icon.tsx'
import { newId } from '../../ids.ts'
import { goTo, showConversations } from '../../location.ts'
import { call, Refusal } from '../../server.ts'
import { fullTime } from '../../times.ts'
import { toast } from '../../toasts.ts'
import { inLanguage, refusalText, words as shared } from '../../words/words.ts'
import { forgetFound, left } from './found.ts'
import { words } from './words.ts'

interface About {
  readonly customer: Customer
  readonly onClose: () => void
  readonly onChange: () => Promise<void>
}

const nameOf = ({ name }: { readonly name?: string | undefined }) => name ?? shared.value.row.noName

/** A dialog that does one thing, or says why it was not done. */
function Doing(of: {
  readonly title: string
  readonly submit: string
  readonly isDangerous?: boolean
  readonly isReady: boolean
  readonly why?: (refusal: Refusal) => string | undefined
  readonly run: () => Promise<void>
  readonly onClose: () => void
  readonly children: ComponentChildren
}) {
  const [isBusy, setBusy] = useState(false)
  const [refusal, setRefusal] = useState<Refusal | undefined>()
  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    setBusy(true)
    try {
      await of.run()
      of.onClose()
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      setRefusal(error)
      setBusy(false)
    }
  }
  return (
    <Dialog title={of.title} onClose={of.onClose}>
      <form class="form" onSubmit={(event) => void submit(event)}>
        {of.children}
        <div role="alert" class="problem">
          {refusal && <p>{of.why?.(refusal) ?? refusalText(refusal)}</p>}
        </div>
        <DialogButtons
          submit={of.submit}
          isBusy={isBusy || !of.isReady}
          isDangerous={of.isDangerous ?? false}
          onCancel={of.onClose}
        />
      </form>
    </Dialog>
  )
}

/** Opens a conversation by a first message, where the platform still takes one. */
export function CallBackDialog({ customer, onClose }: About) {
  const said = inLanguage(words)
  const [id] = useState(newId)
  const [chat, setChat] = useState(customer.chats[0]?.chat ?? '')
  const [text, setText] = useState('')
  const why = ({ code, params }: Refusal) =>
    code === 'WINDOW_CLOSED' && typeof params.endedAtMs === 'number'
      ? said.windowOver(fullTime(params.endedAtMs))
      : undefined
  async function run(): Promise<void> {
    const { conversation } = await call('POST /customers/:customer/call-back', {
      params: { customer: customer.id },
      body: { id, chat, text: text.trim() },
    })
    showConversations(conversation)
  }
  return (
    <Doing
      title={said.callBackTitle(nameOf(customer))}
      submit={said.callBack}
      isReady={text.trim() !== ''}
      why={why}
      run={run}
      onClose={onClose}
    >
      <p>{said.callBackText}</p>
      {customer.chats.length > 1 && (
        <label class="field">
          <span>{said.channel}</span>
          <select value={chat} onChange={({ currentTarget }) => setChat(currentTarget.value)}>
            {customer.chats.map((one) => (
              <option key={one.chat} value={one.chat}>
                {one.channel} · {one.externalId}
              </option>
            ))}
          </select>
        </label>
      )}
      <label class="field">
        <span>{said.firstMessage}</span>
        <textarea
          rows={4}
          maxLength={10_000}
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </label>
    </Doing>
  )
}

const SEARCH_AFTER_MS = 250

/** Says that two customers are one. What will happen is said before. */
export function MergeDialog({ customer, onClose }: About) {
  const said = inLanguage(words)
  const [search, setSearch] = useState('')
  const [others, setOthers] = useState<readonly ListedCustomer[]>([])
  const [into, setInto] = useState<ListedCustomer | undefined>()
  useEffect(() => {
    const wanted = search.trim()
    if (wanted === '') return setOthers([])
    const timer = setTimeout(() => {
      call('GET /customers', { query: { search: wanted, limit: 8 } }).then(
        ({ customers }) => setOthers(customers.filter(({ id }) => id !== customer.id)),
        () => setOthers([]),
      )
    }, SEARCH_AFTER_MS)
    return () => clearTimeout(timer)
  }, [search])
  async function run(): Promise<void> {
    if (!into) return
    await call('POST /customers/:customer/merge', { params: { customer: customer.id }, body: { into: into.id } })
    forgetFound()
    toast(said.merged(nameOf(into)))
    goTo('customers', { customer: into.id })
  }
  return (
    <Doing
      title={said.mergeTitle(nameOf(customer))}
      submit={said.merge}
      isDangerous
      isReady={into !== undefined}
      run={run}
      onClose={onClose}
    >
      <label class="search">
        <span class="unseen">{said.search}</span>
        <Icon name="search" />
        <input
          type="search"
          placeholder={said.search}
          value={search}
          onInput={({ currentTarget }) => setSearch(currentTarget.value)}
        />
      </label>
      <fieldset class="others">
        <legend class="unseen">{said.mergeInto}</legend>
        {others.map((one) => (
          <label key={one.id}>
            <input type="radio" name="into" checked={one.id === into?.id} onChange={() => setInto(one)} />
            <span class="grow">
              {nameOf(one)}
              <small>{one.chats.map(({ channel, externalId }) => `${channel} ${externalId}`).join(' · ')}</small>
            </span>
          </label>
        ))}
        {search.trim() !== '' && others.length === 0 && <p class="hint">{said.none}</p>}
      </fieldset>
      <p>{into ? said.mergeText(nameOf(customer), nameOf(into)) : said.mergeInto}</p>
    </Doing>
  )
}

/** Deletes all that is kept. Nobody does it by a slip: the name is typed. */
export function EraseDialog({ customer, onClose }: About) {
  const said = inLanguage(words)
  const [typed, setTyped] = useState('')
  const name = customer.name?.trim() || customer.id
  async function run(): Promise<void> {
    await call('POST /customers/:customer/erase', { params: { customer: customer.id } })
    forgetFound()
    toast(said.erased)
    goTo('customers', left.asked)
  }
  return (
    <Doing
      title={said.eraseTitle(nameOf(customer))}
      submit={said.erase}
      isDangerous
      isReady={typed.trim() === name}
      run={run}
      onClose={onClose}
    >
      <p>{said.eraseText}</p>
      <label class="field">
        <span>{said.eraseType(name)}</span>
        <input autocomplete="off" value={typed} onInput={({ currentTarget }) => setTyped(currentTarget.value)} />
      </label>
    </Doing>
  )
}
