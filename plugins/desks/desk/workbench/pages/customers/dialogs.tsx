import { useEffect, useState } from 'preact/hooks'
import type { Customer, ListedCustomer } from '../../../api/customers-shapes.ts'
import { Doing } from '../../dialog.tsx'
import { Icon } from '../../icon.tsx'
import { goTo } from '../../location.ts'
import { call } from '../../server.ts'
import { toast } from '../../toasts.ts'
import { inLanguage, words as shared } from '../../words/words.ts'
import { forgetFound, left } from './found.ts'
import { words } from './words.ts'

interface About {
  readonly customer: Customer
  readonly onClose: () => void
  readonly onChange: () => Promise<void>
}

const nameOf = ({ name }: { readonly name?: string | undefined }) => name ?? shared.value.row.noName

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
