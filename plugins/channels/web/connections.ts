/** The two ways in which a page looks on: by a WebSocket, and by server-sent events where there is none. */
import type { ServerResponse } from 'node:http'
import type { WebSocket } from '@fastify/websocket'
import type { Connection, Hub, Seat } from './hub.ts'

/** Whoever takes nothing holds so much of our memory at most (and one item more), until a beat finds him out. */
const MAX_UNSENT_BYTES = 256 * 1024
/** The status by which a WebSocket is told that the server restarts; https://www.iana.org/assignments/websocket, read 2026-11-22. */
const SERVICE_RESTART = 1012

export interface Joining {
  readonly hub: Hub
  readonly chat: string
  readonly after: number
  readonly token?: string
  /** Called once, when it has ended. */
  onEnd(): void
}

/** From now on this WebSocket is sent what happens in the chat. */
export function joinBySocket(socket: WebSocket, joining: Joining): void {
  const connection = new SocketConnection(socket)
  // The listener that stands there would hold the whole request as long as the socket lives.
  socket.removeAllListeners('error').on('error', () => socket.terminate())
  seat(joining, connection, socket)
}

/** From now on this response is an event stream of what happens in the chat. */
export function joinByEventStream(response: ServerResponse, joining: Joining): void {
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    // Else nginx would collect the frames before it passes them on.
    'x-accel-buffering': 'no',
  })
  response.flushHeaders()
  seat(joining, new EventStreamConnection(response), response)
}

function seat(
  { hub, chat, onEnd, ...from }: Joining,
  connection: OneConnection,
  ends: WebSocket | ServerResponse,
): void {
  connection.seat = hub.join(chat, connection, from)
  ends.once('close', () => {
    connection.seat?.leave()
    onEnd()
  })
}

interface OneConnection extends Connection {
  seat: Seat | undefined
}

class SocketConnection implements OneConnection {
  seat: Seat | undefined
  readonly #socket: WebSocket
  #isThere = true
  #waits = false

  constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('pong', () => {
      this.#isThere = true
    })
  }

  get isFull(): boolean {
    return this.#socket.bufferedAmount > MAX_UNSENT_BYTES
  }

  send(frame: string): void {
    this.#socket.send(frame, this.#sent)
    this.#waits ||= this.isFull
  }

  beat(frame: string): boolean {
    if (!this.#isThere) return false
    this.#isThere = false
    this.#socket.ping()
    if (!this.isFull) this.send(frame)
    return true
  }

  end(spreadMs: number): void {
    this.#socket.close(SERVICE_RESTART, String(spreadMs))
  }

  cut(): void {
    this.#socket.terminate()
  }

  readonly #sent = (): void => {
    if (!this.#waits || this.isFull) return
    this.#waits = false
    this.seat?.drained()
  }
}

class EventStreamConnection implements OneConnection {
  seat: Seat | undefined
  readonly #response: ServerResponse

  constructor(response: ServerResponse) {
    this.#response = response
    response.on('drain', () => this.seat?.drained())
  }

  get isFull(): boolean {
    return this.#response.writableLength > MAX_UNSENT_BYTES
  }

  send(frame: string): void {
    this.#response.write(`data: ${frame}\n\n`)
  }

  beat(frame: string): boolean {
    if (!this.isFull) this.send(frame)
    return true
  }

  end(): void {
    this.#response.end()
  }

  cut(): void {
    this.#response.destroy()
  }
}
