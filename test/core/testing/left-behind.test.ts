import { once } from 'node:events'
import { mkdtempSync, watch } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { watchOpened } from '../../../core/testing/left-behind.ts'

test('what is still open is named, with the place that opened it', async () => {
  const opened = watchOpened()
  const timer = setInterval(() => {}, 60_000).unref()
  const server = createServer().listen(0)
  await once(server, 'listening')
  const watcher = watch(mkdtempSync(join(tmpdir(), 'left-behind-')))
  const left = await opened.end()
  clearInterval(timer)
  server.close()
  watcher.close()
  expect(left.toSorted()).toEqual([
    expect.stringMatching(/^a file watcher, made at .*left-behind\.test\.ts\S*:\d+:\d+$/),
    expect.stringMatching(/^a listening socket, made at .*left-behind\.test\.ts\S*:\d+:\d+$/),
    expect.stringMatching(/^a timer, made at .*left-behind\.test\.ts\S*:\d+:\d+$/),
  ])
})

test('what was closed or has ended by itself is not, nor what was open before', async () => {
  const before = setInterval(() => {}, 60_000).unref()
  const opened = watchOpened()
  const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const socket = connect(typeof address === 'object' && address ? address.port : 0, '127.0.0.1').resume()
  await once(socket, 'close')
  server.close()
  await fetch('http://127.0.0.1:1').catch(() => {})
  clearTimeout(setTimeout(() => {}, 60_000))
  // It is over when it has run, which `end` waits for.
  setTimeout(() => {}, 5)
  expect(await opened.end()).toEqual([])
  clearInterval(before)
})
