/** What is not needed at first: files beside the widget, each of them fetched when it is needed. */
import type { WidgetSettings } from '../protocol.ts'
import { backoffMs } from './browser.ts'
import type * as events from './events.ts'
import type * as files from './files.ts'
import type * as form from './form.ts'
import type * as more from './more.ts'

export interface Files {
  /** What an open panel needs soon. */
  readonly more: typeof more
  /** Whatever is no plain text, and sending files. */
  readonly files: typeof files
  /** The form for those who find nobody. */
  readonly form: typeof form
  /** Another way for the stream. */
  readonly events: typeof events
}

/** Fetches a file, once. Rejects where it cannot be had; whoever asks next tries again. */
export type Fetch = <Name extends keyof Files>(name: Name) => Promise<Files[Name]>

export interface Fetched {
  readonly fetch: Fetch
  /** What is here by now. */
  readonly here: Partial<Files>
  /** Uses a file at once if it is here, else as soon as it is, however often it has to be tried. */
  use<Name extends keyof Files>(name: Name, run: (its: Files[Name]) => void): void
}

/** `addresses`: where the files stand, from `base`. `style` is called once with the styles of each file. */
export function makeFetched(
  base: string,
  addresses: WidgetSettings['fetched'],
  style: (text: string) => void,
): Fetched {
  const here: Partial<Files> = {}
  const coming: { [Name in keyof Files]?: Promise<unknown> } = {}
  let failures = 0

  async function fetch<Name extends keyof Files>(name: Name): Promise<Files[Name]> {
    const former = here[name]
    if (former) return former
    try {
      // A browser may remember that an address failed, so another try has another address.
      const its: Files[Name] = await import(/* @vite-ignore */ `${base + addresses[name]}?${failures}`)
      // Somebody else may have asked for it meanwhile.
      if (!here[name]) style(its.styles)
      here[name] = its
      return its
    } catch (error) {
      failures++
      throw error
    }
  }

  /** Tries one time after the other until it is here. */
  async function bring(name: keyof Files): Promise<void> {
    for (let tries = 0; !here[name]; tries++) await fetch(name).catch(() => pause(backoffMs(tries)))
  }

  function use<Name extends keyof Files>(name: Name, run: (its: Files[Name]) => void): void {
    const its = here[name]
    if (its) {
      run(its)
      return
    }
    coming[name] ??= bring(name)
    coming[name].then(() => use(name, run))
  }

  return {
    fetch,
    here,
    use,
  }
}

/** Ends early when the network is back. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    function end(): void {
      removeEventListener('online', end)
      resolve()
    }
    addEventListener('online', end)
    setTimeout(end, ms)
  })
}
