/** The two ways in which a screen is connected: by a WebSocket, and by server-sent events where there is none. */
import type { ServerResponse } from 'node:http'
import type { WebSocket } from '@fastify/websocket'

/** One screen, however it is connected. */
export interface Connection {
  /** False: so much is unsent that it was cut off. It comes again, and lists again. */
  send(frame: string): boolean
  /** Both sides are told that the other is there. False: this one has not been for a while. */
  beat(frame: string): boolean
  /** It should come again: after a while of its own choosing, of up to so many ms. */
  end(spreadMs: number): void
}

/** Whoever takes nothing holds so much of our memory at most, and one frame more. */
const MAX_UNSENT_BYTES = 1024 * 1024
/** The status by which a WebSocket is told that the server restarts; https://www.iana.org/assignments/websocket, read 2026-11-22. */
const SERVICE_RESTART = 1012

/** `onEnd` is called once, when it is gone. */
export function bySocket(socket: WebSocket, onEnd: () => void): Connection {
  let isThere = true
  // The listener that stands there would hold the whole request as long as the socket lives.
  socket.removeAllListeners('error').on('error', () => socket.terminate())
  socket.on('pong', () => {
    isThere = true
  })
  socket.once('close', onEnd)
  return {
    send(frame) {
      if (socket.bufferedAmount > MAX_UNSENT_BYTES) {
        socket.terminate()
        return false
      }
      socket.send(frame)
      return true
    },
    beat(frame) {
      if (!isThere) {
        socket.terminate()
        return false
      }
      isThere = false
      socket.ping()
      return this.send(frame)
    },
    end: (spreadMs) => socket.close(SERVICE_RESTART, String(spreadMs)),
  }
}

/** `onEnd` as in `bySocket`. */
export function byEventStream(response: ServerResponse, onEnd: () => void): Connection {
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    // Else nginx would collect the frames before it passes them on.
    'x-accel-buffering': 'no',
  })
  response.flushHeaders()
  response.once('close', onEnd)
  const send = (frame: string): boolean => {
    if (response.writableLength > MAX_UNSENT_BYTES) {
      response.destroy()
      return false
    }
    response.write(`data: ${frame}\n\n`)
    return true
  }
  return { send, beat: send, end: () => void response.end() }
}
