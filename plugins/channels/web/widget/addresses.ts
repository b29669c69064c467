/** The address if a page may lead there, whole; else `undefined`. */
export function safeUrl(url: string, base?: string): string | undefined {
  try {
    const { protocol, href } = new URL(url, base)
    return /^(https?|mailto|tel):$/.test(protocol) ? href : undefined
  } catch {
    return undefined
  }
}

/** The same, but only what can be fetched: for pictures and files. */
export function safeFileUrl(url: string, base: string): string | undefined {
  const href = safeUrl(url, base)
  return href?.startsWith('http') ? href : undefined
}
