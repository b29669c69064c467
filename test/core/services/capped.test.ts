import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { capped } from '../../../core/index.ts'
import { testServer } from '../../../core/testing/index.ts'

test('an answer of the agreed size is read as it is, with its status and headers', async () => {
  const response = capped(new Response('1234567890', { status: 201, headers: { 'x-a': 'b' } }), 10)
  expect([response.status, response.headers.get('x-a'), await response.text()]).toEqual([201, 'b', '1234567890'])
})

test('one byte more is an error, also when nothing said how much would come', async () => {
  const response = capped(new Response(ReadableStream.from([Buffer.from('12345'), Buffer.from('678901')])), 10)
  await expect(response.text()).rejects.toMatchObject({ code: 'HTTP_TOO_LARGE' })
})

test('what is packed counts as it is unpacked, and the rest is not read', async () => {
  await using server = await testServer(
    () => new Response(gzipSync(Buffer.alloc(5_000_000)), { headers: { 'content-encoding': 'gzip' } }),
  )
  const response = capped(await fetch(server.url), 1_000)
  await expect(response.arrayBuffer()).rejects.toMatchObject({ code: 'HTTP_TOO_LARGE' })
})

test('a response without a body stays one', async () => {
  expect(capped(new Response(null, { status: 204 }), 10)).toMatchObject({ status: 204, body: null })
})
