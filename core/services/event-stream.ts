/** Reads what a server streams: the answer of a model as it is written, for instance. */

/** `\r\n` that is cut in two must not become two line ends, so a `\r` at the end waits for what follows. */
const LINE_END = /\r\n|\n|\r(?!$)/

/**
 * The data of each server-sent event of a response, as it comes. Leaving the loop early ends the response. Names and
 * ids of events are left out, and so is an event that the end of the response has cut off.
 * The format: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export async function* eventStream(response: Pick<Response, 'body'>): AsyncGenerator<string, void> {
  if (!response.body) return
  let rest = ''
  let data: string[] = []
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = `${rest}${text}`.split(LINE_END)
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield data.join('\n')
        data = []
      } else if (line === 'data') data.push('')
      else if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5))
    }
  }
}
