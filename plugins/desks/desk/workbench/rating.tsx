import type { Rating } from '../api/shapes.ts'
import { Icon } from './icon.tsx'
import { fullTime } from './times.ts'
import { words } from './words/words.ts'

/** How the customer found a conversation, in a few words; or that they were asked and have not said. */
export function ratingText({ given }: Rating): string {
  const { rating } = words.value.entry
  return given ? rating.given(given.score, given.of) : rating.asked
}

/** The same in a few signs, where many stand below each other. */
export function RatingMark({ of }: { readonly of: Rating }) {
  const { given } = of
  return (
    <span class="rating" title={ratingText(of)}>
      <Icon name="star" />
      <span class="unseen">{ratingText(of)}</span>
      <span aria-hidden="true">{given ? `${given.score}/${given.of}` : '–'}</span>
    </span>
  )
}

/** All of it, with what they wrote and when. */
export function RatingView({ of }: { readonly of: Rating }) {
  const { given } = of
  const atMs = given?.atMs ?? of.askedAtMs
  const said = [ratingText(of), given?.words && `“${given.words}”`, atMs !== undefined && fullTime(atMs)]
  return (
    <dl class="summary">
      <div>
        <dt>{words.value.entry.rating.title}</dt>
        <dd>{said.filter(Boolean).join(' · ')}</dd>
      </div>
    </dl>
  )
}
