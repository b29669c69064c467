/** Keeps a whole process from asking anything outside: what plugins open past their `http` is refused too. */
import { Socket } from 'node:net'
import { SwitchboardError } from '../errors.ts'
import { cleanUrl } from '../services/log.ts'

/**
 * Until it is disposed, the global `fetch` and every connection of this process are refused: HTTP, TLS, WebSockets and
 * sockets of files included. Datagrams, names that are only looked up, and programs that a plugin starts are not.
 */
export function refuseOutside(): Disposable {
  const { fetch } = globalThis
  const { connect } = Socket.prototype
  globalThis.fetch = async (input) => {
    const url = input instanceof Request ? input.url : String(input)
    throw new SwitchboardError('HTTP_OFFLINE', { detail: cleanUrl(url) })
  }
  Socket.prototype.connect = function refuse(this: Socket) {
    return this.destroy(new SwitchboardError('HTTP_OFFLINE'))
  }
  return {
    [Symbol.dispose]() {
      globalThis.fetch = fetch
      Socket.prototype.connect = connect
    },
  }
}
