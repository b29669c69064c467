/** One spelling for texts that look alike, for whoever compares them. */

/** What Unicode says is not shown: `Default_Ignorable_Code_Point`. */
const UNSEEN = /\p{DI}+/gu

/**
 * Full-width forms, case, and white space of any kind and amount do not matter; what nobody can see is left out.
 * Characters of Chinese stay what they are: see `fold`.
 */
export function spelling(text: string): string {
  return text.replace(UNSEEN, '').normalize('NFKC').toLowerCase().replace(/\s+/g, ' ')
}
