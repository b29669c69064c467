import fastify from 'fastify'
import { expect, test } from 'vitest'
import { csvLine, sendCsv } from './csv.ts'

test('what a spreadsheet would reckon is text in it, and numbers stay numbers', () => {
  for (const text of ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', ' =1', '＝1', '－1'])
    expect(csvLine([text]).replace(/^"/, '')[0], text).toBe("'")
  expect(csvLine(['a=1', '1-2', 'me@shop.example', -5, 0, undefined, ''])).toBe('a=1,1-2,me@shop.example,-5,0,,\r\n')
})

test('signs of its own are quoted', () => {
  expect(csvLine(['a,b', 'say "hi"', 'two\nlines', '=HYPERLINK("x,y")'])).toBe(
    '"a,b","say ""hi""","two\nlines","\'=HYPERLINK(""x,y"")"\r\n',
  )
})

test('it is a file to be saved, which Excel reads as UTF-8', async () => {
  await using web = fastify()
  web.get('/', (_request, reply) => {
    sendCsv(reply, 'audit', [['时间'], ['今天']])
    return reply
  })
  const { headers, rawPayload } = await web.inject('/')
  expect(headers['content-type']).toBe('text/csv; charset=utf-8')
  expect(headers['content-disposition']).toBe('attachment; filename="audit.csv"')
  expect(rawPayload.toString('utf8')).toBe('\uFEFF时间\r\n今天\r\n')
})
