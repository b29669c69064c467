/** A size in the largest fitting unit: `940 B`, `12 KB`, `1.5 MB`. */
export function sizeText(bytes: number): string {
  const [unit, name] = bytes < 1_000 ? [1, 'B'] : bytes < 999_500 ? [1_000, 'KB'] : [1_000_000, 'MB']
  const size = bytes / unit
  return `${unit > 1 && size < 9.95 ? Math.round(size * 10) / 10 : Math.round(size)} ${name}`
}
