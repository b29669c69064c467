import type { Summary } from '../api/shapes.ts'
import { now } from './desk.ts'
import { textIn } from './words/words.ts'

/** What was noted of a conversation when it was closed, in the words of the settings as they are now. */
export function SummaryView({ of }: { readonly of: Summary }) {
  const fields = now.value.summary
  return (
    <dl class="summary">
      {Object.entries(of).map(([name, is]) => {
        const field = fields.find((one) => one.name === name)
        const option = field?.options?.find((one) => one.name === is)
        return (
          <div key={name}>
            <dt>{field ? textIn(field.title) : name}</dt>
            <dd>{option ? textIn(option.title) : is}</dd>
          </div>
        )
      })}
    </dl>
  )
}
