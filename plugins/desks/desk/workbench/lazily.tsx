import type { FunctionComponent } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Refusal } from './server.ts'
import { toastRefusal } from './toasts.ts'

/** A component whose code is loaded when it is first shown. */
export function lazily<P extends { readonly onClose: () => void }>(
  load: () => Promise<{ readonly default: FunctionComponent<P> }>,
): FunctionComponent<P> {
  let loaded: FunctionComponent<P> | undefined
  return (properties) => {
    const [Ready, setReady] = useState(() => loaded)
    useEffect(() => {
      if (loaded) return
      load().then(
        (module) => {
          loaded = module.default
          setReady(() => loaded)
        },
        () => {
          toastRefusal(new Refusal(0, 'OFFLINE'))
          properties.onClose()
        },
      )
    }, [])
    return Ready ? <Ready {...properties} /> : null
  }
}
