import { Dialog } from './dialog.tsx'
import { hasSingleKeys, setSingleKeys } from './keys.ts'
import { words } from './words/words.ts'

/** Which keys do what. */
export function Help({ onClose }: { readonly onClose: () => void }) {
  const { help } = words.value
  const groups: readonly (readonly [string, readonly (readonly [readonly string[], string])[]])[] = [
    [
      help.lists,
      [
        [['J', 'K'], help.next],
        [['Alt ↓', 'Alt ↑'], help.next],
        [['Alt 1', 'Alt 5'], help.tabs],
        [['Q'], help.takeNext],
        [['/'], help.search],
      ],
    ],
    [
      help.conversation,
      [
        [['R'], help.reply],
        [['N'], help.note],
        [['Enter', 'Ctrl Enter'], help.send],
        [['Shift Enter'], help.newline],
        [['T'], help.transfer],
        [['E'], help.close],
        [['W'], help.why],
        [['P'], help.profile],
        [['Esc'], help.back],
      ],
    ],
    [
      help.general,
      [
        [['1', '2'], help.pages],
        [['S'], help.status],
        [['?'], help.help],
      ],
    ],
  ]
  return (
    <Dialog title={help.title} class="wide" onClose={onClose}>
      <div class="help">
        {groups.map(([title, keys]) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {keys.map(([which, what]) => (
                <div key={which.join()}>
                  <dt>
                    {which.map((key) => (
                      <kbd key={key}>{key}</kbd>
                    ))}
                  </dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <label class="check">
        <input
          type="checkbox"
          checked={hasSingleKeys.value}
          onChange={({ currentTarget }) => setSingleKeys(currentTarget.checked)}
        />
        <span>
          {help.single}
          <small>{help.singleHint}</small>
        </span>
      </label>
    </Dialog>
  )
}
