/** Of several tabs of one desk one has the voice: whichever was used last. Else each message would be heard several times. */

export interface Voice {
  readonly isMine: boolean
  /** This tab is used now. */
  take(): void
}

/** What of the browser’s locks is asked for. */
export interface Locks {
  request(name: string, options: LockOptions, granted: () => Promise<never>): Promise<unknown>
}

const forever = () => new Promise<never>(() => undefined)

/** `locks`: of the browser, which gives the voice to another tab when this one goes. Without them every tab has it. */
export function makeVoice(locks: Locks | undefined, name: string): Voice {
  if (!locks) return { isMine: true, take: () => undefined }
  const all = locks
  let isMine = false
  /** Ends the waiting in line for it. */
  let waiting = new AbortController()
  /** What was asked for last. */
  let latest: LockOptions | undefined

  function hold(options: LockOptions): void {
    latest = options
    const granted = () => {
      isMine = true
      return forever()
    }
    all.request(name, options, granted).catch(() => {
      // Another tab has taken it, unless it is we who have asked anew: what we lose by that may be told after it is ours.
      if (options !== latest) return
      isMine = false
      waitInLine()
    })
  }

  function waitInLine(): void {
    waiting = new AbortController()
    hold({ signal: waiting.signal })
  }

  waitInLine()
  return {
    get isMine() {
      return isMine
    },
    take() {
      if (isMine) return
      waiting.abort()
      hold({ steal: true })
    },
  }
}
