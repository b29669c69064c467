/** The icons, drawn: emoji are empty boxes where their font is missing. */
import { set } from './dom.ts'

export const CLOSE = 'm6 6 12 12M18 6 6 18'
export const SEND = 'M12 19V5m-6 6 6-6 6 6'
export const ATTACH =
  'm19.5 11.5-7.4 7.4a4.7 4.7 0 0 1-6.6-6.6l7.7-7.7a3.1 3.1 0 0 1 4.4 4.4l-7.6 7.6a1.5 1.5 0 0 1-2.2-2.2l6.9-6.9'
export const FILE = 'M6.5 3.5h7l4 4v13h-11zM13.5 3.5v4h4'
export const ALERT = 'M12 7.5v5.5m0 3v.5M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z'
export const CHECK = 'm5.5 12.5 4.5 4.5 9-10'

const SVG = 'http://www.w3.org/2000/svg'

/** One icon, in the colour of the text around it. It says nothing to screen readers. */
export function icon(shape: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg')
  set(svg, 'viewBox', '0 0 24 24')
  set(svg, 'aria-hidden', true)
  const path = document.createElementNS(SVG, 'path')
  set(path, 'd', shape)
  svg.append(path)
  return svg
}
