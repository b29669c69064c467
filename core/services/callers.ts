/** Who is calling: from which address, and whether they may enter what is not open to everyone. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { BlockList, isIP, isIPv6 } from 'node:net'
import { isPrivateAddress } from './http.ts'

/** The part of `server:` that says who is believed. */
export interface CallerSettings {
  readonly token?: string | undefined
  /** As in the YAML: whose `x-forwarded-for` is believed. */
  readonly trustProxy: boolean | readonly string[]
}

export interface Callers {
  /** Whether a proxy at this address is believed about who called it. Fastify takes it as `trustProxy`. */
  trusts(address: string | undefined): boolean
  /**
   * The address that a request comes from: its socket's, or the nearest one that no believed proxy has. `undefined` when
   * that is a proxy of our own network that nobody has declared: all the world would have its address. `socketAddress` is
   * the socket's; one that is closed does not tell it any more.
   */
  addressOf(request: IncomingMessage, socketAddress: string | undefined): string | undefined
  /** Whether it has the operator's token, or comes from a program on this machine. */
  mayEnter(request: IncomingMessage): boolean
}

/** `settings` is asked at each request, so that a reload counts at once. */
export function makeCallers(settings: () => CallerSettings): Callers {
  const lists = new WeakMap<readonly string[], BlockList>()

  function trusts(address: string | undefined): boolean {
    const { trustProxy } = settings()
    if (typeof trustProxy === 'boolean') return trustProxy
    const list = lists.get(trustProxy) ?? addressList(trustProxy)
    lists.set(trustProxy, list)
    const plain = plainAddress(address)
    return isIP(plain) !== 0 && list.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4')
  }

  return {
    trusts,
    addressOf(request, socketAddress) {
      let address = plainAddress(socketAddress)
      if (isPrivateAddress(address) && speaksForOthers(request) && !trusts(address)) return undefined
      // Whoever is nearest stands last. What a caller has written itself stands before what a proxy has seen.
      for (const next of named(request.headers['x-forwarded-for']).toReversed()) {
        if (!trusts(address) || isIP(next) === 0) break
        address = next
      }
      return address
    },
    mayEnter: (request) => hasToken(request.headers, settings().token) || isFromHere(request, trusts),
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

/** Without a zone; and an IPv4 address as such, also where the socket speaks IPv6. */
function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '')
}

/** The addresses in a header, as they stand there. */
function named(header: string | string[] | undefined): readonly string[] {
  const text = Array.isArray(header) ? header.join(',') : (header ?? '')
  return text.split(',').flatMap((one) => plainAddress(one.trim()) || [])
}

// ── the token ───────────────────────────────────────────────────────────────────────────────

function hasToken({ authorization }: IncomingHttpHeaders, token: string | undefined): boolean {
  const given = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
  return given !== undefined && token !== undefined && timingSafeEqual(digest(given), digest(token))
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
 * Whether a program on this machine has asked for itself: neither a proxy here that passes on what a stranger asks, nor
 * a page from elsewhere that runs in a browser here.
 */
function isFromHere(request: IncomingMessage, trusts: Callers['trusts']): boolean {
  const { headers, socket } = request
  if (!isLoopback(plainAddress(socket.remoteAddress))) return false
  const isBelieved = trusts(socket.remoteAddress) && headers['x-forwarded-for'] !== undefined
  if (isBelieved ? !isAllFromHere(headers) : speaksForOthers(request)) return false
  // A name of somebody else's that leads here: what a browser is tricked with.
  return LOOPBACK_HOST.test(headers.host ?? '') && !isFromForeignPage(headers)
}

/** nginx tells nobody for whom it speaks unless it is told to; then it speaks HTTP/1.0, as nobody else does. */
function speaksForOthers({ headers, httpVersion }: IncomingMessage): boolean {
  return httpVersion === '1.0' || Object.keys(headers).some((name) => FORWARDING.test(name))
}

/** Whether the caller and everyone on the way is here: the caller alone could have written its address itself. */
function isAllFromHere(headers: IncomingHttpHeaders): boolean {
  return [...named(headers['x-forwarded-for']), ...named(headers['x-real-ip'])].every(isLoopback)
}

/** Browsers say from which page a request comes; a page of another machine must not use that the browser is here. */
function isFromForeignPage({ origin, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  if (origin !== undefined && !LOOPBACK_HOST.test(origin.replace(/^https?:\/\//i, ''))) return true
  return site === 'cross-site'
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^127(\.\d{1,3}){3}$/.test(address)
}
