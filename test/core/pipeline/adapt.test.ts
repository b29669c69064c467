import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ALWAYS, type Capabilities } from '../../../core/capabilities.ts'
import type { Choice, Part, Say } from '../../../core/message.ts'
import { adapt, choiceOf, type Target } from '../../../core/pipeline/adapt.ts'

const RUNS = { seed: 6, numRuns: process.env.LONG ? 10_000 : 1_500 }

const TEXTS: Target['texts'] = {
  choose: { 'zh-CN': '请回复数字选择。', en: 'Please answer with a number.' },
  image: { 'zh-CN': '图片', en: 'Picture' },
  audio: { 'zh-CN': '语音', en: 'Recording' },
  video: { 'zh-CN': '视频', en: 'Video' },
  file: { 'zh-CN': '文件', en: 'File' },
  location: { 'zh-CN': '位置', en: 'Location' },
}

/** A channel that sends only text, unless more is said. */
function target(sends: Partial<Capabilities['sends']> = {}, more: Partial<Target> = {}): Target {
  return {
    capabilities: { sends: { text: {}, ...sends }, later: [ALWAYS], showsIdentity: { avatar: true } },
    platform: 'wechat',
    language: 'en',
    languages: ['zh-CN', 'en'],
    texts: TEXTS,
    identity: undefined,
    left: undefined,
    ...more,
  }
}
const text = (text: string): Part => ({ type: 'text', text })
const named = { id: 'amy', name: { 'zh-CN': '小美', en: 'Amy' } }
const nameless = { showsIdentity: 'none' as const }
const withoutFaces = (sends: Partial<Capabilities['sends']> = {}): Target =>
  target(sends, { capabilities: { sends: { text: {}, ...sends }, later: [ALWAYS], ...nameless }, identity: named })

const question: Part = {
  type: 'choices',
  prompt: 'What is it?',
  choices: [
    { id: 'refund', label: 'Refund' },
    { id: 'other', label: 'Something else' },
  ],
}
const photo: Part = { type: 'image', url: 'https://a.cn/1.png', name: '1.png', mimeType: 'image/png', sizeBytes: 900 }
const place: Part = { type: 'location', latitude: 39.98, longitude: 116.3, label: 'Head office' }
const link: Part = { type: 'link', url: 'https://a.cn', title: 'Our shop', description: 'All of it' }
const card: Part = { type: 'native', platform: 'wechat', data: { appid: 'x' }, text: 'Our mini-program' }

describe('what is said', () => {
  test('is sent as it is when the channel can', () => {
    const parts = [text('Hello'), question, photo, place, link, card]
    const sends = { image: {}, location: {}, link: {}, choices: {}, native: {} }
    expect(adapt(parts, target(sends))).toEqual({ parts, fits: 6, unsendable: [], degraded: [] })
  })

  test('is said in the customer’s language', () => {
    const say: Say = { 'zh-CN': '您好', en: ['Hello', 'again'].map(text) }
    expect(adapt(say, target()).parts).toEqual([text('Hello'), text('again')])
    expect(adapt(say, target({}, { language: 'zh-TW' })).parts).toEqual([text('您好')])
    expect(adapt(say, target({}, { language: undefined })).parts).toEqual([text('您好')])
  })

  test('is nothing when it is empty', () => {
    for (const say of ['', ' \n', [], [text(''), text(' ')], { en: '' }]) {
      expect(adapt(say, withoutFaces())).toEqual({ parts: [], fits: 0, unsendable: [], degraded: [] })
    }
  })
})

