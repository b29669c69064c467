/** What an IP address is: whether it is out there, and which words it consists of. */
import { BlockList, isIP } from 'node:net'

/**
 * What is not out there: this machine, its network, the cloud's metadata, multicast and what is reserved.
 * Source: the IANA special-purpose address registries, https://www.iana.org/assignments/iana-ipv4-special-registry and
 * https://www.iana.org/assignments/iana-ipv6-special-registry, read 2026-11-20.
 */
const PRIVATE = new BlockList()
for (const range of [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/3'],
  ...['::/96', '64:ff9b:1::/48', '100::/64', '2001:db8::/32', '5f00::/16', 'fc00::/7', 'fe80::/9', 'ff00::/8'],
]) {
  const [network = '', prefix] = range.split('/')
  PRIVATE.addSubnet(network, Number(prefix), network.includes(':') ? 'ipv6' : 'ipv4')
}

/** Whether an IP address is not a public one: also when it is an IPv4 address dressed up as IPv6. */
export function isPrivateAddress(address: string): boolean {
  const [bare = ''] = address.split('%')
  const family = isIP(bare)
  if (family === 4) return PRIVATE.check(bare)
  if (family !== 6) return true
  if (PRIVATE.check(bare, 'ipv6')) return true
  const inside = ipv4Inside(bare)
  return inside !== undefined && PRIVATE.check(inside)
}

/** The IPv4 address to which gateways translate: of NAT64 (64:ff9b::/96) the end, of 6to4 (2002::/16) what follows. */
function ipv4Inside(address: string): string | undefined {
  const words = wordsOf(address)
  const [first, second] = words
  const at = first === 0x2002 ? 1 : first === 0x64 && second === 0xff9b ? 6 : undefined
  if (at === undefined) return undefined
  return words
    .slice(at, at + 2)
    .flatMap((word) => [word >> 8, word & 0xff])
    .join('.')
}

/** The eight words of an IPv6 address. */
export function wordsOf(address: string): readonly number[] {
  // The URL parser writes every IPv6 address in its one short form, without dots.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const parse = (part: string) => (part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16)))
  const before = parse(head)
  const after = parse(tail ?? '')
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after]
}
