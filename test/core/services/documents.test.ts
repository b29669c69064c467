import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { makeDocuments } from '../../../core/services/documents.ts'
import { makeLog } from '../../../core/services/log.ts'

const Replies = z.object({
  replies: z.array(z.strictObject({ key: z.string(), text: z.string() })).default([]),
  count: z.number().default(0),
})

let folder: string
let lines: string[]
const log = makeLog({ level: 'info', stream: { write: (line) => void lines.push(line) } })
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'documents-'))
  lines = []
})
afterEach(() => rmSync(folder, { recursive: true }))

const fileOf = (name: string) => join(folder, 'desk', `${name}.json`)
const open = () => makeDocuments({ folder, log }).open('desk', 'replies', Replies)
const onDisk = async () => JSON.parse(await readFile(fileOf('replies'), 'utf8'))

async function edit(text: string) {
  await mkdir(dirname(fileOf('replies')), { recursive: true })
  await writeFile(fileOf('replies'), text)
}

const add = (key: string) => (now: z.output<typeof Replies>) => ({
  replies: [...now.replies, { key, text: `${key}!` }],
  count: now.count + 1,
})

describe('a document', () => {
  test('that is not there yet is what the schema makes of nothing, and no file', async () => {
    expect(await open().read()).toEqual({ replies: [], count: 0 })
    expect(await readdir(folder)).toEqual([])
    const documents = makeDocuments({ folder, log })
    expect(await documents.open('desk', 'list', z.array(z.string()).default(['a'])).read()).toEqual(['a'])
    expect(await documents.open('desk', 'map', z.record(z.string(), z.number())).read()).toEqual({})
    expect(() => documents.open('desk', 'x', z.object({ must: z.string() }))).toThrow(/x\.json must make/)
  })

  test('is kept, readable by people but by no other user', async () => {
    const changed = await open().change(add('hi'))
    expect(changed).toEqual({ replies: [{ key: 'hi', text: 'hi!' }], count: 1 })
    expect(await open().read()).toEqual(changed)
    expect(await readFile(fileOf('replies'), 'utf8')).toBe(`${JSON.stringify(changed, null, 2)}\n`)
    expect(statSync(fileOf('replies')).mode & 0o777).toBe(0o600)
    expect(statSync(dirname(fileOf('replies'))).mode & 0o777).toBe(0o700)
    expect(await readdir(dirname(fileOf('replies')))).toEqual(['replies.json'])
  })

  test('that does not change is not written', async () => {
    const store = open()
    await store.change(add('hi'))
    const before = statSync(fileOf('replies'), { bigint: true })
    await store.change((now) => ({ ...now }))
    expect(statSync(fileOf('replies'), { bigint: true }).ino).toBe(before.ino)
  })

  test('cannot be changed by writing into what was read', async () => {
    const store = open()
    const read = await store.change(add('hi'))
    read.replies.length = 0
    const again = await store.read()
    again.count = 99
    await expect(
      store.change((now) => {
        now.count = 77
        throw new Error('changed my mind')
      }),
    ).rejects.toThrow('changed my mind')
    expect(await store.read()).toMatchObject({ count: 1, replies: [{ key: 'hi' }] })
  })

  test('cannot be written so that it could not be read', async () => {
    const store = open()
    await expect(store.change((now) => ({ ...now, count: Number.NaN }))).rejects.toMatchObject({
      code: 'DOCUMENT_BROKEN',
      message: expect.stringContaining('count: '),
    })
    expect(await store.read()).toEqual({ replies: [], count: 0 })
    expect(await readdir(folder)).toEqual([])
  })

  test('has no name that leads out of its folder', () => {
    const { open } = makeDocuments({ folder, log })
    for (const name of ['../x', 'a/b', '.', '', '.hidden']) {
      expect(() => open('desk', name, Replies)).toThrow(TypeError)
      expect(() => open(name, 'replies', Replies)).toThrow(TypeError)
    }
    expect(() => open('客服 2', 'canned-replies.v2', Replies)).not.toThrow()
  })
})

