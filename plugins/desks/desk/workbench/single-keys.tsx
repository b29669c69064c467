import { hasSingleKeys, setSingleKeys } from './keys.ts'
import { words } from './words/words.ts'

/** Whether keys do something by themselves. */
export function SingleKeys() {
  const { help } = words.value
  return (
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
  )
}