describe('what the channel cannot send becomes text', () => {
  test.each<[string, Part, string, string]>([
    [
      'choices',
      question,
      'What is it?\n1. Refund\n2. Something else\nPlease answer with a number.',
      'The list of choices was sent as text, because this channel has none.',
    ],
    ['a link', link, 'Our shop\nhttps://a.cn', 'The link was sent as text, because this channel has none.'],
    ['a link without a title', { ...link, title: 'https://a.cn' }, 'https://a.cn', 'The link was sent'],
    ['a place', place, '[Location] Head office\n39.98, 116.3', 'The location was sent'],
    ['a place without a label', { ...place, label: undefined }, '[Location]\n39.98, 116.3', 'The location was sent'],
    ['a picture', photo, '[Picture] 1.png\nhttps://a.cn/1.png', 'The picture was sent'],
    ['a file of ours', { type: 'file', url: 'media:1', name: 'a.pdf' }, '[File] a.pdf', 'The file was sent'],
    ['a nameless one', { type: 'video', url: 'wechat:2' }, '[Video]', 'The video was sent'],
    ['a recording', { type: 'audio', url: 'media:3', transcript: 'Hi' }, '[Recording]\nHi', 'The recording was sent'],
    ['a native part', card, 'Our mini-program', 'The native message was sent as text, because this channel has none.'],
  ])('%s', (_, part, words, why) => {
    const { parts, degraded } = adapt(part, target())
    expect(parts).toEqual([text(words)])
    expect(degraded).toEqual([expect.stringContaining(why)])
  })

  test('when it is too much for it, or of the wrong kind', () => {
    const limits = { image: { maxBytes: 800, mimeTypes: ['image/png', 'image/jpeg'] }, choices: { max: 1 }, native: {} }
    const why = (part: Part) => adapt(part, target(limits)).degraded
    expect(why(photo)).toEqual(['The picture was sent as text, because it has 900 bytes and this channel takes 800.'])
    expect(why({ ...photo, sizeBytes: 800 })).toEqual([])
    expect(why({ ...photo, mimeType: 'image/gif' })).toEqual([
      'The picture was sent as text, because it is image/gif and this channel takes image/png, image/jpeg.',
    ])
    expect(why(question)).toEqual([
      'The list of choices was sent as text, because there are 2 and this channel takes 1.',
    ])
    expect(why({ ...card, platform: 'weibo' })).toEqual([
      'The native message was sent as text, because it is for weibo and this is wechat.',
    ])
  })

  test('but not when nothing is known against it', () => {
    const limits = { image: { maxBytes: 800, mimeTypes: ['image/*'] } }
    const unknown: Part = { type: 'image', url: 'media:1' }
    expect(adapt(unknown, target(limits)).parts).toEqual([unknown])
    const known: Part = { ...unknown, mimeType: 'IMAGE/PNG; q=1', sizeBytes: 1 }
    expect(adapt(known, target(limits)).parts).toEqual([known])
    expect(adapt(known, target({ image: { mimeTypes: ['image/png'] } })).parts).toEqual([known])
    expect(adapt(question, target({ choices: { max: 2 } })).parts).toEqual([question])
    expect(adapt({ ...known, mimeType: 'imagery/png' }, target(limits)).parts).toEqual([text('[Picture]')])
  })

  test('in the customer’s language, and without the words that the operator has emptied', () => {
    expect(adapt(photo, target({}, { language: 'zh-CN' })).parts).toEqual([text('[图片] 1.png\nhttps://a.cn/1.png')])
    const texts = { ...TEXTS, image: '', choose: '' }
    expect(adapt(photo, target({}, { texts })).parts).toEqual([text('1.png\nhttps://a.cn/1.png')])
    expect(adapt(question, target({}, { texts })).parts).toEqual([text('What is it?\n1. Refund\n2. Something else')])
    const { parts, degraded } = adapt({ type: 'image', url: 'media:1' }, target({}, { texts }))
    expect([parts, degraded.length]).toEqual([[], 1])
  })
})

describe('the name', () => {
  test('stands before the first text where the platform shows none', () => {
    expect(adapt([photo, text('Hello'), text('again')], withoutFaces({ image: {} })).parts).toEqual([
      photo,
      text('Amy: Hello'),
      text('again'),
    ])
    expect(adapt('Hello', { ...withoutFaces(), identity: { id: 'bo', name: 'Bo' } }).parts).toEqual([text('Bo: Hello')])
    expect(adapt('您好', { ...withoutFaces(), language: 'zh-CN' }).parts).toEqual([text('小美: 您好')])
  })

  test('stands before a prompt, and before what became text', () => {
    expect(adapt([question, text('?')], withoutFaces({ choices: {} })).parts).toEqual([
      { ...question, prompt: 'Amy: What is it?' },
      text('?'),
    ])
    expect(adapt(link, withoutFaces()).parts).toEqual([text('Amy: Our shop\nhttps://a.cn')])
  })

  test('is not said where the platform shows it, or where there is none', () => {
    expect(adapt('Hello', target({}, { identity: named })).parts).toEqual([text('Hello')])
    expect(adapt('Hello', { ...withoutFaces(), identity: undefined }).parts).toEqual([text('Hello')])
    expect(adapt('Hello', { ...withoutFaces(), identity: { id: 'x', name: '' } }).parts).toEqual([text('Hello')])
    expect(adapt(photo, withoutFaces({ image: {} })).parts).toEqual([photo])
  })

  test('counts towards the limit', () => {
    expect(adapt('Hello there', withoutFaces({ text: { maxChars: 11 } })).parts).toEqual([
      text('Amy: Hello'),
      text('there'),
    ])
  })
})

