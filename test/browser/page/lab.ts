/**
 * What runs inside the pages of the tests: put into each of them before anything else, and asked by `lab.…`. It is a
 * script, not a module; nothing imports it, because pages and servers have types of their own.
 */

const noted = { kinds: new Set<string>(), addresses: new Set<string>(), texts: new Set<string>(), alarms: 0 }
const seen = { shift: 0, refused: 0 }
const readAloud: string[] = []

/** Where a chat may lead, and where its pictures may come from. */
const SAFE = new Set(['http:', 'https:', 'mailto:', 'tel:', 'blob:'])
const ADDRESSES = new Set([
  'href',
  'src',
  'srcset',
  'action',
  'formaction',
  'data',
  'poster',
  'xlink:href',
  'background',
  'style',
])

function note(element: Element): void {
  const attributes = Array.from(element.attributes, ({ name }) => name).sort()
  noted.kinds.add(`${element.localName}${attributes.map((name) => `[${name}`).join('')}`)
  for (const { name, value } of Array.from(element.attributes)) {
    // Heights are set by the script; nothing is fetched by them.
    if (name === 'style' ? !/[(\\@]/.test(value) : !ADDRESSES.has(name)) continue
    const url = URL.canParse(value, location.href) ? new URL(value, location.href) : undefined
    if (name === 'style' || !url || !SAFE.has(url.protocol))
      noted.addresses.add(`${element.localName} ${name}=${value}`)
  }
  if (element.textContent) noted.texts.add(element.textContent)
}

function allElements(root: ParentNode): readonly Element[] {
  return Array.from(root.querySelectorAll('*')).flatMap((element) => [
    element,
    ...(element.shadowRoot ? allElements(element.shadowRoot) : []),
  ])
}

/** What is inside the chat. */
function chatOf(): ShadowRoot {
  const root = document.querySelector('switchboard-chat')?.shadowRoot
  if (!root) throw new Error('There is no chat on this page.')
  return root
}

/** Hidden for the eye, and read aloud. */
function isForReadersAlone({ position, clipPath, clip }: CSSStyleDeclaration): boolean {
  return position === 'absolute' && (clipPath !== 'none' || clip !== 'auto')
}

const lab = {
  /** From now on notes what becomes of all that is put into a shadow root, also of what is gone again soon. */
  watchChat(): void {
    const attach = Element.prototype.attachShadow
    Element.prototype.attachShadow = function (options) {
      const root = attach.call(this, options)
      const observer = new MutationObserver((changes) => {
        for (const { target, addedNodes } of changes) {
          if (target instanceof Element) note(target)
          for (const node of Array.from(addedNodes)) {
            if (node instanceof Element) for (const one of [node, ...Array.from(node.querySelectorAll('*'))]) note(one)
            else if (node.parentElement) note(node.parentElement)
          }
        }
      })
      observer.observe(root, { subtree: true, childList: true, characterData: true, attributes: true })
      return root
    }
  },

  /** What was noted, and how often the alarm was called. */
  noted() {
    const { kinds, addresses, texts, alarms } = noted
    return { kinds: [...kinds], addresses: [...addresses], texts: [...texts], alarms }
  },

  /** From now on notes what the browser itself holds against the page. */
  watchPage(): void {
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if ('value' in entry) seen.shift += Number(entry.value)
    }).observe({ type: 'layout-shift', buffered: true })
    document.addEventListener('securitypolicyviolation', () => {
      seen.refused++
    })
  },

  seen: () => seen,

  /** A text as it is drawn. */
  drawn(text: string): string {
    const canvas = document.createElement('canvas')
    const context = canvas.getContext('2d')
    if (!context) throw new Error('There is no canvas here.')
    context.font = '48px sans-serif'
    context.fillText(text, 10, 60)
    return canvas.toDataURL()
  },

  /** The name or text of what has the focus, also inside the chat. */
  focused(): string {
    let element = document.activeElement
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement
    return element?.getAttribute('aria-label') ?? element?.textContent ?? ''
  },

  /** From now on notes which texts are put into the conversation where screen readers read them aloud. */
  listen(): void {
    const log = chatOf().querySelector('[role=log]')
    if (!log) throw new Error('There is no conversation here.')
    new MutationObserver((changes) => {
      for (const { target, addedNodes } of changes) {
        const element = target instanceof Element ? target : target.parentElement
        if (!element?.isConnected || element.className === 'separator') continue
        if (element.closest('[aria-live]')?.getAttribute('aria-live') === 'off') continue
        for (const { textContent } of Array.from(addedNodes)) if (textContent) readAloud.push(textContent)
      }
    }).observe(log, { childList: true, subtree: true })
  },

  /** What was read aloud. */
  heard: (): readonly string[] => readAloud,

  /** As a phone does when its keyboard opens, or when somebody looks closer; with nothing given, as it was. */
  seeOnly(part: { readonly height: number; readonly offsetTop: number; readonly scale?: number } | undefined): void {
    if (!visualViewport) throw new Error('This browser does not say what is seen.')
    for (const name of ['height', 'offsetTop', 'scale']) Reflect.deleteProperty(visualViewport, name)
    for (const [name, value] of Object.entries(part ?? {}))
      Object.defineProperty(visualViewport, name, { value, configurable: true })
    visualViewport.dispatchEvent(new Event('resize'))
  },

  /** As when somebody goes to another tab, or to another program beside this page, and comes back. */
  look(isVisible: boolean, hasFocus: boolean): void {
    const visibilityState = isVisible ? 'visible' : 'hidden'
    Object.defineProperty(document, 'visibilityState', { value: visibilityState, configurable: true })
    Object.defineProperty(document, 'hasFocus', { value: () => hasFocus, configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))
    dispatchEvent(new Event(hasFocus ? 'focus' : 'blur'))
  },

  /** A short film without a sound, as this browser itself writes it: WebM, in base64. */
  async film(): Promise<string> {
    const canvas = document.createElement('canvas')
    const context = canvas.getContext('2d')
    if (!context) throw new Error('There is no canvas here.')
    const pieces: Blob[] = []
    const recorder = new MediaRecorder(canvas.captureStream(), { mimeType: 'video/webm' })
    recorder.ondataavailable = ({ data }) => pieces.push(data)
    const stopped = new Promise((resolve) => {
      recorder.onstop = resolve
    })
    recorder.start()
    for (let frame = 0; frame < 10; frame++) {
      context.fillStyle = `hsl(${frame * 36} 80% 40%)`
      context.fillRect(0, 0, canvas.width, canvas.height)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    recorder.stop()
    await stopped
    return new Uint8Array(await new Blob(pieces).arrayBuffer()).toBase64()
  },

  /** Where the page's own elements stand, and how they look. */
  boxes() {
    return Array.from(document.querySelectorAll('main, main *'), (element) => {
      const { x, y, width, height } = element.getBoundingClientRect()
      const { color, fontSize, fontFamily } = getComputedStyle(element)
      return [element.localName, x, y, width, height, color, fontSize, fontFamily]
    })
  },

  /** What does not fit: what is wider than the page, and texts of which a part cannot be seen and no dots say so. */
  misfits(): readonly string[] {
    const found: string[] = []
    const pageWidth = document.documentElement.scrollWidth
    if (pageWidth > innerWidth) found.push(`the page is ${pageWidth} px wide`)
    for (const element of allElements(document.body)) {
      const box = element.getBoundingClientRect()
      const style = getComputedStyle(element)
      const isSeen = box.width > 1 && box.height > 1 && element.checkVisibility({ visibilityProperty: true })
      if (!isSeen || isForReadersAlone(style) || element.closest('svg')) continue
      const name = `${element.localName}.${element.className} "${(element.textContent ?? '').slice(0, 30)}"`
      // A wide table is scrolled by itself, and so are many pages in the rail.
      const isScrolled = element.parentElement?.closest('.table-scroll, .rail-pages')
      if (!isScrolled && (box.left < -1 || box.right > innerWidth + 1))
        found.push(`${name} stands from ${box.left} to ${box.right}`)
      const hasText = Array.from(element.childNodes).some((node) => node.nodeType === 3 && node.textContent?.trim())
      if (!hasText) continue
      const { scrollWidth, clientWidth, scrollHeight, clientHeight } = element
      const isCut = scrollWidth > clientWidth + 1 && /hidden|clip/.test(style.overflowX)
      if (isCut && style.textOverflow !== 'ellipsis') found.push(`${name} is cut at its side`)
      if (scrollHeight > clientHeight + 1 && /hidden|clip/.test(style.overflowY)) found.push(`${name} is cut below`)
    }
    return found
  },

  /** Lets every touch of the storage throw, as some browsers do. */
  refuseStorage(): void {
    const refuse = {
      get(): never {
        throw new DOMException('refused', 'SecurityError')
      },
    }
    for (const name of ['localStorage', 'sessionStorage', 'indexedDB']) Object.defineProperty(window, name, refuse)
    Object.defineProperty(Document.prototype, 'cookie', refuse)
  },

  /** Changes what every program counts on, as some old pages do. */
  strangeGlobals(): void {
    Object.assign(Array.prototype, { toJSON: () => 'strange', extra: 1 })
    Object.assign(Object.prototype, { extra: 1, inherited() {} })
    Object.assign(window, { chat: 1, define: Object.assign(() => {}, { amd: {} }), module: {}, exports: {} })
  },

  /** Draws the page anew without a load, as frameworks do, and puts the chat back if `keep`. */
  drawAnew(keep: boolean): void {
    const chat = document.querySelector('switchboard-chat')
    history.pushState({}, '', '/anew')
    const main = document.createElement('main')
    main.append(Object.assign(document.createElement('h1'), { textContent: 'Anew' }))
    document.body.replaceChildren(main)
    if (chat && keep) document.body.append(chat)
  },

  /** Runs a script again, as frameworks do with each of their pages. */
  run(src: string): Promise<unknown> {
    return new Promise((resolve) => {
      document.head.append(Object.assign(document.createElement('script'), { src, onload: resolve }))
    })
  },
}

Object.assign(globalThis, {
  lab,
  alarm() {
    noted.alarms++
  },
})
