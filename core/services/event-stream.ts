/** Reads what a server streams: the answer of a model as it is written, for instance. */
import { SwitchboardError } from '../errors.ts'

const LINE_END = /\r\n|\n|\r/
/** A longer line is no event of anybody's. */
const MAX_LINE_CHARS = 10 << 20

/**
 * The data of each server-sent event of a response, as it comes. Leaving the loop early ends the response. Names and
 * ids of events are left out, and so is an event that the end of the response has cut off. Throws `HTTP_TOO_LARGE`
 * when a line does not end.
 * The format: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export async function* eventStream(response: Pick<Response, 'body'>): AsyncGenerator<string, void> {
  if (!response.body) return
  let begun = ''
  let data: string[] = []
  let endsInReturn = false
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    // `\r\n` that is cut in two is one line end.
    const text = endsInReturn && piece.startsWith('\n') ? piece.slice(1) : piece
    endsInReturn = piece.endsWith('\r')
    // Only what is new is searched: a line that comes in many pieces is not read again with each of them.
    const [first = '', ...others] = text.split(LINE_END)
    const lines = [begun + first, ...others]
    begun = lines.pop() ?? ''
    if (begun.length > MAX_LINE_CHARS)
      throw new SwitchboardError('HTTP_TOO_LARGE', { detail: `A line has more than ${MAX_LINE_CHARS} characters.` })
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield data.join('\n')
        data = []
      } else if (line === 'data') data.push('')
      else if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5))
    }
  }
}
