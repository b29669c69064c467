import { describe, expect, test } from 'vitest'
import { readXml } from './xml.ts'

/** As plain objects: those of the reader have no prototype. */
function read(text: string): unknown {
  const fields = readXml(text)
  return fields && JSON.parse(JSON.stringify(fields))
}

describe('what the platform writes is read:', () => {
  test.each([
    ['texts and CDATA', '<xml><A><![CDATA[a]]></A><B>b</B></xml>', { A: 'a', B: 'b' }],
    ['texts that look like numbers', '<xml><A>007</A><B>1e5</B><C>true</C></xml>', { A: '007', B: '1e5', C: 'true' }],
    ['numbers beyond 2^53', '<xml><MsgId>4561255354251345929</MsgId></xml>', { MsgId: '4561255354251345929' }],
    ['empty elements', '<xml><A></A><B/><C><![CDATA[]]></C></xml>', { A: '', B: '', C: '' }],
    ['spaces and lines between elements', ' <xml>\n  <A>a</A>\n  <B>b</B>\n</xml>\n ', { A: 'a', B: 'b' }],
    ['spaces in texts', '<xml><A> a\n b </A></xml>', { A: ' a\n b ' }],
    ['elements in elements', '<xml><A><B><C>c</C></B></A></xml>', { A: { B: { C: 'c' } } }],
    ['elements that repeat', '<xml><A>1</A><B/><A>2</A><A><C>3</C></A></xml>', { A: ['1', '2', { C: '3' }], B: '' }],
    ['elements whose name begins as another', '<xml><A>1</A><AB>2</AB></xml>', { A: '1', AB: '2' }],
    ['attributes of the root', '<xml a="1" webwx_msg_cli_ver_0x1><A>a</A></xml>', { A: 'a' }],
    ['a declaration before it', '<?xml version="1.0" encoding="UTF-8"?>\n<xml><A>a</A></xml>', { A: 'a' }],
    ['a mark of byte order before it', '\ufeff<xml><A>a</A></xml>', { A: 'a' }],
    ['the five names', '<xml><A>&lt;&gt;&amp;&quot;&apos;</A></xml>', { A: '<>&"\'' }],
    ['numbered characters', '<xml><A>&#20320;&#x597D;&#128512;</A></xml>', { A: '你好😀' }],
    ['no reference in CDATA', '<xml><A><![CDATA[&lt;&nbsp;]]></A></xml>', { A: '&lt;&nbsp;' }],
    ['nothing is read twice', '<xml><A>&amp;lt;</A></xml>', { A: '&lt;' }],
    ['XML in a text', '<xml><A><![CDATA[<xml><B>b</B></xml>]]></A></xml>', { A: '<xml><B>b</B></xml>' }],
    ['a document type in a text', '<xml><A><![CDATA[<!DOCTYPE a>]]></A></xml>', { A: '<!DOCTYPE a>' }],
    ['CDATA that was split', '<xml><A><![CDATA[a]]]]><![CDATA[>b]]></A></xml>', { A: 'a]]>b' }],
    ['nothing at all', '<xml></xml>', {}],
    ['nothing, in short', '<xml/>', {}],
    [
      'elements with names of ours',
      '<xml><constructor>a</constructor><toString>b</toString></xml>',
      { constructor: 'a', toString: 'b' },
    ],
  ])('%s', (_what, text, expected) => expect(read(text)).toEqual(expected))

  test('control characters are left out, typed or numbered', () => {
    expect(read('<xml><A><![CDATA[a\u0002\u001db\u0000]]></A><B>&#2;b\ufffe</B></xml>')).toEqual({ A: 'ab', B: 'b' })
    expect(read('<xml><A><![CDATA[a\tb\nc]]></A></xml>')).toEqual({ A: 'a\tb\nc' })
  })

  test('an element called __proto__ is an element', () => {
    const fields = readXml('<xml><__proto__><polluted>yes</polluted></__proto__></xml>')
    expect(Object.keys(fields ?? {})).toEqual(['__proto__'])
    expect('polluted' in {}).toBe(false)
  })
})

describe('what is not in this form is refused:', () => {
  test.each([
    ['nothing', ''],
    ['JSON', '{"a":1}'],
    ['another root', '<html><A>a</A></html>'],
    ['a root that only begins so', '<xmls><A>a</A></xmls>'],
    ['a document type', '<!DOCTYPE xml [<!ENTITY a "b">]><xml><A>&a;</A></xml>'],
    ['a document type inside', '<xml><!DOCTYPE a><A>a</A></xml>'],
    ['an entity inside', '<xml><!ENTITY a SYSTEM "file:///etc/passwd"><A>a</A></xml>'],
    ['an entity of its own', '<xml><A>&a;</A></xml>'],
    ['a reference without an end', '<xml><A>a & b</A></xml>'],
    ['a name of all objects as an entity', '<xml><A>&toString;</A></xml>'],
    ['half a character', '<xml><A>&#xD83D;</A></xml>'],
    ['a character that does not exist', '<xml><A>&#x110000;</A></xml>'],
    ['a comment', '<xml><!-- a --><A>a</A></xml>'],
    ['an instruction', '<xml><?a b?><A>a</A></xml>'],
    ['attributes below the root', '<xml><A b="c">a</A></xml>'],
    ['an end that is missing', '<xml><A>a</A>'],
    ['an end of another', '<xml><A>a</B></xml>'],
    ['an end that only begins so', '<xml><A>a</AB></xml>'],
    ['ends that cross', '<xml><A><B>a</A></B></xml>'],
    ['a second root', '<xml></xml><xml></xml>'],
    ['something behind it', '<xml></xml>a'],
    ['something before it', 'a<xml></xml>'],
    ['text beside elements', '<xml><A>a<B>b</B></A></xml>'],
    ['CDATA beside elements', '<xml><A><![CDATA[]]><B>b</B></A></xml>'],
    ['text in the root', '<xml>a</xml>'],
    ['CDATA without an end', '<xml><A><![CDATA[a</A></xml>'],
    ['an element without a name', '<xml><></></xml>'],
    ['a name of a digit', '<xml><1>a</1></xml>'],
    ['half an element', '<xml><A'],
    ['very long attributes', `<xml ${'a'.repeat(2_000)}></xml>`],
  ])('%s', (_what, text) => expect(readXml(text)).toBeUndefined())

  test('more levels than messages have', () => {
    const nested = (levels: number) => `<xml>${'<A>'.repeat(levels)}${'</A>'.repeat(levels)}</xml>`
    expect(readXml(nested(15))).toBeDefined()
    expect(readXml(nested(16))).toBeUndefined()
    expect(readXml(nested(30_000))).toBeUndefined()
  })

  test('more elements than messages have', () => {
    expect(readXml(`<xml>${'<A/>'.repeat(2_000)}</xml>`)).toBeDefined()
    expect(readXml(`<xml>${'<A/>'.repeat(2_001)}</xml>`)).toBeUndefined()
  })
})
