/** What can be wrong with the address of a model, and with the key that goes there. */
import { type ConfigProblem, isPrivateAddress } from '#core'

export function addressProblems(config: {
  readonly url: string
  readonly key?: string | undefined
}): readonly ConfigProblem[] {
  const { key } = config
  const url = new URL(config.url)
  const problems: ConfigProblem[] = []
  const add = (setting: string, message: string, instead: string) =>
    problems.push({ path: [setting], message, instead })
  if (url.username !== '' || url.password !== '')
    add('url', 'There is a name or password in the address.', `Write only the address, and the key as  key: \${NAME}`)
  if (/\/chat\/completions\/*$/.test(url.pathname)) {
    const base = `${url.origin}${url.pathname.replace(/\/chat\/completions\/*$/, '')}`
    add('url', 'The bot itself puts /chat/completions behind the address.', `Write  url: ${base}`)
  }
  if (key === undefined) return problems
  if (!/^[\x21-\x7e]+$/.test(key))
    add(
      'key',
      'There is a space, a line end or a character in the key that no key has.',
      'Copy it again, the key alone.',
    )
  if (url.protocol === 'http:' && !isInside(url.hostname))
    add(
      'url',
      'The key would go over the network for everybody to read.',
      `Write  url: https://${url.host}${url.pathname}`,
    )
  return problems
}

/** Whether a host is on this machine or in a network of one's own, as far as its name tells. */
function isInside(host: string): boolean {
  if (/^[\d.]+$|^\[.*\]$/.test(host)) return isPrivateAddress(host.replace(/^\[|\]$/g, ''))
  return !host.includes('.') || /\.(localhost|local|internal|lan|home\.arpa)$/.test(host)
}
