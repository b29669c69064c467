/** Colours that can be read: every pair of text and background has a contrast of at least 4.5 (WCAG 2.2, 1.4.3). */

type Rgb = readonly [number, number, number]

const ENOUGH = 4.5
/** Below it a colour is too light to be darkened for white text without becoming another colour. */
const NEARLY_ENOUGH = 2.9
const WHITE: Rgb = [255, 255, 255]
const INK: Rgb = [17, 20, 24]
/** What the operator's colour is to be readable on: of the widget's surfaces that carry text in it, the darkest and the lightest. */
const SURFACE = { light: '#f1f3f6', dark: '#262b32' }

/** A colour such as `#1a73e8`. */
const read = (hex: string): Rgb => {
  const number = Number.parseInt(hex.slice(1), 16)
  return [number >> 16, (number >> 8) & 255, number & 255]
}

const write = (color: Rgb): string => `#${color.map((part) => part.toString(16).padStart(2, '0')).join('')}`

/** Source: Web Content Accessibility Guidelines 2.2, "relative luminance", https://www.w3.org/TR/WCAG22/, read 2026-11-22. */
function luminance(color: Rgb): number {
  const [red, green, blue] = color.map((part) => {
    const share = part / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0)
}

function contrast(one: Rgb, other: Rgb): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return (light + 0.05) / (dark + 0.05)
}

/** The colour, moved in small steps towards another until it can be read on the surface. */
function moved(color: Rgb, towards: Rgb, surface: Rgb): Rgb {
  let now = color
  for (let step = 1; step <= 20 && contrast(now, surface) < ENOUGH; step++) {
    const mix = (from: number, to: number) => Math.round(from + ((to - from) * step) / 20)
    now = [mix(color[0], towards[0]), mix(color[1], towards[1]), mix(color[2], towards[2])]
  }
  return now
}

/** The contrast of two colours, from 1 to 21. */
export const contrastOf = (one: string, other: string): number => contrast(read(one), read(other))

/** The operator's colour as a background, and what is written on it: white if a little darkening makes that readable. */
export function brandOf(color: string): { readonly brand: string; readonly onBrand: string } {
  const brand = read(color)
  if (contrast(brand, WHITE) < NEARLY_ENOUGH) return { brand: write(brand), onBrand: write(INK) }
  return { brand: write(moved(brand, INK, WHITE)), onBrand: write(WHITE) }
}

/** The operator's colour as a text on a surface. */
export function accentOn(surface: string, color: string): string {
  const ground = read(surface)
  return write(moved(read(color), luminance(ground) > 0.5 ? [0, 0, 0] : WHITE, ground))
}

/** All that the widget makes of the operator's colour, as custom properties of its styles. */
export function colorsOf(color: string): string {
  const { brand, onBrand } = brandOf(color)
  const [light, dark] = [accentOn(SURFACE.light, color), accentOn(SURFACE.dark, color)]
  return `--brand:${brand};--on-brand:${onBrand};--on-light:${light};--on-dark:${dark}`
}
