/** The page on which people play the customers of a simulated account. */
import { lineElement } from './chat.ts'
import { button, byId, el, keep } from './dom.ts'
import type { Button, Customer, Doing, State } from './state.ts'
import { chooseLanguage, chosenLanguage, type Words, wordsIn } from './words.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const MAX_PICTURE_BYTES = 2 * 1024 * 1024

let language = chosenLanguage()
let words: Words = wordsIn(language)
let state: State | undefined
let chosen: string | undefined
/** How much the simulation is ahead of this browser. */
let aheadMs = 0

const customers = byId('customers', HTMLElement)
const lines = byId('lines', HTMLElement)
const text = byId('text', HTMLInputElement)
const menu = byId('menu', HTMLElement)
const told = byId('told', HTMLElement)

// ── what is done ────────────────────────────────────────────────────────────────────────────

async function act(doing: Doing): Promise<void> {
  const body = JSON.stringify(doing)
  const response = await fetch('/do', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  if (response.ok) return
  const said = await response.text()
  tellFailure(words.failed(said.slice(0, 300)))
}

function run(doing: Doing): void {
  act(doing).catch(() => tellFailure(words.lost))
}

/** As the chosen customer. What was open in the menu is closed, as on a phone. */
function as(make: (customer: string) => Doing): void {
  for (const open of menu.querySelectorAll('details')) open.open = false
  if (chosen !== undefined) run(make(chosen))
}

const say = (said: string, choice?: string) => as((customer) => ({ do: 'says', customer, text: said, choice }))

function tellFailure(message: string): void {
  const lost = byId('lost', HTMLElement)
  lost.textContent = message
  lost.hidden = false
}

/** Asks for one line; `undefined` when it is not given. */
async function ask(question: string, suggested: string): Promise<string | undefined> {
  const dialog = byId('asked', HTMLDialogElement)
  const answer = byId('answer', HTMLInputElement)
  byId('question', HTMLElement).textContent = question
  answer.value = suggested
  dialog.returnValue = ''
  const closed = new Promise<void>((resolve) => dialog.addEventListener('close', () => resolve(), { once: true }))
  dialog.showModal()
  answer.select()
  await closed
  return dialog.returnValue === 'ok' && answer.value !== '' ? answer.value : undefined
}

const EXTRAS: { readonly [extra: string]: () => Promise<void> | void } = {
  image: () => byId('picture', HTMLInputElement).click(),
  async voice() {
    const said = await ask(words.askVoice, language === 'en' ? 'Where is my order?' : '我的订单到哪了？')
    if (said !== undefined) as((customer) => ({ do: 'voice', customer, words: said }))
  },
  unrecognized: () => as((customer) => ({ do: 'voice', customer })),
  async location() {
    const label = await ask(words.askLocation, '上海市黄浦区')
    const at = { latitude: 31.2304, longitude: 121.4737 }
    if (label !== undefined) as((customer) => ({ do: 'location', customer, ...at, label }))
  },
  async link() {
    const url = await ask(words.askLink, 'https://shop.example/orders/42')
    if (url !== undefined) as((customer) => ({ do: 'link', customer, title: url, url }))
  },
  async scan() {
    const scene = await ask(words.askScene, 'shop42')
    if (scene !== undefined) as((customer) => ({ do: 'scans', customer, scene }))
  },
  follow: () => as((customer) => ({ do: current()?.follows ? 'unfollows' : 'follows', customer })),
}

async function sendPicture(file: File): Promise<void> {
  if (file.size > MAX_PICTURE_BYTES) return tellFailure(words.failed(`${Math.round(file.size / 1024)} KB > 2048 KB`))
  const bytes = new Uint8Array(await file.arrayBuffer())
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  as((customer) => ({ do: 'image', customer, data: btoa(binary), mimeType: file.type }))
}

// ── what is shown ───────────────────────────────────────────────────────────────────────────

function current(): Customer | undefined {
  return state?.customers.find(({ openId }) => openId === chosen)
}

function show(): void {
  if (!state) return
  const { account } = state
  chosen ??= state.customers[0]?.openId
  byId('account', HTMLElement).textContent = words.account(account.name, account.appId)
  showCustomers(state.customers)
  showChat(current())
  showMenu(state.menu)
  byId('mode', HTMLSelectElement).value = account.mode
  byId('mode', HTMLSelectElement).disabled = !account.canEncrypt
  byId('unverified', HTMLInputElement).checked = !account.isVerified
  byId('slow', HTMLInputElement).checked = account.isSlow
  byId('refused-section', HTMLElement).hidden = state.refused.length === 0
  keep(byId('refused', HTMLElement), state.refused.slice(-8), {
    key: ({ n }) => String(n),
    make: ({ path, errcode, errmsg }) => el('li', {}, el('code', {}, path), ` ${errcode} ${errmsg}`),
  })
  showTimes()
}

function showCustomers(all: readonly Customer[]): void {
  keep(customers, all, {
    key: ({ openId, name, follows, isBlocked, lines: own }) =>
      JSON.stringify([openId, name, follows, isBlocked, own.length, openId === chosen, language]),
    make(customer) {
      const { openId, name, follows, isBlocked } = customer
      const how = isBlocked ? words.blocked : follows ? words.following : words.stranger
      const choose = button('', () => {
        chosen = openId
        told.hidden = true
        show()
        text.focus()
      })
      choose.append(el('strong', {}, name), el('small', {}, how))
      choose.setAttribute('aria-current', String(openId === chosen))
      return el('li', {}, choose)
    },
  })
}

function showChat(customer: Customer | undefined): void {
  byId('who', HTMLElement).textContent = customer?.name ?? ''
  byId('typing', HTMLElement).hidden = !customer?.isTyping
  byId('follow', HTMLElement).textContent = customer?.follows ? words.unfollow : words.follow
  if (!customer) return
  lines.dataset.empty = customer.lines.length === 0 ? words.empty : ''
  const changed = keep(lines, customer.lines, {
    key: (line) => JSON.stringify([customer.openId, line, language]),
    make: (line) => lineElement(line, { words, name: customer.name, say }),
  })
  if (changed) lines.scrollTop = lines.scrollHeight
}

function showMenu(buttons: readonly Button[]): void {
  menu.hidden = buttons.length === 0
  keep(menu, buttons, { key: (one) => JSON.stringify(one), make: menuButton })
}

function menuButton(one: Button): HTMLElement {
  const tap = (tapped: Button) => as((customer) => ({ do: 'taps', customer, button: tapped }))
  const below = one.sub_button ?? []
  if (below.length === 0) return button(one.name, () => tap(one))
  const list = el('div', { class: 'below' }, ...below.map((sub) => button(sub.name, () => tap(sub))))
  return el('details', {}, el('summary', {}, `≡ ${one.name}`), list)
}

/** What changes by the clock alone. */
function showTimes(): void {
  if (!state) return
  const nowMs = Date.now() + aheadMs
  byId('now', HTMLElement).textContent = new Date(nowMs).toLocaleString(language)
  const open = (current()?.windows ?? []).filter(({ untilMs, left }) => untilMs > nowMs && left > 0)
  keep(byId('allowance', HTMLElement), open.length > 0 ? open : [undefined], {
    key: (one) => JSON.stringify([one, language, one ? Math.floor((one.untilMs - nowMs) / 1000) : 0]),
    make(one) {
      if (!one) return el('p', { class: 'closed' }, words.closed)
      const meter = el('meter', { min: '0', max: String(one.max), value: String(one.left), 'aria-hidden': 'true' })
      const left = el('strong', {}, words.of(one.left, one.max))
      return el(
        'p',
        {},
        el('span', {}, words.windows[one.on]),
        meter,
        left,
        el('small', {}, words.until(spanOf(one.untilMs - nowMs))),
      )
    },
  })
}

function spanOf(ms: number): string {
  const two = (n: number) => String(Math.floor(n)).padStart(2, '0')
  return `${Math.floor(ms / HOUR_MS)}:${two((ms % HOUR_MS) / MINUTE_MS)}:${two((ms % MINUTE_MS) / 1000)}`
}

/** All that does not change but with the language. */
function speak(): void {
  document.documentElement.lang = language
  document.title = words.title
  const fixed = new Map(Object.entries(words))
  for (const element of document.querySelectorAll('[data-words]')) {
    const said = fixed.get(element.getAttribute('data-words') ?? '')
    if (typeof said === 'string') element.textContent = said
  }
  byId('language', HTMLElement).textContent = words.other
  text.placeholder = words.write
  text.setAttribute('aria-label', words.write)
  byId('more', HTMLElement).setAttribute('aria-label', words.more)
  fill('mode', Object.entries(words.modes))
  fill(
    'refuse',
    Object.entries(words.refusals).sort(([a], [b]) => Number(b === '0') - Number(a === '0')),
  )
  const { minute, hour, day, twoDays } = words.steps
  const step = (label: string, ms: number) => button(label, () => moveOn(ms))
  byId('steps', HTMLElement).replaceChildren(
    step(minute, MINUTE_MS),
    step(hour, HOUR_MS),
    step(day, DAY_MS),
    step(twoDays, 2 * DAY_MS),
  )
}

function fill(id: string, options: readonly (readonly [string, string])[]): void {
  byId(id, HTMLSelectElement).replaceChildren(...options.map(([value, label]) => el('option', { value }, label)))
}

async function moveOn(ms: number): Promise<void> {
  const steps = byId('steps', HTMLElement)
  byId('now', HTMLElement).textContent = words.moving
  steps.inert = true
  await act({ do: 'time', ms }).catch(() => tellFailure(words.lost))
  steps.inert = false
}

// ── at the beginning ────────────────────────────────────────────────────────────────────────

byId('language', HTMLElement).addEventListener('click', () => {
  language = language === 'en' ? 'zh-CN' : 'en'
  chooseLanguage(language)
  words = wordsIn(language)
  speak()
  show()
})
byId('meet', HTMLElement).addEventListener('click', () => run({ do: 'meets' }))
byId('composer', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault()
  if (text.value === '') return
  say(text.value)
  text.value = ''
})
byId('more', HTMLElement).addEventListener('click', () => {
  const extras = byId('extras', HTMLElement)
  extras.hidden = !extras.hidden
  byId('more', HTMLElement).setAttribute('aria-expanded', String(!extras.hidden))
})
for (const extra of document.querySelectorAll('[data-extra]'))
  extra.addEventListener('click', () => void EXTRAS[extra.getAttribute('data-extra') ?? '']?.())
