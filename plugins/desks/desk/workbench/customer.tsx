import { signal } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import type { Blocked, Customer } from '../api/customers-shapes.ts'
import type { Stretch } from '../api/shapes.ts'
import { Avatar } from './avatar.tsx'
import { open, openRow } from './chats.ts'
import { block, unblock } from './commands.ts'
import { fieldTitle, myself, titleOf } from './desk.ts'
import { Doing } from './dialog.tsx'
import { Icon } from './icon.tsx'
import { lazily } from './lazily.tsx'
import { goTo } from './location.ts'
import { togglePanel } from './panel.ts'
import { ratingText } from './rating.tsx'
import { call } from './server.ts'
import { endTime, fullTime } from './times.ts'
import { language, reasonOf, words } from './words/words.ts'

const CallBackDialog = lazily(() => import('./pages/customers/call-back.tsx'))

const customer = signal<Customer | undefined>(undefined)
const hasFailed = signal(false)

async function load(id: string): Promise<void> {
  hasFailed.value = false
  try {
    const found = await call('GET /customers/:customer', { params: { customer: id } })
    if (openRow.value?.customer.id === id) customer.value = found
  } catch {
    if (openRow.value?.customer.id === id) hasFailed.value = true
  }
}

/** The customer of the conversation that is open. */
export function CustomerPanel() {
  const said = words.value.customer
  const row = openRow.value
  const id = row?.customer.id
  useEffect(() => {
    if (customer.value?.id !== id) customer.value = undefined
    if (id !== undefined) void load(id)
    // Another conversation or owner: its history is another, too.
  }, [id, row?.id, row?.state, row?.isBlocked])
  const shown = customer.value
  return (
    <aside class="panel" aria-label={said.label}>
      <header class="panel-head">
        <h2>{said.label}</h2>
        <button type="button" class="tool" aria-label={said.close} title={said.close} onClick={togglePanel}>
          <Icon name="close" />
        </button>
      </header>
      {shown ? (
        <Profile key={shown.id} of={shown} current={row?.id} />
      ) : (
        <p class="empty" role="status">
          {hasFailed.value ? said.failed : said.loading}
        </p>
      )}
    </aside>
  )
}

function Profile({ of, current }: { readonly of: Customer; readonly current: string | undefined }) {
  const said = words.value.customer
  const [isCalling, setCalling] = useState(false)
  const name = of.name ?? words.value.row.noName
  // In the chat that is on the screen, unless something is open with them.
  const isOpen = of.conversations.some(({ state }) => state !== 'closed')
  const callable = isOpen ? undefined : of.conversations.find(({ id }) => id === current)?.chat
  return (
    <div class="panel-inside">
      <div class="panel-who">
        <Avatar name={of.name} url={of.avatarUrl} />
        <strong>{name}</strong>
        <button
          type="button"
          class="tool"
          aria-label={said.page}
          title={said.page}
          onClick={() => goTo('customers', { customer: of.id })}
        >
          <Icon name="customers" />
        </button>
      </div>
      {callable && (
        <div>
          <button
            type="button"
            class="button small"
            disabled={myself.value?.status.isForChats === false}
            onClick={() => setCalling(true)}
          >
            <Icon name="phone" /> {said.callBack}
          </button>
          {isCalling && <CallBackDialog customer={of} chat={callable} onClose={() => setCalling(false)} />}
        </div>
      )}
      {of.blacklist && <Blacklist customer={of.id} entries={of.blacklist} onChange={() => load(of.id)} />}
      <section>
        <h3>{said.profile}</h3>
        <dl class="facts">
          {of.language !== undefined && <Fact name={said.language}>{languageName(of.language)}</Fact>}
          {Object.entries(of.fields).map(([field, value]) => (
            <Fact key={field} name={fieldTitle(field)}>
              {typeof value === 'string' ? value : JSON.stringify(value)}
            </Fact>
          ))}
          <Fact name={said.first}>{fullTime(of.firstAtMs)}</Fact>
          <Fact name={said.last}>{fullTime(of.lastAtMs)}</Fact>
          {of.chats.map(({ chat, channel, externalId }) => (
            <Fact key={chat} name={channel}>
              <code>{externalId}</code>
            </Fact>
          ))}
        </dl>
      </section>
      {of.tags.length > 0 && (
        <section>
          <h3>{said.tags}</h3>
          <ul class="tags">
            {of.tags.map((tag) => (
              <li key={tag}>{tag}</li>
            ))}
          </ul>
        </section>
      )}
      <section>
        <h3>{said.history}</h3>
        {of.conversations.length > 1 ? (
          <ol class="history">
            {of.conversations.map((one) => (
              <Past key={one.id} of={one} isCurrent={one.id === current} />
            ))}
          </ol>
        ) : (
          <p class="hint">{said.noHistory}</p>
        )}
      </section>
    </div>
  )
}

