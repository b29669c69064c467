/** A sound and a film that browsers really play, made by the test: small, and no file of anybody's. */
import type { Page } from 'playwright-core'

export interface Recording {
  readonly name: string
  readonly mimeType: string
  readonly buffer: Buffer
}

const SAMPLES_PER_SECOND = 8_000

/** A second of a quiet tone: WAV, one byte for each sample. */
export function sound(): Recording {
  const samples = Buffer.from(
    Uint8Array.from({ length: SAMPLES_PER_SECOND }, (_, i) => 128 + 20 * Math.sin((i / SAMPLES_PER_SECOND) * 2_764)),
  )
  const head = Buffer.alloc(44)
  head.write('RIFF', 0)
  head.writeUInt32LE(36 + samples.length, 4)
  head.write('WAVEfmt ', 8)
  head.writeUInt32LE(16, 16)
  // Not compressed, and one channel.
  head.writeUInt16LE(1, 20)
  head.writeUInt16LE(1, 22)
  head.writeUInt32LE(SAMPLES_PER_SECOND, 24)
  head.writeUInt32LE(SAMPLES_PER_SECOND, 28)
  head.writeUInt16LE(1, 32)
  head.writeUInt16LE(8, 34)
  head.write('data', 36)
  head.writeUInt32LE(samples.length, 40)
  return { name: 'bell.wav', mimeType: 'audio/wav', buffer: Buffer.concat([head, samples]) }
}

/** Half a second of colours, as the browser of this page writes a film. */
export async function film(page: Page): Promise<Recording> {
  const written = await page.evaluate<string>('lab.film()')
  return { name: 'colours.webm', mimeType: 'video/webm', buffer: Buffer.from(written, 'base64') }
}
