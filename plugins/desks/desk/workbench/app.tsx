import { useEffect } from 'preact/hooks'
import { begin } from './desk.ts'
import { useLink } from './location.ts'
import { hearOtherTabs, recallOutbox } from './outbox.ts'
import { call, Refusal } from './server.ts'
import { me, session } from './session.ts'
import { Shell } from './shell.tsx'
import { LinkPage, SignInAgain, SignInPage } from './sign-in.tsx'
import { Toasts } from './toasts.tsx'

/** Which page it is: the way in by a link, the sign-in, or the desk. */
export function App() {
  const link = useLink()
  useEffect(() => {
    if (link === undefined) void ask()
  }, [link])
  useEffect(hearOtherTabs, [])
  if (link !== undefined) return <LinkPage link={link} />
  switch (session.value) {
    case 'asking':
      return <main class="blank" />
    case 'none':
      return <SignInPage />
    case 'open':
    case 'expired':
      return (
        <>
          <Shell />
          {session.value === 'expired' && <SignInAgain />}
          <Toasts />
        </>
      )
  }
}

/** Who is signed in in this browser, as the cookie says, which no script can read. */
async function ask(): Promise<void> {
  if (session.value !== 'asking') return
  for (let tries = 0; session.value === 'asking'; tries++) {
    try {
      const who = await call('GET /me')
      me.value = who
      recallOutbox()
      begin(who)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      if (!error.isPassing) session.value = 'none'
      else await new Promise((resolve) => setTimeout(resolve, Math.min(500 * 2 ** tries, 10_000)))
    }
  }
}
