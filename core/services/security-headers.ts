/** The headers that every response has, whoever answers. A route that sets one of them itself is not overruled. */

type Headers = readonly (readonly [name: string, value: string])[]

/** What breaks nobody: neither a platform's request nor a widget in somebody's page. */
const OPEN: Headers = [
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'same-origin'],
]

/** For what is ours or our people's: nothing of it is shown, loaded or kept elsewhere. */
const GUARDED: Headers = [
  ...OPEN,
  ['content-security-policy', "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"],
  ['x-frame-options', 'DENY'],
  ['cross-origin-opener-policy', 'same-origin'],
  ['cross-origin-resource-policy', 'same-origin'],
  ['cache-control', 'no-store'],
]

/** Browsers come back by https for a year. Only said where https is what they use: the other way would lock them out. */
const ONLY_HTTPS: Headers[number] = ['strict-transport-security', 'max-age=31536000']

const HEADERS = {
  http: { open: OPEN, guarded: GUARDED },
  https: { open: [...OPEN, ONLY_HTTPS], guarded: [...GUARDED, ONLY_HTTPS] },
} as const

/** `isOpen`: of a channel, whose pages and scripts may be meant for everybody's sites. */
export function securityHeaders(publicUrl: string, isOpen: boolean): Headers {
  const { open, guarded } = HEADERS[publicUrl.startsWith('https:') ? 'https' : 'http']
  return isOpen ? open : guarded
}
