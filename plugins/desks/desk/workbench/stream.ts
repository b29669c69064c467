/** The line on which the desk tells what changes: WebSocket, or server-sent events where that does not get through. */
import { signal } from '@preact/signals'
import type { Frame } from '../api/shapes.ts'

/** `undefined`: there has been no connection yet. */
export const isConnected = signal<boolean | undefined>(undefined)

export interface Stream {
  close(): void
}

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 15_000
/** So many heartbeats may be missed before the line counts as dead. */
const MISSED_BEATS = 2.5
/** Nothing was heard on the socket so often, before the first word: from then on by events. */
const SOCKET_TRIES = 2

/**
 * Opens the line and opens it again whenever it breaks, until it is closed. Nothing of what was told meanwhile is told
 * again: after each `hello` whoever listens lists again. `onSilence`: a try has led to nothing.
 */
export function openStream(onFrame: (frame: Frame) => void, onSilence: () => void): Stream {
  let tries = 0
  let silentSockets = 0
  let isClosed = false
  let hangUp = (): void => undefined
  let timer = 0

  function connect(): void {
    if (isClosed) return
    let hasSpoken = false
    let isOver = false
    let beat = 0
    let heartbeatMs = 30_000

    function hear(data: unknown): void {
      if (isOver || typeof data !== 'string') return
      const frame: Frame = JSON.parse(data)
      if (frame.type === 'hello') {
        heartbeatMs = frame.heartbeatMs
        hasSpoken = true
        tries = 0
        silentSockets = 0
        isConnected.value = true
      }
      listenForBeats()
      onFrame(frame)
    }

    function listenForBeats(): void {
      clearTimeout(beat)
      beat = window.setTimeout(end, heartbeatMs * MISSED_BEATS)
    }

    function end(): void {
      if (isOver) return
      isOver = true
      clearTimeout(beat)
      link.close()
      if (isClosed) return
      if (isConnected.value) isConnected.value = false
      if (bySocket && !hasSpoken) silentSockets++
      // A socket that is refused does not say why: it may be that the session has ended.
      if (!hasSpoken) onSilence()
      // Not all at the same moment, when the server comes back.
      const wait = Math.min(FIRST_WAIT_MS * 2 ** tries++, LONGEST_WAIT_MS) * (0.5 + Math.random() / 2)
      if (tries > 1 && isConnected.value === undefined) isConnected.value = false
      timer = window.setTimeout(connect, wait)
    }

    const bySocket = silentSockets < SOCKET_TRIES
    const link = bySocket ? socket(hear, end) : events(hear, end)
    hangUp = end
    listenForBeats()
  }

  function connectNow(): void {
    if (isConnected.value === true) return
    clearTimeout(timer)
    hangUp()
    clearTimeout(timer)
    tries = 0
    connect()
  }

  /** The page stays in the browser's memory only when it holds no socket. */
  const leave = () => hangUp()
  addEventListener('online', connectNow)
  addEventListener('pagehide', leave)
  connect()
  return {
    close() {
      isClosed = true
      clearTimeout(timer)
      hangUp()
      removeEventListener('online', connectNow)
      removeEventListener('pagehide', leave)
    },
  }
}

interface Link {
  close(): void
}

function socket(hear: (data: unknown) => void, end: () => void): Link {
  const address = new URL('api/stream', location.href)
  address.protocol = address.protocol.replace('http', 'ws')
  const line = new WebSocket(address)
  line.onmessage = ({ data }) => hear(data)
  line.onclose = end
  return { close: () => line.close() }
}

function events(hear: (data: unknown) => void, end: () => void): Link {
  const line = new EventSource('api/stream')
  line.onmessage = ({ data }) => hear(data)
  line.onerror = end
  return { close: () => line.close() }
}
