import { file, type Localized, localized, refers, z } from '#core'

/** Line breaks, other control characters, and what turns the direction of writing, which goes on behind the name. */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

/** A text of one line, which cannot change what stands beside or behind it. */
const line = localized().superRefine((line, context) => {
  for (const [language, text] of textsOf(line)) {
    const [character] = UNSAFE.exec(text) ?? []
    if (character === undefined) continue
    const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
    const message = `There is a line break or an invisible sign (U+${code}) in the text. Take it out.`
    context.addIssue({ code: 'custom', message, path: language === undefined ? [] : [language] })
  }
})

const Name = line.refine((name) => textsOf(name).every(([, text]) => /[\p{L}\p{N}\p{P}\p{S}]/u.test(text)), {
  error: 'The name is empty. Write what customers shall see.',
})

const Identity = z.strictObject({
  name: Name.describe('What customers see as the name.'),
  line2: line.optional().describe('What stands below the name: a department, a team, a place.'),
  avatar: file().optional().describe('A PNG, JPEG or WebP picture. Its middle square is shown.'),
})

/** The name of an identity; that there is one, `check` sees. */
const identityName = z.string().meta({ switchboard: 'name' })
const Assigned = z.union([identityName, z.record(refers('channel'), identityName)])
const Show = z.enum(['agent', 'team', 'none'])

export const Settings = z.strictObject({
  identities: z
    .record(z.string().min(1), Identity)
    .describe('The names and faces. None is seen before it is assigned.'),
  assign: z
    .record(refers('person'), Assigned)
    .default({})
    .describe('As whom people are seen: an identity, or one for each channel. Several may have the same.'),
  teams: z.record(refers('team'), Assigned).default({}).describe('As whom a team is seen, where teams are shown.'),
  bots: z.record(refers('bot'), Assigned).default({}).describe('As whom bots are seen.'),
  show: z
    .union([Show, z.record(refers('channel'), Show)])
    .default('agent')
    .describe('What customers see of the people: each one, their team, or nothing; or that for each channel.'),
})
export type Settings = z.output<typeof Settings>
export type Declared = Settings['identities'][string]

/** The texts of a name, each with its language; one that is the same in all languages has none. */
export function textsOf(
  name: string | Localized<string>,
): readonly (readonly [language: string | undefined, text: string])[] {
  return typeof name === 'string' ? [[undefined, name]] : Object.entries(name)
}
