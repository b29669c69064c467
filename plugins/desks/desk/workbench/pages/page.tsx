import type { FunctionComponent } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { myself, now } from '../desk.ts'
import { type Asked, showConversations } from '../location.ts'
import { call } from '../server.ts'
import { me } from '../session.ts'
import { toastRefusal } from '../toasts.ts'
import { textIn, words } from '../words/words.ts'
import { Frame } from './frame.tsx'
import { PAGES, type PageOf, type PageProperties } from './pages.ts'

const loaded = new Map<string, FunctionComponent<PageProperties>>()

/** One of the pages, whose code is loaded when it is first shown. Whoever may not open it is told that it is not there. */
export function Page({ name, asked }: { readonly name: string; readonly asked: Asked }) {
  const page = PAGES.find((one) => one.name === name)
  if (!page || !me.value) return <NotThere />
  if (page.isFor(me.value, now.value, asked)) return <Loaded key={name} page={page} asked={asked} />
  // What the settings let agents open is known only when the desk has told it.
  return myself.value ? <NotThere /> : <Loading page={page} />
}

function Loading({ page }: { readonly page: PageOf }) {
  return (
    <Frame title={textIn(page.title)}>
      <p class="page-empty" role="status">
        {words.value.page.loading}
      </p>
    </Frame>
  )
}

function Loaded({ page, asked }: { readonly page: PageOf; readonly asked: Asked }) {
  const said = words.value.page
  const [Ready, setReady] = useState(() => loaded.get(page.name))
  const [hasFailed, setFailed] = useState(false)
  useEffect(() => {
    if (Ready) return
    page.load().then(
      (module) => {
        loaded.set(page.name, module.default)
        setReady(() => module.default)
      },
      () => setFailed(true),
    )
  }, [])
  if (Ready) return <Ready asked={asked} />
  if (!hasFailed) return <Loading page={page} />
  return (
    <Frame title={textIn(page.title)}>
      <div class="page-empty" role="alert">
        <p>{said.failed}</p>
        <button type="button" class="button" onClick={() => void loadAgain()}>
          {said.again}
        </button>
      </div>
    </Frame>
  )
}

/**
 * A browser may keep it that a file could not be had, and after the desk has been built anew its files have other
 * names: so all is loaded again, once the desk can be reached. What people write is kept in their browser.
 */
async function loadAgain(): Promise<void> {
  try {
    await call('GET /me')
    location.reload()
  } catch (error) {
    toastRefusal(error)
  }
}

function NotThere() {
  const said = words.value.page
  return (
    <Frame title={said.notThere}>
      <div class="page-empty">
        <p>{said.notThereHint}</p>
        <button type="button" class="button" onClick={() => showConversations()}>
          {said.toConversations}
        </button>
      </div>
    </Frame>
  )
}
