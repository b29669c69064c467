import { Icon, type IconName } from './icon.tsx'

const segmenter = new Intl.Segmenter()
const TINTS = 6

/** The face of somebody: the picture, else the first letters of the name, else a sign. */
export function Avatar(of: {
  readonly name: string | undefined
  readonly url?: string | undefined
  readonly sign?: IconName
}) {
  const { name, url, sign = 'person' } = of
  if (url !== undefined) return <img class="avatar" src={url} alt="" />
  const initials = name === undefined ? '' : initialsOf(name)
  return (
    // The letters are a picture: the styles draw them.
    <span class={`avatar tint${tintOf(name ?? '')}`} data-initials={initials} aria-hidden="true">
      {initials === '' && <Icon name={sign} />}
    </span>
  )
}

/** `Amy Chen` → `AC`, `陈爱美` → `陈`. */
function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/)
  const first = letterOf(words[0] ?? '')
  return words.length > 1 && /^\p{Script=Latin}/u.test(first) ? first + letterOf(words.at(-1) ?? '') : first
}

function letterOf(word: string): string {
  const [first] = segmenter.segment(word)
  return first?.segment.toLocaleUpperCase() ?? ''
}

/** The same name has the same colour everywhere. */
function tintOf(name: string): number {
  let sum = 0
  for (const sign of name) sum = (sum * 31 + (sign.codePointAt(0) ?? 0)) % 997
  return sum % TINTS
}
