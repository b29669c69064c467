import { Dialog } from './dialog.tsx'
import { KEYMAP, keyName } from './keymap.ts'
import { SingleKeys } from './single-keys.tsx'
import { words } from './words/words.ts'

/** Which keys do what. */
export default function Help({ onClose }: { readonly onClose: () => void }) {
  const { help } = words.value
  return (
    <Dialog title={help.title} class="wide" onClose={onClose}>
      <div class="help">
        {KEYMAP.map(([group, keys]) => (
          <section key={group}>
            <h3>{help[group]}</h3>
            <dl>
              {keys.map(({ shown, what }) => (
                <div key={shown.join()}>
                  <dt>
                    {shown.map((key) => (
                      <kbd key={key}>{keyName(key)}</kbd>
                    ))}
                  </dt>
                  <dd>{help[what]}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <SingleKeys />
    </Dialog>
  )
}
