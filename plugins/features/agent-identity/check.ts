/** What can be wrong with identities beyond their shape: names too long for a channel, pictures that are none. */
import type { Capabilities, ConfigProblem } from '#core'
import { assignments, type Use, usesOf } from './assigned.ts'
import { pictureOf } from './picture.ts'
import { type Declared, type Settings, textsOf } from './settings.ts'

/** Larger ones take long to load, and to make smaller. */
const MAX_AVATAR_BYTES = 2 * 1024 * 1024
const MAX_AVATAR_PIXELS = 4_096

type Channels = { readonly [name: string]: Capabilities }

export function check(settings: Settings, channels: Channels): readonly ConfigProblem[] {
  const uses = usesOf(settings, Object.keys(channels)).filter(({ hidden }) => hidden === undefined)
  return [
    ...unknownNames(settings),
    ...Object.entries(settings.identities).flatMap(([id, { avatar }]) => avatarProblem(id, avatar?.bytes)),
    ...Object.entries(channels).flatMap(([channel, { showsIdentity }]) => {
      const here = uses.filter((use) => use.channel === channel)
      if (showsIdentity === 'none') return notShown(here)
      const { avatar, maxGraphemes, perAccount, knownAs, missing } = showsIdentity
      const [first] = here
      if (missing && first) return [{ path: first.path, ...missing }]
      const unseen = avatar ? [] : noPictures(settings, here)
      return [
        ...tooLong(settings, here, maxGraphemes),
        ...tooMany(here, perAccount),
        ...(knownAs ? theSame(here, knownAs) : []),
        ...unseen,
      ]
    }),
  ]
}

function unknownNames(settings: Settings): readonly ConfigProblem[] {
  const known = Object.keys(settings.identities)
  return assignments(settings)
    .filter(({ identity }) => !known.includes(identity))
    .map(({ path, identity }) => ({
      path,
      message: `there is no identity "${identity}".`,
      instead: known.length > 0 ? `Write one of ${known.join(', ')}, or declare it.` : 'Declare it under identities.',
    }))
}

/** The platform cannot, or the layout that the channel is set to does not. */
function notShown([first]: readonly Use[]): readonly ConfigProblem[] {
  if (!first) return []
  const message = `${first.channel} shows no names and faces, as it is set up here.`
  const instead = 'There the name stands in front of the text, and second lines and avatars are not seen.'
  return [{ path: first.path, message, instead, isNote: true }]
}

function noPictures({ identities }: Settings, uses: readonly Use[]): readonly ConfigProblem[] {
  const first = uses.find(({ identity }) => identities[identity]?.avatar)
  if (!first) return []
  const message = `${first.channel} shows names without pictures, so no avatar is seen there.`
  return [{ path: first.path, message, isNote: true }]
}

function avatarProblem(id: string, bytes: Uint8Array | undefined): readonly ConfigProblem[] {
  if (!bytes) return []
  const path = ['identities', id, 'avatar']
  if (bytes.byteLength > MAX_AVATAR_BYTES) {
    const size = `${Math.ceil(bytes.byteLength / 1024)} KB`
    return [
      {
        path,
        message: `the picture has ${size}, and may have 2 MB.`,
        instead: 'Save it smaller: 192 pixels are shown.',
      },
    ]
  }
  const picture = pictureOf(bytes)
  if (!picture) {
    return [{ path, message: 'the file is no PNG, JPEG or WebP picture.', instead: 'Save it as one of these.' }]
  }
  const { width, height } = picture
  if (Math.max(width, height) <= MAX_AVATAR_PIXELS) return []
  const message = `the picture has ${width} × ${height} pixels, and may have ${MAX_AVATAR_PIXELS} at a side.`
  return [{ path, message, instead: 'Save it smaller: 192 pixels are shown.' }]
}

/** Made when the first name is measured: it takes longer than the rest of this file. */
let graphemes: Intl.Segmenter | undefined

/** What a reader takes for one character is one: an emoji of several parts, a letter with its accents. */
function lengthOf(text: string): number {
  graphemes ??= new Intl.Segmenter('en', { granularity: 'grapheme' })
  return [...graphemes.segment(text)].length
}

function tooLong({ identities }: Settings, uses: readonly Use[], most = Number.POSITIVE_INFINITY) {
  const used = [...new Set(uses.map(({ identity }) => identity))]
  return used.flatMap((id) =>
    namesOf(identities[id]).flatMap(([language, text]): readonly ConfigProblem[] => {
      const length = lengthOf(text)
      if (length <= most) return []
      const channel = uses.find(({ identity }) => identity === id)?.channel
      const path = ['identities', id, 'name', ...(language === undefined ? [] : [language])]
      const message = `"${text}" has ${length} characters, and ${channel} shows at most ${most} of a name.`
      return [{ path, message, instead: 'Write a shorter one, or assign another identity there. Nothing is cut off.' }]
    }),
  )
}

function namesOf(identity: Declared | undefined) {
  return identity ? textsOf(identity.name) : []
}

function tooMany(uses: readonly Use[], most = Number.POSITIVE_INFINITY): readonly ConfigProblem[] {
  const used = [...new Set(uses.map(({ identity }) => identity))]
  const firstTooMany = uses.find(({ identity }) => used.indexOf(identity) === most)
  if (!firstTooMany) return []
  const { path, channel } = firstTooMany
  const message = `${used.length} identities are assigned on ${channel}, and its account takes ${most}.`
  return [{ path, message, instead: 'Let several people share one.' }]
}

interface KnownAs {
  readonly set: { readonly [identity: string]: string }
  readonly made: (identity: string) => string
}

function theSame(uses: readonly Use[], { set, made }: KnownAs): readonly ConfigProblem[] {
  const known = new Map<string, string>()
  return uses.flatMap(({ identity, channel, path }) => {
    const account = (Object.hasOwn(set, identity) ? set[identity] : undefined) ?? made(identity)
    const first = known.get(account) ?? identity
    known.set(account, first)
    if (first === identity) return []
    const message = `on ${channel}, ${first} and ${identity} would both be ${account}, and customers would see the wrong name.`
    return [{ path, message, instead: `Give one of them another account in the settings of ${channel}.` }]
  })
}
