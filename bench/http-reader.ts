/**
 * As much of HTTP as the generator and the sink need: messages with a length, one after the other. undici or `node:http`
 * would cost them more than they measure.
 */

/** Takes the pieces of a connection as they come, and calls `take` with each message that is whole. */
export function httpReader(take: (head: string, body: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer | undefined
  return (chunk) => {
    let data = rest ? Buffer.concat([rest, chunk]) : chunk
    for (;;) {
      const end = data.indexOf('\r\n\r\n')
      if (end < 0) break
      const head = data.toString('latin1', 0, end)
      const next = end + 4 + lengthOf(head)
      if (data.length < next) break
      take(head, data.subarray(end + 4, next))
      data = data.subarray(next)
    }
    rest = data.length > 0 ? data : undefined
  }
}

const LENGTH = /^content-length: *(\d+)/im

function lengthOf(head: string): number {
  const length = LENGTH.exec(head)?.[1]
  if (length === undefined && /^transfer-encoding:/im.test(head))
    throw new Error(`A message without a length:\n${head}`)
  return Number(length ?? 0)
}
