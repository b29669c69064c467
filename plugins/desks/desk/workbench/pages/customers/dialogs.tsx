import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Customer, ListedCustomer } from '../../../api/customers-shapes.ts'
import { Dialog, DialogButtons } from '../../dialog.tsx'
import { Icon } from '../../icon.tsx'
import { goTo } from '../../location.ts'
import { call, Refusal } from '../../server.ts'
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
export function Doing(of: {
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

/** A text as a page shows it and a keyboard types it: customers write what they like into their names. */
const asTyped = (text: string) => text.normalize('NFKC').replace(/\s+/g, ' ').replace(/\p{C}/gu, '').trim()

/** Deletes all that is kept. Nobody does it by a slip: the name is typed. */
export function EraseDialog({ customer, onClose }: About) {
  const said = inLanguage(words)
  const [typed, setTyped] = useState('')
  const name = asTyped(customer.name ?? '') || customer.id
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
      isReady={asTyped(typed) === asTyped(name)}
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