describe('many changes at once', () => {
  test('are all kept', async () => {
    const store = open()
    await Promise.all(Array.from({ length: 100 }, (_, n) => store.change(add(`r${n}`))))
    expect((await onDisk()).count).toBe(100)
    expect(new Set((await onDisk()).replies.map((reply: { key: string }) => reply.key)).size).toBe(100)
  })

  test('are all kept when the document is open twice, as during a reload', async () => {
    const documents = makeDocuments({ folder, log })
    const [old, next] = [documents.open('desk', 'replies', Replies), documents.open('desk', 'replies', Replies)]
    await Promise.all(Array.from({ length: 100 }, (_, n) => (n % 2 ? old : next).change(add(`r${n}`))))
    expect((await onDisk()).count).toBe(100)
    expect([(await old.read()).count, (await next.read()).count]).toEqual([100, 100])
  })

  test('of which one fails do not hold up the others', async () => {
    const store = open()
    const results = await Promise.allSettled([
      store.change(add('a')),
      store.change(() => {
        throw new Error('no')
      }),
      store.change(add('b')),
    ])
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect((await onDisk()).count).toBe(2)
  })
})

describe('an edit by hand', () => {
  test('is seen by the next read and kept by the next change', async () => {
    const store = open()
    await store.change(add('mine'))
    await edit('{"replies": [{"key": "by hand", "text": "x"}], "count": 10}')
    expect((await store.read()).count).toBe(10)
    await edit('{"replies": [{"key": "again", "text": "x"}], "count": 20}')
    await store.change(add('mine too'))
    expect(await onDisk()).toMatchObject({ count: 21, replies: [{ key: 'again' }, { key: 'mine too' }] })
  })

  test('in the middle of a change is kept too: the change is made again', async () => {
    const store = open()
    await store.change(add('first'))
    let calls = 0
    await store.change((now) => {
      if (++calls === 1) writeFileSync(fileOf('replies'), '{"count": 50}')
      return add('mine')(now)
    })
    expect(calls).toBe(2)
    expect(await onDisk()).toMatchObject({ count: 51, replies: [{ key: 'mine' }] })
  })

  test('at every moment makes the change give up in the end', async () => {
    const store = open()
    await store.change(add('first'))
    let calls = 0
    const busy = store.change((now) => {
      writeFileSync(fileOf('replies'), JSON.stringify({ count: 1000 + ++calls }))
      return add('mine')(now)
    })
    await expect(busy).rejects.toMatchObject({
      code: 'DOCUMENT_BUSY',
      message: expect.stringContaining(fileOf('replies')),
    })
    expect(await onDisk()).toEqual({ count: 1000 + calls })
  })

  test('that removes the file starts it again', async () => {
    const store = open()
    await store.change(add('first'))
    unlinkSync(fileOf('replies'))
    expect((await store.read()).count).toBe(0)
    await store.change(add('second'))
    expect((await onDisk()).count).toBe(1)
  })

  test('that creates the file during the first change is kept', async () => {
    const store = open()
    await store.change((now) => {
      mkdirSync(dirname(fileOf('replies')), { recursive: true })
      if (now.count === 0) writeFileSync(fileOf('replies'), '{"count": 5}')
      return add('mine')(now)
    })
    expect((await onDisk()).count).toBe(6)
  })

  test.each([
    ['{"count": 7,\n "replies": [', 'line 2, column 14'],
    ['{"count": p4ssword}', 'line 1, column 11'],
    ['', ''],
    ['{"count": "seven"}', 'count: '],
    ['{"replies": [{"key": "a", "txt": "b"}]}', 'replies.0'],
  ])('that is broken (%j) leaves the last good content, and stays', async (text, where) => {
    const store = open()
    await store.change(add('good'))
    await edit(text)
    expect((await store.read()).count).toBe(1)
    expect((await store.read()).count).toBe(1)
    const logged = lines.map((line) => JSON.parse(line))
    expect(logged).toMatchObject([
      { level: 'error', instance: 'desk', document: 'replies', error: { code: 'DOCUMENT_BROKEN' } },
    ])
    expect(logged[0].msg).toContain(`${fileOf('replies')}: ${where}`)
    expect(lines.join()).not.toContain('p4ssword')
    await expect(store.change(add('mine'))).rejects.toMatchObject({ code: 'DOCUMENT_BROKEN' })
    expect(await readFile(fileOf('replies'), 'utf8')).toBe(text)
    await edit('{"count": 30}')
    expect((await store.change(add('mine'))).count).toBe(31)
  })

  test('that is broken again after it was good is logged again', async () => {
    const store = open()
    for (const text of ['{"count": 1}', '{', '{"count": 2}', '{']) {
      await edit(text)
      await store.read()
    }
    expect(lines).toHaveLength(2)
  })

  test('that is broken from the start is an error', async () => {
    await edit('{')
    const store = open()
    await expect(store.read()).rejects.toMatchObject({ code: 'DOCUMENT_BROKEN' })
    await edit('{"count": 3}')
    expect((await store.read()).count).toBe(3)
  })
})

