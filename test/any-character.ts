import fc from 'fast-check'

const FIRST_SURROGATE = 0xd800
const SURROGATES = 0x800

/**
 * Any character there is, as a unit of `fc.string`: the same ones, in the same order, as its unit `binary`, which makes
 * a table of all the million of them first.
 */
export const anyCharacter: fc.Arbitrary<string> = fc.nat(0x10_ffff - SURROGATES).map(
  (n) => String.fromCodePoint(n < FIRST_SURROGATE ? n : n + SURROGATES),
  (character) => {
    const code = typeof character === 'string' ? character.codePointAt(0) : undefined
    if (code === undefined || String.fromCodePoint(code) !== character) throw new Error('This is not one character.')
    return code < FIRST_SURROGATE ? code : code - SURROGATES
  },
)
