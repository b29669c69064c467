/**
 * What the wechat channel's reader of XML takes for each byte of a body: of a small one, and of the largest that is taken.
 * Twice as much must not take more than twice as long, whatever is in it. Prints one line of JSON for `run.ts`.
 */
import { readXml } from '../plugins/channels/wechat/receiving/xml.ts'
import { median } from './statistics.ts'

const isQuick = process.argv.includes('--quick')
const ROUNDS = isQuick ? 3 : 15
/** The first few are for the compiler. */
const WARM_UP_ROUNDS = 5
const BYTES_OF_A_ROUND = isQuick ? 1_024 * 1_024 : 4 * 1_024 * 1_024
const SMALL_BYTES = 2 * 1_024
const LARGE_BYTES = 256 * 1_024

/** Bodies made of one thing, as often as there is room for it. */
const FORMS: { readonly [form: string]: readonly [before: string, again: string, after: string] } = {
  text: ['<A><![CDATA[', '在吗？ hello ', ']]></A>'],
  // Of shorter ones there would be more than are taken.
  elements: ['', `<A><![CDATA[${'a'.repeat(120)}]]></A>`, ''],
  references: ['<A>', '&amp;&#x5728;', '</A>'],
}

function bodyOf([before, again, after]: readonly [string, string, string], bytes: number): string {
  const room = bytes - Buffer.byteLength(`<xml>${before}${after}</xml>`)
  return `<xml>${before}${again.repeat(room / Buffer.byteLength(again))}${after}</xml>`
}

/** Of the processor: what the garbage of it costs is its own. */
function nanosecondsPerByte(body: string): number {
  const bytes = Buffer.byteLength(body)
  const times = Math.ceil(BYTES_OF_A_ROUND / bytes)
  const before = process.cpuUsage()
  for (let i = 0; i < times; i++) if (readXml(body) === undefined) throw new Error(`It was not read: ${body}`)
  const { user, system } = process.cpuUsage(before)
  return ((user + system) * 1_000) / (times * bytes)
}

function figuresOf(form: readonly [string, string, string]) {
  const [small, large] = [bodyOf(form, SMALL_BYTES), bodyOf(form, LARGE_BYTES)]
  const smallNs: number[] = []
  const largeNs: number[] = []
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    const [ofSmall, ofLarge] = [nanosecondsPerByte(small), nanosecondsPerByte(large)]
    if (round < 0) continue
    smallNs.push(ofSmall)
    largeNs.push(ofLarge)
  }
  return { smallNs: median(smallNs), largeNs: median(largeNs), growth: median(largeNs) / median(smallNs) }
}

console.log(JSON.stringify(Object.fromEntries(Object.entries(FORMS).map(([name, form]) => [name, figuresOf(form)]))))
