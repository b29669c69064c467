import { useEffect, useState } from 'preact/hooks'
import type { Customer } from '../../../api/customers-shapes.ts'
import { Avatar } from '../../avatar.tsx'
import { Blacklist, Fact, languageName } from '../../customer.tsx'
import { fieldTitle, now } from '../../desk.ts'
import { Icon } from '../../icon.tsx'
import { type Asked, askOfPage, goTo, showConversations } from '../../location.ts'
import { call, Refusal } from '../../server.ts'
import { me } from '../../session.ts'
import { fullTime } from '../../times.ts'
import { inLanguage, refusalText, words as shared } from '../../words/words.ts'
import { Frame } from '../frame.tsx'
import CallBackDialog from './call-back.tsx'
import { EraseDialog, MergeDialog } from './dialogs.tsx'
import { forgetFound, left } from './found.ts'
import { History } from './history.tsx'
import { Profile, Tags, VISIT } from './profile.tsx'
import { words } from './words.ts'

const TABS = ['profile', 'history', 'visit'] as const
const panelOf = (tab: (typeof TABS)[number]) => `panel-${tab}`
const DIALOGS = { callBack: CallBackDialog, merge: MergeDialog, erase: EraseDialog }

/** One customer: who they are, what was said with them, and what can be done. */
export function CustomerPage({ id, asked }: { readonly id: string; readonly asked: Asked }) {
  const said = inLanguage(words)
  const [customer, setCustomer] = useState<Customer | undefined>()
  const [refusal, setRefusal] = useState<Refusal | undefined>()

  async function load(): Promise<void> {
    try {
      setCustomer(await call('GET /customers/:customer', { params: { customer: id } }))
      setRefusal(undefined)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      setRefusal(error)
    }
  }
  useEffect(() => void load(), [])

  const hasList = me.value?.role !== 'agent' || now.value.customers.isForAgents
  const back = hasList
    ? { label: said.back, onBack: () => goTo('customers', left.asked) }
    : { label: shared.value.page.toConversations, onBack: () => showConversations() }
  if (!customer)
    return (
      <Frame title={said.customer} back={back}>
        <div class="page-empty" role="status">
          <p>{refusal ? refusalText(refusal) : said.loading}</p>
          {refusal?.isPassing && (
            <button type="button" class="button" onClick={() => void load()}>
              {said.again}
            </button>
          )}
        </div>
      </Frame>
    )
  return (
    <Known
      customer={customer}
      asked={asked}
      back={back}
      onChange={() => {
        forgetFound()
        return load()
      }}
    />
  )
}

function Known(of: {
  readonly customer: Customer
  readonly asked: Asked
  readonly back: { readonly label: string; readonly onBack: () => void }
  readonly onChange: () => Promise<void>
}) {
  const { customer, asked, onChange } = of
  const said = inLanguage(words)
  const [dialog, setDialog] = useState<keyof typeof DIALOGS | undefined>()
  const visit = Object.entries(customer.fields).filter(([field]) => VISIT.includes(field))
  const tabs = TABS.filter((tab) => tab !== 'visit' || visit.length > 0)
  const tab = tabs.find((one) => one === asked.tab) ?? (asked.conversation === undefined ? 'profile' : 'history')
  const role = me.value?.role ?? 'agent'
  const name = customer.name ?? shared.value.row.noName
  const Chosen = dialog && DIALOGS[dialog]
  const show = (next: (typeof TABS)[number]) => askOfPage({ customer: customer.id, tab: next })

  function onKeyDown(event: KeyboardEvent): void {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    const next = step && tabs.at((tabs.indexOf(tab) + step) % tabs.length)
    if (!next) return
    show(next)
    document.querySelector<HTMLElement>(`#tab-${next}`)?.focus()
  }

  return (
    <Frame
      title={name}
      back={of.back}
      actions={
        <>
          {customer.chats.length > 0 && (
            <button type="button" class="button primary" onClick={() => setDialog('callBack')}>
              <Icon name="phone" /> {said.callBack}
            </button>
          )}
          {role !== 'agent' && (
            <button type="button" class="button" onClick={() => setDialog('merge')}>
              {said.merge}
            </button>
          )}
          {role === 'administrator' && (
            <>
              <a class="button" href={`api/customers/${encodeURIComponent(customer.id)}/export`} download>
                {said.export}
              </a>
              <button type="button" class="button danger-line" onClick={() => setDialog('erase')}>
                {said.erase}
              </button>
            </>
          )}
        </>
      }
    >
      <div class="who">
        <Avatar name={customer.name} url={customer.avatarUrl} />
        <dl class="facts">
          {customer.language !== undefined && (
            <Fact name={shared.value.customer.language}>{languageName(customer.language)}</Fact>
          )}
          <Fact name={said.first}>{fullTime(customer.firstAtMs)}</Fact>
          <Fact name={said.last}>{fullTime(customer.lastAtMs)}</Fact>
        </dl>
        <div class="grow">
          {customer.blacklist && <Blacklist customer={customer.id} entries={customer.blacklist} onChange={onChange} />}
        </div>
      </div>
      <div class="page-tabs" role="tablist" aria-label={name} onKeyDown={onKeyDown}>
        {tabs.map((one) => (
          <button
            key={one}
            type="button"
            role="tab"
            id={`tab-${one}`}
            aria-selected={one === tab}
            aria-controls={one === tab ? panelOf(one) : undefined}
            tabIndex={one === tab ? 0 : -1}
            onClick={() => show(one)}
          >
            {said.tabs[one]}
            {one === 'history' && customer.conversations.length > 0 && (
              <span class="count">{customer.conversations.length}</span>
            )}
          </button>
        ))}
      </div>
      {/* It stays while another tab is looked at, with what is being written in it. */}
      <div
        id={panelOf('profile')}
        role="tabpanel"
        aria-labelledby="tab-profile"
        class="tab-profile"
        hidden={tab !== 'profile'}
      >
        <Profile of={customer} onChange={onChange} />
        <Tags of={customer} onChange={onChange} />
      </div>
      {tab !== 'profile' && (
        <div id={panelOf(tab)} role="tabpanel" aria-labelledby={`tab-${tab}`} class={`tab-${tab}`}>
          {tab === 'history' && <History customer={customer} conversation={asked.conversation} />}
          {tab === 'visit' && (
            <dl class="facts wide">
              {visit.map(([field, value]) => (
                <Fact key={field} name={fieldTitle(field)}>
                  {typeof value === 'string' ? value : JSON.stringify(value)}
                </Fact>
              ))}
            </dl>
          )}
        </div>
      )}
      {Chosen && <Chosen customer={customer} onClose={() => setDialog(undefined)} onChange={onChange} />}
    </Frame>
  )
}