describe('a long text', () => {
  const limit = { text: { maxChars: 12, maxBytes: 99 } }

  test('is sent as several', () => {
    expect(adapt('One two. Three four.', target(limit))).toEqual({
      parts: [text('One two.'), text('Three four.')],
      fits: 2,
      unsendable: [],
      degraded: ['A text was sent as 2, because this channel takes 12 characters and 99 bytes at once.'],
    })
  })

  test('before choices goes ahead of them', () => {
    const part: Part = { ...question, prompt: 'One two. Three four.' }
    expect(adapt(part, target({ ...limit, choices: {} })).parts).toEqual([
      text('One two.'),
      { ...question, prompt: 'Three four.' },
    ])
  })

  test('leaves room for the choices that stand in it', () => {
    // The list has 28 characters.
    const part: Part = { ...question, prompt: `${'Words. '.repeat(6)}What is it?` }
    const inside = (maxChars: number) => ({ text: { maxChars, holdsChoices: true }, choices: {} })
    const parts = adapt(part, target(inside(60))).parts
    expect(parts).toEqual([text('Words. Words. Words. Words.'), { ...question, prompt: 'Words. Words. What is it?' }])
    expect(adapt(question, target(inside(50)))).toMatchObject({
      parts: [text('What is it?\n1. Refund\n2. Something else'), text('Please answer with a number.')],
      degraded: [
        'The list of choices was sent as text, because it takes more than half of what this channel takes at once.',
        expect.stringContaining('A text was sent as'),
      ],
    })
  })

  test('is measured as the channel writes it, and one that has nothing left then is not said', () => {
    const write = (words: string) => words.replaceAll('<', '[less]').replaceAll('!', '')
    const limits = { text: { maxChars: 12, written: write }, choices: {} }
    expect(adapt('1 < 2 < 3', target(limits)).parts).toEqual([text('1 [less] 2'), text('[less] 3')])
    expect(adapt('!!!', target(limits)).parts).toEqual([])
    const asked: Part = { ...question, prompt: 'a < b', choices: [{ id: 'x', label: '<' }] }
    expect(adapt(asked, target(limits)).parts).toEqual([
      { ...question, prompt: 'a [less] b', choices: [{ id: 'x', label: '[less]' }] },
    ])
  })

  test('that no limit can hold is named, not cut off', () => {
    const { parts, fits, unsendable, degraded } = adapt(
      [text('汉字'), photo],
      target({ text: { maxBytes: 2 }, image: {} }),
    )
    expect([parts, fits, unsendable]).toEqual([[photo], 1, [text('汉字')]])
    expect(degraded).toEqual([
      'A text was not sent, because this channel’s limit does not hold a single character of it.',
    ])
  })
})

describe('where the platform takes few messages', () => {
  const limit = { text: { maxChars: 12 } }

  test('texts beside each other are joined, and nothing else', () => {
    const say = [text('One'), text('two'), photo, text('three')]
    expect(adapt(say, target({ image: {} }, { left: 4 })).parts).toEqual(say)
    expect(adapt(say, target({ image: {} }, { left: 3 }))).toEqual({
      parts: [text('One\ntwo'), photo, text('three')],
      fits: 3,
      unsendable: [],
      degraded: ['Texts were joined, because the platform takes only 3 more.'],
    })
  })

  test('what is joined is still cut after a sentence, if that is enough', () => {
    const say = ['One.', 'Two three.', 'Four five six'].map(text)
    const { parts } = adapt(say, target({ text: { maxChars: 20 } }, { left: 2 }))
    expect(parts).toEqual([text('One.\nTwo three.'), text('Four five six')])
  })

  test('the pieces of long texts are filled', () => {
    const say = 'One two. Three four. Five'
    expect(adapt(say, target(limit, { left: 3 })).parts.map((part) => 'text' in part && part.text)).toEqual([
      'One two.',
      'Three four.',
      'Five',
    ])
    expect(adapt('One two. Threefour five', target(limit, { left: 2 })).parts).toEqual([
      text('One two. Thr'),
      text('eefour five'),
    ])
  })

  test('it says how many fit when they are too many all the same', () => {
    const say = [photo, photo, photo]
    expect(adapt(say, target({ image: {} }, { left: 2 }))).toEqual({
      parts: say,
      fits: 2,
      unsendable: [],
      degraded: ['Only 2 of 3 messages are still taken by the platform.'],
    })
    expect(adapt('Hello', target({}, { left: 0 }))).toMatchObject({ parts: [text('Hello')], fits: 0 })
  })
})

