/**
 * Does nothing that a server has to do: it checks nothing, looks for nothing, and sends back what came, on plain
 * sockets. How fast the generator is against this one is how fast it can be.
 *
 *   node bench/servers/nothing.ts <file of the task> <address of the sink>
 */
import { connect, createServer, type Socket } from 'node:net'
import { httpReader } from '../http-reader.ts'
import { answerTo, readXml, SEND_PATH } from '../wire.ts'

const ACKNOWLEDGED = 'HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nsuccess'

const sink = new URL(process.argv[3] ?? '')

function openSink(): Socket {
  // What the sink says is not waited for: it takes everything.
  return connect({ host: sink.hostname, port: Number(sink.port), noDelay: true }).resume()
}

const server = createServer({ noDelay: true }, (socket) => {
  const out = openSink()
  const read = httpReader((_head, body) => {
    const { from, text } = readXml(body.toString())
    socket.write(ACKNOWLEDGED)
    const answer = answerTo(from, `echo: ${text}`)
    out.write(
      `POST ${SEND_PATH} HTTP/1.1\r\nhost: ${sink.host}\r\ncontent-length: ${Buffer.byteLength(answer)}\r\n\r\n${answer}`,
    )
  })
  socket
    .on('data', read)
    .on('error', () => socket.destroy())
    .on('close', () => out.destroy())
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object' && address)
    console.log(JSON.stringify({ url: `http://127.0.0.1:${address.port}`, msg: 'ready:' }))
})
