import { describe, expect, test } from 'vitest'
import { SwitchboardError } from '../../../core/errors.ts'
import { cleanUrl, type LogLevel, makeLog, makeRedactor } from '../../../core/services/log.ts'

function logInto(level: LogLevel = 'info') {
  const lines: string[] = []
  const log = makeLog({ level, stream: { write: (line) => void lines.push(line) } })
  return { log, lines, objects: () => lines.map((line) => JSON.parse(line)) }
}

describe('lines', () => {
  test('are JSON with a readable level and time, the fields and the text', () => {
    const { log, lines, objects } = logInto()
    log.info({ chat: 'c1' }, 'hello')
    expect(lines[0]?.endsWith('}\n')).toBe(true)
    expect(objects()).toEqual([{ level: 'info', time: expect.stringMatching(/^\d{4}-.*Z$/), chat: 'c1', msg: 'hello' }])
  })

  test('below the level are not written', () => {
    const { log, lines } = logInto('warn')
    log.debug({}, 'a')
    log.info({}, 'b')
    log.warn({}, 'c')
    expect(lines).toHaveLength(1)
  })

  test('of a child name its instance', () => {
    const { log, objects } = logInto()
    log.child({ instance: 'shop-wechat' }).child({ turn: 't1' }).info({}, 'x')
    expect(objects()[0]).toMatchObject({ instance: 'shop-wechat', turn: 't1' })
  })
})

describe('errors', () => {
  const cause = new Error('socket closed')
  const error = new SwitchboardError('JOURNAL_WRITE', { cause })

  test('come with code, message, causes, and at error level the stack', () => {
    const { log, objects } = logInto()
    log.error({ error }, 'failed')
    expect(objects()[0].error).toMatchObject({
      name: 'SwitchboardError',
      code: 'JOURNAL_WRITE',
      message: error.message,
      stack: expect.stringContaining('log.test.ts'),
      cause: { message: 'socket closed' },
    })
  })

  test('come without stack in a warning, unless the level is debug', () => {
    const quiet = logInto()
    quiet.log.warn({ error }, 'failed')
    expect(quiet.objects()[0].error.stack).toBeUndefined()
    expect(quiet.objects()[0].error.cause.message).toBe('socket closed')
    const loud = logInto('debug')
    loud.log.warn({ error }, 'failed')
    expect(loud.objects()[0].error.stack).toContain('log.test.ts')
  })

  test('may be the fields themselves, have circular causes, or hold many', () => {
    const { log, objects } = logInto()
    const circle = new Error('round')
    circle.cause = circle
    log.warn(circle, 'x')
    log.warn({ error: new AggregateError([new Error('one'), 'two'], 'many') }, 'x')
    expect(objects()[0].error.message).toBe('round')
    expect(objects()[1].error.errors).toEqual([{ name: 'Error', message: 'one' }, 'two'])
  })

  test('leave out what libraries hang on them', () => {
    const { log, lines } = logInto('debug')
    log.error({ error: Object.assign(new Error('no'), { request: { headers: { authorization: 'Bearer x' } } }) }, 'x')
    expect(lines[0]).not.toContain('Bearer')
  })
})

describe('secrets', () => {
  test('are cut from fields, keys, texts, errors and stacks', () => {
    const { log, lines, objects } = logInto()
    log.hide(['hunter2secret'])
    const error = new Error('bad token hunter2secret', { cause: new Error('hunter2secret again') })
    log.error({ error, hunter2secret: 1, deep: { list: ['x hunter2secret y'] } }, 'said hunter2secret')
    expect(lines[0]).not.toContain('hunter2')
    expect(objects()[0]).toMatchObject({
      msg: 'said [secret]',
      '[secret]': 1,
      deep: { list: ['x [secret] y'] },
      error: { message: 'bad token [secret]', cause: { message: '[secret] again' } },
    })
  })

  test('are cut in children made before, and change with the configuration', () => {
    const { log, objects } = logInto()
    const child = log.child({ instance: 'a' })
    log.hide(['first-secret'])
    child.info({}, 'first-secret second-secret')
    log.hide(['second-secret'])
    child.info({}, 'first-secret second-secret')
    expect(objects().map((line) => line.msg)).toEqual(['[secret] second-secret', 'first-secret [secret]'])
    expect(child.redact('a second-secret')).toBe('a [secret]')
    expect(child.redact('GET https://me:pw@x.example/send?access_token=T failed')).toBe(
      'GET https://x.example/send failed',
    )
  })

  test.each([
    ['as it is', (secret: string) => secret],
    ['inside JSON', (secret: string) => JSON.stringify({ key: secret })],
    ['inside a URL', (secret: string) => encodeURIComponent(secret)],
  ])('with quotes, backslashes and special letters are found %s', (_how, write) => {
    const { log, lines } = logInto()
    log.hide(['pa"ss\\wörd&=', 'a$b^c*'])
    log.info({}, `x ${write('pa"ss\\wörd&=')} ${write('a$b^c*')}`)
    expect(lines[0]).not.toMatch(/w(ö|%C3%B6)rd|b\^c/)
    expect(JSON.parse(lines[0] ?? '').msg.match(/\[secret\]/g)).toHaveLength(2)
  })

  test('that look like numbers or words of the line leave it readable JSON', () => {
    const { log, objects } = logInto()
    log.hide(['2026', '2027', '2028', 'info', '12345678'])
    log.info({ id: 12345678, count: 120264 }, 'info 12345678')
    expect(objects()[0]).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-/),
      msg: '[secret] [secret]',
      id: '[secret]',
      count: 120264,
    })
  })

  test('of which one begins the other leave no rest', () => {
    expect(makeRedactor(['abcd', 'abcdefgh'])('xabcdefghx abcd')).toBe('x[secret]x [secret]')
  })

  test('shorter than 4 characters, and none at all, change nothing', () => {
    expect(makeRedactor(['abc', ''])('abc')).toBe('abc')
    expect(makeRedactor([])('abc')).toBe('abc')
  })
})

describe('urls', () => {
  test('are logged without query, fragment and password', () => {
    expect(cleanUrl('https://user:pw@api.example.com/a/b?access_token=1#x')).toBe('https://api.example.com/a/b')
    expect(cleanUrl(new URL('http://h:1/?a'))).toBe('http://h:1/')
    expect(cleanUrl('/shop/hook?signature=1')).toBe('/shop/hook')
    expect(cleanUrl('not a url')).toBe('not a url')
  })

  test('in any text of a line lose their query too', () => {
    const { log, lines, objects } = logInto()
    const error = new TypeError(
      'Failed to parse "https://me:pw@x.example/a?access_token=TOKEN&b" and wss://y.example?TOKEN',
    )
    log.error({ error, urls: ['HTTPS://z.example/p#TOKEN'] }, 'asked http://w.example/q?TOKEN, then a@b.c?')
    expect(lines[0]).not.toMatch(/TOKEN|pw/)
    expect(objects()[0]).toMatchObject({
      urls: ['HTTPS://z.example/p'],
      error: { message: 'Failed to parse "https://x.example/a" and wss://y.example' },
      msg: 'asked http://w.example/q then a@b.c?',
    })
  })

  test('without a host lose it as well, and other question marks stay', () => {
    const { log, objects } = logInto()
    log.info({ url: '/hook?signature=TOKEN', path: '"/a/b?c=TOKEN&d"' }, 'GET /shop?key=TOKEN: why? /help? or 1/2?x')
    expect(objects()[0]).toMatchObject({
      url: '/hook',
      path: '"/a/b"',
      msg: 'GET /shop why? /help? or 1/2?x',
    })
  })
})