describe('a typed choice', () => {
  const shown: Choice[] = [
    { id: 'refund', label: '退款' },
    { id: 'agent', label: 'Talk to Amy' },
    { id: 'ten', label: '10' },
  ]

  test.each([
    ['1', 'refund'],
    ['２', 'agent'],
    [' 3 ', 'ten'],
    ['1.', 'refund'],
    ['（2）', 'agent'],
    ['1、', 'refund'],
    ['②', 'agent'],
    ['退款', 'refund'],
    [' ＴＡＬＫ  to amy', 'agent'],
    ['10', 'ten'],
    ['0', undefined],
    ['4', undefined],
    ['12', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['我要退款', undefined],
    ['1 2', undefined],
    ['', undefined],
    ['constructor', undefined],
  ])('“%s” means %s', (typed, id) => {
    expect(choiceOf(typed, shown)).toBe(id)
  })

  test('is a label before it is a number', () => {
    const stars = ['5', '4', '3', '2', '1'].map((label) => ({ id: `${label} stars`, label }))
    expect(choiceOf('５', stars)).toBe('5 stars')
    expect(choiceOf('1', [])).toBeUndefined()
  })
})

// ── any reply to any channel ────────────────────────────────────────────────────────────────

const words = fc
  .array(fc.constantFrom('Hello. ', '你好。', 'x', '👨‍👩‍👧', ' ', '\n'), { maxLength: 30 })
  .map((all) => all.join(''))
const url = fc.constantFrom('https://a.cn/x', 'media:1')
const somePart: fc.Arbitrary<Part> = fc.oneof(
  words.map(text),
  fc.record({
    type: fc.constantFrom('image', 'audio', 'video', 'file'),
    url,
    name: fc.constantFrom(undefined, 'a.png'),
    mimeType: fc.constantFrom(undefined, 'image/png', 'text/plain'),
    sizeBytes: fc.option(fc.nat({ max: 20 }), { nil: undefined }),
  }),
  fc.constantFrom(place, link, card),
  fc.record({
    type: fc.constant('choices' as const),
    prompt: words,
    choices: fc.array(fc.record({ id: fc.string(), label: fc.string({ minLength: 1 }) }), {
      minLength: 1,
      maxLength: 4,
    }),
  }),
)
const someMedia = fc.option(
  fc.record({ maxBytes: fc.constantFrom(undefined, 10), mimeTypes: fc.constantFrom(undefined, ['image/png']) }),
  { nil: undefined },
)
const someSends: fc.Arbitrary<Capabilities['sends']> = fc.record({
  text: fc.record({ maxChars: fc.constantFrom(undefined, 10, 40), maxBytes: fc.constantFrom(undefined, 20) }),
  image: someMedia,
  audio: someMedia,
  file: someMedia,
  location: fc.constantFrom(undefined, {}),
  link: fc.constantFrom(undefined, {}),
  choices: fc.constantFrom(undefined, {}, { max: 2 }),
  native: fc.constantFrom(undefined, {}),
})

const holds = (value: string, { maxChars, maxBytes }: Capabilities['sends']['text']) =>
  value.length <= (maxChars ?? value.length) && Buffer.byteLength(value) <= (maxBytes ?? Number.POSITIVE_INFINITY)
const bare = (value: string) => value.replace(/\s+/g, '')
const saidIn = (parts: readonly Part[]) =>
  bare(parts.map((part) => (part.type === 'text' ? part.text : part.type === 'choices' ? part.prompt : '')).join(''))

test('every part fits the channel, and no text is lost, whatever is said', () => {
  const left = fc.option(fc.nat({ max: 6 }), { nil: undefined })
  fc.assert(
    fc.property(fc.array(somePart, { maxLength: 5 }), someSends, left, fc.boolean(), (say, sends, left, anonymous) => {
      const to = { ...(anonymous ? withoutFaces(sends) : target(sends)), left }
      const { parts, fits, unsendable, degraded } = adapt(say, to)
      for (const part of parts) {
        const limits = sends[part.type]
        expect(limits).toBeDefined()
        if (part.type === 'text') expect(part.text.trim()).not.toBe('')
        if (part.type === 'text') expect(holds(part.text, sends.text)).toBe(true)
        if (part.type === 'choices') {
          expect(holds(part.prompt, sends.text)).toBe(true)
          expect(part.choices.length).toBeLessThanOrEqual(sends.choices?.max ?? 99)
        }
        if ('sizeBytes' in part) expect(part.sizeBytes ?? 0).toBeLessThanOrEqual(sends[part.type]?.maxBytes ?? 99)
      }
      expect(unsendable).toEqual([])
      expect(fits).toBe(Math.min(parts.length, left ?? parts.length))
      for (const sentence of degraded) expect(sentence).toMatch(/^[A-Z].*\.$/)

      // The same without limits says what must be said in all; and more messages are never made because fewer are left.
      const whole = adapt(say, {
        ...to,
        left: undefined,
        capabilities: { ...to.capabilities, sends: { ...sends, text: {} } },
      })
      expect(saidIn(parts)).toBe(saidIn(whole.parts))
      expect(parts.length).toBeLessThanOrEqual(adapt(say, { ...to, left: undefined }).parts.length)
      if (anonymous && saidIn(parts) !== '') expect(saidIn(parts).startsWith('Amy:')).toBe(true)
    }),
    RUNS,
  )
})