describe('a write that fails', () => {
  test('changes neither memory nor disk, and leaves nothing behind', async () => {
    const store = open()
    await store.change(add('first'))
    const inTheWay = `${fileOf('replies')}.${process.pid}.tmp`
    mkdirSync(join(inTheWay, 'x'), { recursive: true })
    await expect(store.change(add('second'))).rejects.toMatchObject({ code: 'EISDIR' })
    expect((await store.read()).count).toBe(1)
    expect((await onDisk()).count).toBe(1)
    await expect(store.change(add('second'))).rejects.toMatchObject({ code: 'EISDIR' })
    await edit('{')
    expect((await store.read()).count).toBe(1)
    await edit('{"count": 1, "replies": [{"key": "first", "text": "x"}]}')
    rmSync(inTheWay, { recursive: true })
    expect((await store.change(add('third'))).replies.map((reply) => reply.key)).toEqual(['first', 'third'])
    expect(await readdir(dirname(fileOf('replies')))).toEqual(['replies.json'])
  })
})

describe('a process that is killed while it writes', () => {
  test('leaves a whole document, and nothing beside it once it is opened again', async () => {
    const program = `
      import { makeDocuments } from ${JSON.stringify(join(import.meta.dirname, '../../../core/services/documents.ts'))}
      import { z } from 'zod'
      const nothing = () => {}
      const schema = z.object({ count: z.number().default(0), padding: z.string().default('') })
      const store = makeDocuments({ folder: process.argv[1], log: { debug: nothing, info: nothing, warn: nothing, error: nothing } })
        .open('desk', 'replies', schema)
      for (;;) {
        const { count } = await store.change(({ count }) => ({ count: count + 1, padding: 'x'.repeat(4_000_000) }))
        process.stdout.write(count + '\\n')
      }`
    let leftovers = 0
    for (let round = 0; round < 4; round++) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', program, folder], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const exit = once(child, 'exit')
      const [output] = await once(child.stdout, 'data')
      // Without giving up the thread: the moment is short.
      const begun = `${fileOf('replies')}.${child.pid}.tmp`
      const sizeBytes = () => statSync(begun, { throwIfNoEntry: false })?.size ?? 0
      for (const untilMs = Date.now() + 5000; sizeBytes() <= round * 1_000_000 && Date.now() < untilMs; );
      child.kill('SIGKILL')
      await exit
      const { count, padding } = await onDisk()
      expect(count).toBeGreaterThanOrEqual(Number.parseInt(output, 10))
      expect(padding).toHaveLength(4_000_000)
      leftovers += (await readdir(dirname(fileOf('replies')))).length - 1
    }
    // The proof is empty if it was never killed in the middle.
    expect(leftovers).toBeGreaterThan(0)
    await makeDocuments({ folder, log })
      .open('desk', 'replies', z.object({ count: z.number().default(0) }))
      .read()
    expect(await readdir(dirname(fileOf('replies')))).toEqual(['replies.json'])
  })
})
