/** What a file says in its first bytes that it is. Nothing is decoded: a picture of bad will costs nothing here. */

export interface Picture {
  readonly type: 'png' | 'jpeg' | 'webp'
  readonly width: number
  readonly height: number
}

/** `undefined`: it is none of these, or broken at its beginning. Its name says nothing. */
export function pictureOf(bytes: Uint8Array): Picture | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    const found = png(view) ?? jpeg(view) ?? webp(view)
    return found && found.width > 0 && found.height > 0 ? found : undefined
  } catch (error) {
    // It ends before it has said how large it is.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** The signature, then the header chunk. Source: https://www.w3.org/TR/png-3/ (5.2, 11.2.1), read 2026-11-22. */
function png(view: DataView): Picture | undefined {
  if (view.getUint32(0) !== 0x89504e47 || view.getUint32(4) !== 0x0d0a1a0a || !has(view, 12, 'IHDR')) return undefined
  return { type: 'png', width: view.getUint32(16), height: view.getUint32(20) }
}

/** Marker by marker up to the start of a frame. Source: ITU-T T.81, B.1 and B.2, read 2026-11-22. */
function jpeg(view: DataView): Picture | undefined {
  if (view.getUint16(0) !== 0xffd8) return undefined
  for (let at = 2; ; at += 2 + view.getUint16(at + 2)) {
    const marker = view.getUint16(at)
    if (marker < 0xffc0) return undefined
    const isFrame = marker <= 0xffcf && marker !== 0xffc4 && marker !== 0xffc8 && marker !== 0xffcc
    if (isFrame) return { type: 'jpeg', width: view.getUint16(at + 7), height: view.getUint16(at + 5) }
  }
}

/** Three kinds of it. Source: https://developers.google.com/speed/webp/docs/riff_container, read 2026-11-22. */
function webp(view: DataView): Picture | undefined {
  if (!has(view, 0, 'RIFF') || !has(view, 8, 'WEBP')) return undefined
  if (has(view, 12, 'VP8X')) return { type: 'webp', width: 1 + uint24(view, 24), height: 1 + uint24(view, 27) }
  if (has(view, 12, 'VP8L')) {
    const bits = view.getUint32(21, true)
    return { type: 'webp', width: 1 + (bits & 0x3fff), height: 1 + ((bits >> 14) & 0x3fff) }
  }
  if (!has(view, 12, 'VP8 ')) return undefined
  return { type: 'webp', width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff }
}

function has(view: DataView, at: number, text: string): boolean {
  return Array.from(text).every((letter, i) => view.getUint8(at + i) === letter.charCodeAt(0))
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) | (view.getUint8(at + 2) << 16)
}