export function Fact({ name, children }: { readonly name: string; readonly children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function Past({ of, isCurrent }: { readonly of: Stretch; readonly isCurrent: boolean }) {
  const who = of.person === undefined ? of.bot : titleOf(of.person)
  return (
    <li>
      <button type="button" class="past" aria-current={isCurrent ? 'true' : undefined} onClick={() => void open(of.id)}>
        <span class="past-line">
          <span>
            <time>{fullTime(of.openedAtMs)}</time>
            {of.closedAtMs !== undefined && (
              <>
                {' – '}
                <time>{endTime(of.openedAtMs, of.closedAtMs)}</time>
              </>
            )}
          </span>
          <span class={`state ${of.state}`}>
            {isCurrent ? words.value.customer.current : words.value.states[of.state]}
          </span>
        </span>
        <small>
          {[of.channel, who, of.closeReason && reasonOf(of.closeReason), of.rating && ratingText(of.rating)]
            .filter((one) => one !== undefined)
            .join(' · ')}
        </small>
      </button>
    </li>
  )
}

export function Blacklist(of: {
  readonly customer: string
  readonly entries: readonly Blocked[]
  readonly onChange: () => Promise<void>
}) {
  const { customer: id, entries, onChange } = of
  const said = words.value.customer
  const [isAsking, setAsking] = useState(false)
  const [reason, setReason] = useState('')
  const isRemovable = entries.some(({ by }) => by !== undefined)
  return (
    <section class={entries.length > 0 ? 'blocked-box' : ''}>
      {entries.length > 0 && (
        <>
          <h3>
            <Icon name="blocked" /> {said.blacklist}
          </h3>
          {entries.map(({ reason: why, by, atMs }) => (
            <p key={why}>
              {why}
              <br />
              <small>
                {by === undefined ? said.blockedByFile : said.blockedBy(titleOf(by))}
                {atMs !== undefined && ` · ${fullTime(atMs)}`}
              </small>
            </p>
          ))}
        </>
      )}
      {entries.length === 0 ? (
        <button type="button" class="quiet danger-text" onClick={() => setAsking(true)}>
          <Icon name="blocked" /> {said.block}
        </button>
      ) : (
        isRemovable && (
          <button type="button" class="button small" onClick={() => void unblock(id).then(onChange)}>
            {said.unblock}
          </button>
        )
      )}
      {isAsking && (
        <Doing
          title={said.block}
          submit={said.block}
          isDangerous
          isReady={reason.trim() !== ''}
          run={async () => {
            await block(id, reason.trim())
            await onChange()
          }}
          onClose={() => setAsking(false)}
        >
          <p>{said.blockText}</p>
          <label class="field">
            <span>{said.blockReason}</span>
            <input maxLength={1000} value={reason} onInput={({ currentTarget }) => setReason(currentTarget.value)} />
          </label>
        </Doing>
      )}
    </section>
  )
}

export function languageName(tag: string): string {
  try {
    return new Intl.DisplayNames(language.value, { type: 'language' }).of(tag) ?? tag
  } catch {
    // Customers' platforms give what they like.
    return tag
  }
}
