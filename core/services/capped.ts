/** Reads no more of what the other side sends than was agreed. */
import { SwitchboardError } from '../errors.ts'

/** The response, with a body that fails with `HTTP_TOO_LARGE` as soon as more than `maxBytes` of it have been read, unpacked. */
export function capped(response: Response, maxBytes: number): Response {
  if (!response.body) return response
  let sizeBytes = 0
  const body = response.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        sizeBytes += chunk.byteLength
        if (sizeBytes > maxBytes)
          throw new SwitchboardError('HTTP_TOO_LARGE', { detail: `It has more than ${maxBytes} bytes.` })
        controller.enqueue(chunk)
      },
    }),
  )
  const { status, statusText, headers } = response
  return new Response(body, { status, statusText, headers })
}
