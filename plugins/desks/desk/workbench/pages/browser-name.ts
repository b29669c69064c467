/** What browsers call themselves, as people call them: the first that is found, since each claims to be several others. */
const BROWSERS = [
  ['MicroMessenger', 'WeChat'],
  ['Edg', 'Edge'],
  ['OPR', 'Opera'],
  ['Firefox', 'Firefox'],
  ['FxiOS', 'Firefox'],
  ['CriOS', 'Chrome'],
  ['Chrome', 'Chrome'],
  ['Safari', 'Safari'],
] as const
const SYSTEMS = [
  ['Windows', 'Windows'],
  ['Android', 'Android'],
  ['iPhone', 'iPhone'],
  ['iPad', 'iPad'],
  ['Mac OS', 'macOS'],
  ['CrOS', 'ChromeOS'],
  ['Linux', 'Linux'],
] as const
const MAX_CHARS = 60

/** `Chrome · Windows`; of what is none of these, the beginning of what it says. */
export function browserName(userAgent: string): string {
  const found = (table: readonly (readonly [sign: string, name: string])[]) =>
    table.find(([sign]) => userAgent.includes(sign))?.[1]
  const names = [found(BROWSERS), found(SYSTEMS)].filter((name) => name !== undefined)
  return names.length > 0 ? names.join(' · ') : userAgent.slice(0, MAX_CHARS)
}
