/** The beginning of a text, not cut within a character, and with no half of one in it: no store or provider keeps that. */
export function beginningOf(text: string, maxChars: number): string {
  return text
    .slice(0, maxChars)
    .replace(/[\ud800-\udbff]$/, '')
    .toWellFormed()
}
