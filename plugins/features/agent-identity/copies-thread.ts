/** Makes the copies of one picture, in a thread of its own: decoding a large one takes a second. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import decodeJpeg, { init as initJpeg } from '@jsquash/jpeg/decode.js'
import encodeJpeg, { init as initJpegEncoder } from '@jsquash/jpeg/encode.js'
import decodePng, { init as initPng } from '@jsquash/png/decode.js'
import encodePng, { init as initPngEncoder } from '@jsquash/png/encode.js'
import resize, { initResize } from '@jsquash/resize'
import decodeWebp, { init as initWebp } from '@jsquash/webp/decode.js'
import type { Picture } from './picture.ts'

/** What the thread is given: the file, its kind, and which copies to make of it. */
export interface CopyWork {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly type: Picture['type']
  /** Each with its side in pixels. */
  readonly copies: readonly { readonly side: number; readonly type: 'png' | 'jpeg' }[]
}

/** What browsers call pixels; Node has none, and the codecs make theirs by this name. */
class ImageData {
  readonly data: Uint8ClampedArray<ArrayBuffer>
  readonly width: number
  readonly height: number
  readonly colorSpace = 'srgb'

  constructor(data: Uint8ClampedArray<ArrayBuffer>, width: number, height: number) {
    this.data = data
    this.width = width
    this.height = height
  }
}
Object.assign(globalThis, { ImageData })

/** Where there is no browser, the codecs must be given their programs. */
async function wasm(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await readFile(fileURLToPath(import.meta.resolve(`@jsquash/${path}`))))
}

const DECODERS: { readonly [type in Picture['type']]: (bytes: ArrayBuffer) => Promise<ImageData> } = {
  async png(bytes) {
    await initPng(await wasm('png/codec/pkg/squoosh_png_bg.wasm'))
    return decodePng(bytes)
  },
  async jpeg(bytes) {
    await initJpeg({ wasmBinary: await wasm('jpeg/codec/dec/mozjpeg_dec.wasm') })
    // As the camera was held.
    return decodeJpeg(bytes, { preserveOrientation: true })
  },
  async webp(bytes) {
    await initWebp({ wasmBinary: await wasm('webp/codec/dec/webp_dec.wasm') })
    return decodeWebp(bytes)
  },
}

/** The square in its middle. */
function squareOf({ data, width, height }: ImageData): ImageData {
  const side = Math.min(width, height)
  const [left, top] = [(width - side) >> 1, (height - side) >> 1]
  const square = new Uint8ClampedArray(side * side * 4)
  for (let y = 0; y < side; y++) {
    const from = ((y + top) * width + left) * 4
    square.set(data.subarray(from, from + side * 4), y * side * 4)
  }
  return new ImageData(square, side, side)
}

const ENCODERS: { readonly [type in CopyWork['copies'][number]['type']]: (copy: ImageData) => Promise<ArrayBuffer> } = {
  async png(copy) {
    await initPngEncoder(await wasm('png/codec/pkg/squoosh_png_bg.wasm'))
    return encodePng(copy)
  },
  async jpeg(copy) {
    await initJpegEncoder({ wasmBinary: await wasm('jpeg/codec/enc/mozjpeg_enc.wasm') })
    return encodeJpeg(onWhite(copy))
  },
}

/** What one can see through would be black otherwise. */
function onWhite({ data, width, height }: ImageData): ImageData {
  const opaque = data.map((value, i) => {
    const alpha = (data[i - (i % 4) + 3] ?? 255) / 255
    return i % 4 === 3 ? 255 : Math.round(value * alpha + 255 * (1 - alpha))
  })
  return new ImageData(opaque, width, height)
}

async function copiesOf({ bytes, type, copies }: CopyWork): Promise<readonly Uint8Array[]> {
  const square = squareOf(await DECODERS[type](bytes.buffer))
  await initResize(await wasm('resize/lib/resize/pkg/squoosh_resize_bg.wasm'))
  const made: Uint8Array[] = []
  for (const { side, type } of copies)
    made.push(new Uint8Array(await ENCODERS[type](await resize(square, { width: side, height: side }))))
  return made
}

parentPort?.postMessage(await copiesOf(workerData))
