import { expect, test } from 'vitest'
import { eventStream } from '#core'

async function read(bytes: Uint8Array, size: number): Promise<readonly string[]> {
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  )
  return Array.fromAsync(eventStream(new Response(ReadableStream.from(pieces))))
}

const STREAM = [
  ': a comment\n\n',
  'event: delta\ndata: {"text":"你好👩‍👩‍👧"}\nid: 7\n\n',
  'data:no space\r\n\r\n',
  'data:  one space is kept\r\r',
  'data: two\ndata: lines\n\n',
  'data\n\n',
  'retry: 10\n\n',
  'data: [DONE]\n\n',
  'data: cut off',
].join('')
const EVENTS = ['{"text":"你好👩‍👩‍👧"}', 'no space', ' one space is kept', 'two\nlines', '', '[DONE]']

test('events are read, wherever the stream is cut', async () => {
  const bytes = Buffer.from(STREAM)
  for (let size = 1; size <= bytes.length; size++) expect(await read(bytes, size)).toEqual(EVENTS)
})

test('leaving the loop ends the response', async () => {
  const ended = Promise.withResolvers<unknown>()
  const endless = new ReadableStream({
    pull: (controller) => controller.enqueue(Buffer.from('data: more\n\n')),
    cancel: ended.resolve,
  })
  for await (const data of eventStream(new Response(endless))) {
    expect(data).toBe('more')
    break
  }
  await ended.promise
})

test('a response that breaks off throws, after what came before', async () => {
  const broken = ReadableStream.from(
    (async function* () {
      yield Buffer.from('data: one\n\ndata: tw')
      throw new Error('cut')
    })(),
  )
  const stream = eventStream(new Response(broken))
  expect(await stream.next()).toEqual({ done: false, value: 'one' })
  await expect(stream.next()).rejects.toThrow('cut')
})

test('a response without a body has no events', async () => {
  expect(await Array.fromAsync(eventStream(new Response(null, { status: 204 })))).toEqual([])
})

test('a long line in small pieces is read once, not again with each piece', async () => {
  const line = `data: ${'x'.repeat(1 << 20)}\n\n`
  const before = process.cpuUsage()
  expect(await read(Buffer.from(line), 100)).toEqual([line.slice(6, -2)])
  // Read again with each of its 10,000 pieces it takes over ten seconds.
  expect(process.cpuUsage(before).user / 1_000).toBeLessThan(4_000)
})

test('a line that does not end is not read for ever', async () => {
  const piece = Buffer.alloc(1 << 20, 'x')
  const endless = new ReadableStream({ pull: (controller) => controller.enqueue(piece) })
  await expect(Array.fromAsync(eventStream(new Response(endless)))).rejects.toMatchObject({ code: 'HTTP_TOO_LARGE' })
})
