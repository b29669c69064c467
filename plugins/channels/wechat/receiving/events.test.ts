import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { EXPECTED, NOT_KEPT } from '../expected-events.ts'
import { readPush } from './events.ts'
import { readXml } from './xml.ts'

const FOLDER = new URL('../__fixtures__/', import.meta.url)

function push(xml: string) {
  const fields = readXml(xml)
  return fields && readPush(fields)
}

function pushOf(file: string) {
  return push(readFileSync(new URL(file, FOLDER), 'utf8'))
}

test('every fixture has its event', () => {
  const files = readdirSync(FOLDER, { withFileTypes: true }).filter((file) => file.isFile())
  expect(files.map(({ name }) => name).sort()).toEqual([...Object.keys(EXPECTED), ...NOT_KEPT].sort())
})

test.each(Object.entries(EXPECTED))('C-WX-04: %s is the event that it should be', (file, expected) => {
  expect({ ...pushOf(file)?.event }).toMatchObject({ ...expected })
})

test.each(NOT_KEPT)('%s is of no customer, or comes every five seconds: it is nothing to keep', (file) => {
  expect(pushOf(file)).toEqual({ to: 'gh_2f0a9c41b7de', event: undefined, answerable: false })
})

test('an event that is only noted has all that the platform said', () => {
  expect(pushOf('unknown-event.xml')?.event?.raw).toMatchObject({ EventKey: 'shop', Place: { Floor: '2' } })
  expect(pushOf('unknown-message.xml')?.event?.raw).toMatchObject({ MsgType: 'hologram', Depth: '3' })
  expect(pushOf('pic-weixin.xml')?.event?.raw).toMatchObject({
    SendPicsInfo: {
      Count: '2',
      PicList: [
        { item: { PicMd5Sum: '1b5f7c23b5bf75682a53e7b6d163e185' } },
        { item: { PicMd5Sum: '5a75aaca956d97be686719218f275c6b' } },
      ],
    },
  })
})

// ── which one it is ─────────────────────────────────────────────────────────────────────────

const said = (head: string, rest: string) => push(`<xml><ToUserName>gh_1</ToUserName>${head}${rest}</xml>`)?.event?.id
const by = (user: string, second: number) => `<FromUserName>${user}</FromUserName><CreateTime>${second}</CreateTime>`
const text = (id: string) => `<MsgType>text</MsgType><Content>hello</Content><MsgId>${id}</MsgId>`
const click = (key: string) => `<MsgType>event</MsgType><Event>CLICK</Event><EventKey>${key}</EventKey>`

describe('the id of an event', () => {
  test('is the same for a repeat', () => {
    expect(said(by('u1', 1), text('7'))).toBe(said(by('u1', 1), text('7')))
    expect(said(by('u1', 1), click('A'))).toBe(said(by('u1', 1), click('A')))
  })

  test('is another for another customer with a message of the same number', () => {
    expect(said(by('u2', 1), text('7'))).not.toBe(said(by('u1', 1), text('7')))
  })

  test('is another for another number, and keeps all its digits', () => {
    expect(said(by('u1', 1), text('4561255354251345929'))).not.toBe(said(by('u1', 1), text('4561255354251345928')))
  })

  test('is another for another second, event or key', () => {
    const other = `<MsgType>event</MsgType><Event>scancode_push</Event><EventKey>A</EventKey>`
    const ids = [
      said(by('u1', 1), click('A')),
      said(by('u1', 2), click('A')),
      said(by('u1', 1), click('B')),
      said(by('u1', 1), other),
    ]
    expect(new Set(ids).size).toBe(4)
  })

  test('is another for another notice that was delivered within the same second', () => {
    const delivered = (id: string) => `<MsgType>event</MsgType><Event>TEMPLATESENDJOBFINISH</Event><MsgID>${id}</MsgID>`
    expect(said(by('u1', 1), delivered('1'))).not.toBe(said(by('u1', 1), delivered('2')))
  })

  test('is short, however long the key is, and still its own', () => {
    const [a, b] = [
      said(by('u1', 1), click(`${'x'.repeat(1_000)}a`)),
      said(by('u1', 1), click(`${'x'.repeat(1_000)}b`)),
    ]
    expect(a?.length).toBeLessThan(128)
    expect(a).not.toBe(b)
  })

  test('is made of all that was said where there is no number', () => {
    const unnumbered = (what: string) => `<MsgType>text</MsgType><Content>${what}</Content>`
    expect(said(by('u1', 1), unnumbered('a'))).toBe(said(by('u1', 1), unnumbered('a')))
    expect(said(by('u1', 1), unnumbered('a'))).not.toBe(said(by('u1', 1), unnumbered('b')))
  })
})

describe('what is not as documented', () => {
  test('is no push, if it does not say who wrote to whom, and when', () => {
    for (const missing of ['ToUserName', 'FromUserName', 'CreateTime', 'MsgType']) {
      const xml = readFileSync(new URL('text.xml', FOLDER), 'utf8')
      expect(push(xml.replaceAll(missing, 'Other')), missing).toBeUndefined()
    }
    expect(push(`<xml><ToUserName>gh_1</ToUserName>${by('', 1)}${text('1')}</xml>`)).toBeUndefined()
    expect(push(`<xml><ToUserName>gh_1</ToUserName>${by('u1', -1)}${text('1')}</xml>`)).toBeUndefined()
  })

  test.each([
    ['a text without words', 'text', '<Content></Content>'],
    ['a text that is elements', 'text', '<Content><b>a</b></Content>'],
    ['a picture without a file', 'image', ''],
    ['a place beyond the poles', 'location', '<Location_X>91</Location_X><Location_Y>0</Location_Y>'],
    ['a place without numbers', 'location', '<Location_X></Location_X><Location_Y></Location_Y>'],
    ['a link to nowhere', 'link', '<Url>nowhere</Url>'],
    ['a type that all objects have', 'constructor', ''],
  ])('is noted as it came: %s', (_what, type, rest) => {
    const event = push(`<xml><ToUserName>gh_1</ToUserName>${by('u1', 1)}<MsgType>${type}</MsgType>${rest}</xml>`)?.event
    expect(event).toMatchObject({ type: 'other', kind: type, grants: 'message', raw: { MsgType: type } })
  })

  test('is noted as it came: an event that all objects have, and one without a name', () => {
    const event = (of: string) =>
      push(`<xml><ToUserName>gh_1</ToUserName>${by('u1', 1)}<MsgType>event</MsgType>${of}</xml>`)
    expect(event('<Event>toString</Event>')?.event).toMatchObject({ type: 'other', kind: 'toString' })
    expect(event('')?.event).toMatchObject({ type: 'other', kind: 'event' })
  })
})
