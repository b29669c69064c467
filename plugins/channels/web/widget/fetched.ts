/** What is not needed at first: files beside the widget, each of them fetched when it is needed. */
import type { WidgetSettings } from '../protocol.ts'
import { backoffMs } from './browser.ts'
import { addStyles } from './dom.ts'
import type * as files from './files.ts'
import type * as form from './form.ts'
import type * as more from './more.ts'

export interface Files {
  /** What an open panel needs soon. */
  readonly more: typeof more
  /** Files and pictures, seen and sent. */
  readonly files: typeof files
  /** The form for those who find nobody. */
  readonly form: typeof form
}

/** Fetches a file, once. Rejects where it cannot be had; whoever asks next tries again. */
export type Fetch = <Name extends keyof Files>(name: Name) => Promise<Files[Name]>

export interface Fetched {
  readonly fetch: Fetch
  /** Uses a file at once if it is here, else as soon as it is, however often it has to be tried. */
  use<Name extends keyof Files>(name: Name, run: (its: Files[Name]) => void): void
}

/** `addresses`: where the files stand, from `base`. */
export function makeFetched(root: ShadowRoot, base: string, addresses: WidgetSettings['fetched']): Fetched {
  const here: Partial<Files> = {}
  const coming: { [Name in keyof Files]?: Promise<unknown> } = {}
  let failures = 0

  async function fetch<Name extends keyof Files>(name: Name): Promise<Files[Name]> {
    try {
      // A browser may remember that an address failed, so another try has another address.
      const its: Files[Name] = await import(/* @vite-ignore */ `${base + addresses[name]}?${failures}`)
      if (!here[name]) addStyles(root, its.styles)
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

  return {
    fetch,
    use(name, run) {
      function runNow(): boolean {
        const its = here[name]
        if (its) run(its)
        return !!its
      }
      if (runNow()) return
      coming[name] ??= bring(name)
      coming[name].then(runNow)
    },
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
