/** The icons, drawn: emoji are empty boxes where their font is missing. They say nothing to screen readers. */
const SHAPES = {
  chats: 'M4 5.5h16v10.5h-9l-4.5 3.5v-3.5H4z',
  keyboard: 'M3 6.5h18v11H3zM6.5 10h.01M10 10h.01M14 10h.01M17.5 10h.01M7.5 14h9',
  send: 'M4 12 20 4.5 15 20l-3.5-6.5z',
  attach:
    'm19.5 11.5-7.4 7.4a4.7 4.7 0 0 1-6.6-6.6l7.7-7.7a3.1 3.1 0 0 1 4.4 4.4l-7.6 7.6a1.5 1.5 0 0 1-2.2-2.2l6.9-6.9',
  close: 'm6 6 12 12M18 6 6 18',
  check: 'm5.5 12.5 4.5 4.5 9-10',
  back: 'm14.5 5-7 7 7 7',
  search: 'M11 4.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM16 16l4 4',
  transfer: 'M4 8.5h14m-4-4 4 4-4 4M20 15.5H6m4-4-4 4 4 4',
  bot: 'M5 9h14v9.5H5zM12 9V5m0-.5v.01M9 13v.01M15 13v.01M9.5 16h5',
  monitor: 'M3.5 5h17v11h-17zM8.5 19.5h7M12 16v3.5M6.5 12.5l3-3 2.5 2 5-4',
  key: 'M8 8.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM11.5 12H20v3.5M16.5 12v2.5',
  person: 'M12 4.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM5 19.5c.8-3.6 3.5-5 7-5s6.2 1.4 7 5',
  why: 'M9 9.3c.2-1.7 1.4-2.8 3.1-2.8 1.8 0 3.1 1.1 3.1 2.7 0 2.3-3.1 2.5-3.1 4.8M12 17.5v.01',
  alert: 'M12 7.5v5.5m0 3v.5M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z',
  blocked: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM6 6l12 12',
  eye: 'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z',
  file: 'M6.5 3.5h7l4 4v13h-11zM13.5 3.5v4h4',
  note: 'M5 4.5h14v10l-5 5H5zM14 19.5v-5h5',
  take: 'M12 4v10m-4.5-4.5L12 14l4.5-4.5M5 18.5h14',
  silent: 'M4 9.5v5h3.5L12 18V6L7.5 9.5zM16 9.5l5 5M21 9.5l-5 5',
  clock: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 7.5V12l3 2',
  up: 'M12 19V5m-6 6 6-6 6 6',
  customers:
    'M9 5.5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM3 19c.6-3.2 2.8-4.5 6-4.5s5.4 1.3 6 4.5M15.5 5.8a3 3 0 0 1 0 5.5M17.5 14.8c2 .5 3.1 1.9 3.5 4.2',
  phone:
    'M6 4.5h3l1.5 4-2 1.5a11 11 0 0 0 5 5l1.5-2 4 1.5v3c0 1-.8 1.7-1.8 1.6C10 18.5 5 13.5 4.4 6.3c0-1 .6-1.8 1.6-1.8z',
  audit: 'M8.5 6h11M8.5 12h11M8.5 18h11M4.5 6h.01M4.5 12h.01M4.5 18h.01',
  becomes: 'M4 12h15m-6-6 6 6-6 6',
  down: 'm6 9.5 6 6 6-6',
  slash: 'M4.5 4.5h15v15h-15zM14.5 8l-5 8',
  statistics: 'M4.5 19.5v-8h4v8zM10 19.5v-15h4v15zM15.5 19.5v-11h4v11z',
  star: 'm12 4 2.4 5.2 5.6.6-4.2 3.8 1.2 5.6-5-2.9-5 2.9 1.2-5.6L4 9.8l5.6-.6z',
  info: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 11v5.5M12 7.5v.01',
} as const

export type IconName = keyof typeof SHAPES

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true" class="icon">
      <path d={SHAPES[name]} />
    </svg>
  )
}
