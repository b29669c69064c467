/** Who is calling: from which address, and whether they may enter what is not open to everyone. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { BlockList, isIP, isIPv6 } from 'node:net'
import { wordsOf } from './addresses.ts'

/** The part of `server:` that says who is believed. */
export interface CallerSettings {
  readonly publicUrl: string
  readonly token?: string | undefined
  /** As in the YAML: whose `x-forwarded-for` is believed. */
  readonly trustProxy: boolean | readonly string[]
}

/** Whoever is counted as one: by address, or by network where it is IPv6. */
export interface Caller {
  /** An IPv4 address, or the first half of an IPv6 one as `2001:db8:0:1::/64`: whoever has one has all of the second half. */
  readonly address: string
  /** A proxy, a container's network or the like, behind which all the world may be: it must not suffer for one of them. */
  readonly isShared: boolean
}

export interface Callers {
  /** Whether a proxy at this address is believed about who called it. Fastify takes it as `trustProxy`. */
  trusts(address: string | undefined): boolean
  /** Who asks: whoever is at the socket, or the nearest one on the way that is no believed proxy. */
  callerOf(request: IncomingMessage): Caller
  /** Who is at the other end of a connection, before it has asked for anything. */
  callerAt(address: string | undefined): Caller
  /** Whether it has the operator's token; where there is none, whether a program on this machine asks for itself. */
  mayEnter(request: IncomingMessage): boolean
}

/** `settings` is asked at each request, so that a reload counts at once. */
export function makeCallers(settings: () => CallerSettings): Callers {
  const lists = new WeakMap<readonly string[], Has>()

  function trusts(address: string | undefined): boolean {
    const { trustProxy } = settings()
    if (typeof trustProxy === 'boolean') return trustProxy
    const isTrusted = lists.get(trustProxy) ?? remembered(addressList(trustProxy))
    lists.set(trustProxy, isTrusted)
    return isTrusted(plainAddress(address))
  }

  /** A network of our own is not one caller where the world is let in by it: by Docker, say, or a proxy on this machine. */
  function isGateway(address: string): boolean {
    return isIP(address) === 0 || (isOurs(address) && isPublished(settings().publicUrl))
  }

  function makeCaller(address: string, isShared: boolean): Caller {
    return { address: networkOf(address), isShared: isShared || isGateway(address) }
  }

  return {
    trusts,
    callerOf(request) {
      const socketAddress = plainAddress(request.socket.remoteAddress)
      if (!trusts(socketAddress)) return makeCaller(socketAddress, isOurs(socketAddress) && speaksForOthers(request))
      // Whoever is nearest stands last. What a caller has written itself stands before what a proxy has seen.
      const named = forwardedFor(request.headers).toReversed()
      const caller =
        named.find((address) => isIP(address) === 0 || !trusts(address)) ??
        // Where everybody is believed, it is whoever was named first.
        (settings().trustProxy === true ? named.at(-1) : undefined)
      const isKnown = caller !== undefined && isIP(caller) !== 0
      return isKnown ? makeCaller(caller, false) : makeCaller(socketAddress, true)
    },
    callerAt: (address) => makeCaller(plainAddress(address), trusts(address)),
    mayEnter(request) {
      const { token, publicUrl } = settings()
      if (token !== undefined) return hasToken(request.headers, token)
      return !isPublished(publicUrl) && !trusts(request.socket.remoteAddress) && isFromHere(request)
    },
  }
}

/** Addresses and networks such as 10.0.0.0/8. Throws for anything else; `check` has refused it before. */
function addressList(entries: readonly string[]): BlockList {
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', bits] = entry.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return list
}

/** Whether this is an IP address, or a network as 10.0.0.0/8. */
export function isAddressOrNetwork(entry: string): boolean {
  const [address = '', bits, ...more] = entry.split('/')
  const family = isIP(address)
  if (family === 0 || more.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32))
}

/** Whether an address is on a list. */
type Has = (address: string) => boolean

/** Of so many addresses the answer is kept: to look one up takes as long as the rest of what is done for a request. */
const MAX_REMEMBERED = 4_096