byId('picture', HTMLInputElement).addEventListener('change', ({ currentTarget }) => {
  if (!(currentTarget instanceof HTMLInputElement)) return
  const [file] = currentTarget.files ?? []
  if (file) sendPicture(file).catch(() => tellFailure(words.lost))
  currentTarget.value = ''
})
byId('mode', HTMLSelectElement).addEventListener('change', () => {
  const { value } = byId('mode', HTMLSelectElement)
  if (value === 'plain' || value === 'compatible' || value === 'secure') run({ do: 'mode', mode: value })
})
byId('unverified', HTMLInputElement).addEventListener('change', () =>
  run({ do: 'verified', isVerified: !byId('unverified', HTMLInputElement).checked }),
)
byId('slow', HTMLInputElement).addEventListener('change', () =>
  run({ do: 'slow', isSlow: byId('slow', HTMLInputElement).checked }),
)
byId('expire', HTMLElement).addEventListener('click', () => run({ do: 'expire' }))
byId('refuse', HTMLSelectElement).addEventListener('change', () =>
  run({ do: 'refuse', errcode: Number(byId('refuse', HTMLSelectElement).value) }),
)
byId('ask', HTMLElement).addEventListener('click', async () => {
  const response = await fetch(`/why?${new URLSearchParams({ customer: chosen ?? '' })}`)
  told.textContent = (await response.text()) || words.nothing
  told.hidden = false
  told.scrollTop = told.scrollHeight
  told.scrollIntoView({ block: 'nearest' })
})

// What scrolls is scrolled by keys too.
for (const scrolled of [lines, told]) scrolled.tabIndex = 0
speak()
const events = new EventSource('/events')
events.addEventListener('message', ({ data }) => {
  const next: State = JSON.parse(String(data))
  // A message that was refused has used up what was asked for.
  if (state && refusalsIn(next) > refusalsIn(state)) byId('refuse', HTMLSelectElement).value = '0'
  state = next
  aheadMs = next.account.nowMs - Date.now()
  byId('lost', HTMLElement).hidden = true
  show()
})
events.addEventListener('error', () => tellFailure(words.lost))
setInterval(showTimes, 1_000)

function refusalsIn({ customers: all }: State): number {
  return all.reduce((sum, one) => sum + one.lines.filter(({ what }) => what.type === 'refused').length, 0)
}