function remembered(list: BlockList): Has {
  const answers = new Map<string, boolean>()
  return (address) => {
    const known = answers.get(address)
    if (known !== undefined) return known
    const answer = isIP(address) !== 0 && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
    if (answers.size >= MAX_REMEMBERED) answers.clear()
    answers.set(address, answer)
    return answer
  }
}

/** Without a zone; and an IPv4 address as such, however IPv6 writes it. */
function plainAddress(address = ''): string {
  if (!address.includes(':')) return address
  const bare = address.replace(/%.*$/, '')
  if (!isIPv6(bare) || !/^[0:]*:ffff:/i.test(bare)) return bare
  const words = wordsOf(bare)
  if (words[5] !== 0xffff) return bare
  return words
    .slice(6)
    .flatMap((word) => [word >> 8, word & 0xff])
    .join('.')
}

/** So many proxies at most one behind the other: strangers write this header too, as long as they like. */
const MAX_HOPS = 16

/** The nearest addresses of `x-forwarded-for`, without the ports that some proxies put behind them. */
function forwardedFor({ 'x-forwarded-for': header = '' }: IncomingHttpHeaders): readonly string[] {
  const entries = (Array.isArray(header) ? header.join(',') : header).split(',').map((entry) => entry.trim())
  return entries
    .filter((entry) => entry !== '')
    .slice(-MAX_HOPS)
    .map((entry) => plainAddress(/^\[(.*)\](?::\d+)?$/.exec(entry)?.[1] ?? entry.replace(/^([\d.]+):\d+$/, '$1')))
}

function networkOf(address: string): string {
  if (!address.includes(':') || !isIPv6(address)) return address
  const words = wordsOf(address).slice(0, 4)
  return `${words.map((word) => word.toString(16)).join(':')}::/64`
}

/** This machine, and what stands before it in its own network: proxies, load balancers, the gateways of containers. */
const isOurs = remembered(
  addressList([
    ...['127.0.0.0/8', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', '100.64.0.0/10'],
    ...['::1', 'fc00::/7', 'fe80::/10'],
  ]),
)

// ── the token ───────────────────────────────────────────────────────────────────────────────

function hasToken({ authorization }: IncomingHttpHeaders, token: string): boolean {
  const given = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
  return given !== undefined && timingSafeEqual(digest(given), digest(token))
}

/** Digests are equally long, so that comparing takes the same time whatever was given. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

// ── this machine ────────────────────────────────────────────────────────────────────────────

/** Headers by which proxies say that they pass on what somebody else has asked. */
const FORWARDING = /^(x-forwarded-.*|forwarded|via|x-real-ip|(x|true)-client-ip|x-cluster-client-ip|cf-connecting-ip)$/
const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i

/**
 * Whether others than this machine are to come by this address. Then a proxy here may pass on what strangers ask, and
 * nothing in a request tells one that says nothing of it from a program that asks for itself.
 */
function isPublished(publicUrl: string): boolean {
  const [host = ''] = publicUrl.replace(/^https?:\/\//i, '').split('/', 1)
  return !LOOPBACK_HOST.test(host)
}

/**
 * Whether a program on this machine has asked for itself: neither a proxy here that passes on what a stranger asks, nor
 * a page from elsewhere that runs in a browser here.
 */
function isFromHere(request: IncomingMessage): boolean {
  const { headers, socket } = request
  if (!isLoopback(plainAddress(socket.remoteAddress)) || speaksForOthers(request)) return false
  // A name of somebody else's that leads here: what a browser is tricked with.
  return LOOPBACK_HOST.test(headers.host ?? '') && !isFromForeignPage(headers)
}

function speaksForOthers({ headers }: IncomingMessage): boolean {
  return Object.keys(headers).some((name) => FORWARDING.test(name))
}

/** Browsers say from which page a request comes; a page of another machine must not use that the browser is here. */
function isFromForeignPage({ origin, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  if (origin !== undefined && !LOOPBACK_HOST.test(origin.replace(/^https?:\/\//i, ''))) return true
  return site === 'cross-site'
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^127(\.\d{1,3}){3}$/.test(address)
}
