/** The real browser: Chromium from its package, unpacked once, with nothing of the machine's own but the processor. */
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterEach, beforeAll, expect } from 'vitest'
import { z } from 'zod'

const ROOT = resolve(import.meta.dirname, '../..')
const PACKAGE = resolve(dirname(fileURLToPath(import.meta.resolve('@sparticuz/chromium'))), '..')
const CHINESE = resolve(ROOT, 'node_modules/@expo-google-fonts/zcool-qingke-huangyou/400Regular')
/** What each page can be asked: see there. */
const LAB = `(() => {${stripTypeScriptTypes(readFileSync(resolve(import.meta.dirname, 'page/lab.ts'), 'utf8'))}})()`
const Version = z.object({ version: z.string() })

/**
 * Of the package's own switches none is taken: it means them for another kind of machine. One process for all crashes
 * with a second context, and without the web's own security tests of origins would pass falsely.
 */
const SWITCHES = [
  // The page's address space is ours alone: names end at loopback, and nothing is asked of the world.
  '--host-resolver-rules=MAP *.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
  '--disable-gpu',
  '--disable-webgl',
  '--font-render-hinting=none',
  '--force-color-profile=srgb',
  '--js-flags=--expose-gc',
]

/** These fonts and no others, so that pictures are the same everywhere, and Chinese is seen everywhere. */
const FONTS = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">fonts</dir>
  <cachedir>~/font-cache</cachedir>
  <alias binding="same"><family>system-ui</family><prefer><family>Open Sans</family></prefer></alias>
  <alias binding="same"><family>sans-serif</family><prefer><family>Open Sans</family></prefer></alias>
</fontconfig>
`

/** Where the browser is unpacked: beside the packages, so that it goes with them. Made when it is not there. */
async function unpacked(): Promise<string> {
  const { version } = Version.parse(JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')))
  const folder = resolve(ROOT, `node_modules/.cache/chromium-${version}`)
  if (existsSync(folder)) return folder
  const making = `${folder}.${process.pid}`
  mkdirSync(making, { recursive: true })
  try {
    // The package unpacks into the temporary folder of whoever asks, and its libraries only where it believes to be rented.
    const ask = "await (await import('@sparticuz/chromium')).default.executablePath()"
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', ask], {
      cwd: ROOT,
      env: { PATH: process.env.PATH ?? '', TMPDIR: making, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x' },
    })
    cpSync(CHINESE, join(making, 'fonts'), { recursive: true, filter: (file) => !/\.(?:png|js|d\.ts)$/.test(file) })
    writeFileSync(join(making, 'fonts.conf'), FONTS)
    // Whole or not at all, also when another worker does the same.
    renameSync(making, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
  } finally {
    rmSync(making, { recursive: true, force: true })
  }
  return folder
}

export async function launch(): Promise<Browser> {
  const folder = await unpacked()
  return chromium.launch({
    executablePath: join(folder, 'chromium'),
    args: SWITCHES,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: folder,
      // Where it is another time of day for the tests, it is for the browser too.
      TZ: process.env.TZ,
      FONTCONFIG_FILE: join(folder, 'fonts.conf'),
      LD_LIBRARY_PATH: join(folder, 'al2023/lib'),
    },
  })
}

export interface Lab {
  readonly browser: Browser
  /** A visitor of his own: another context, with its own storage. Closed after the test. */
  visitor(options?: BrowserContextOptions): Promise<BrowserContext>
  /** A page of a visitor of its own. */
  page(options?: BrowserContextOptions): Promise<Page>
  /** Errors of this page that nobody caught, errors in its console, refusals by its own policy, and dialogs. */
  wrong(page: Page): readonly string[]
}

/** What the browser itself says where a connection fails: no fault of the page. */
const NETWORK = /^(?:Failed to load resource|WebSocket connection to)|net::ERR_/

/** One for all files of a worker: to start it costs as much as several tests. It ends with the worker. */
let browser: Promise<Browser> | undefined

/** A browser for the tests of the file, which has nothing from others: contexts are closed after each test. */
export function useChromium(): Lab {
  let running: Browser | undefined
  const contexts: BrowserContext[] = []
  const watched = new WeakMap<Page, string[]>()
  beforeAll(async () => {
    running = await browser
    if (running?.isConnected() !== true) {
      browser = launch()
      running = await browser
    }
  })
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close()
  })

  function watch(page: Page): void {
    const wrong: string[] = []
    watched.set(page, wrong)
    page.on('pageerror', (error) => wrong.push(`uncaught: ${error.message}`))
    page.on('crash', () => wrong.push('the page crashed'))
    page.on('console', (message) => {
      if (message.type() === 'error' && !NETWORK.test(message.text())) wrong.push(`console: ${message.text()}`)
    })
    page.on('dialog', (dialog) => {
      wrong.push(`dialog: ${dialog.message()}`)
      void dialog.dismiss()
    })
  }

  async function visitor(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    const context = await lab.browser.newContext({
      locale: 'en-GB',
      reducedMotion: 'reduce',
      viewport: { width: 900, height: 700 },
      ...options,
    })
    contexts.push(context)
    context.setDefaultTimeout(10_000)
    context.on('page', watch)
    await context.addInitScript({ content: LAB })
    return context
  }

  const lab: Lab = {
    get browser() {
      if (!running) throw new Error('The browser runs only in tests.')
      return running
    },
    visitor,
    page: async (options) => (await visitor(options)).newPage(),
    wrong: (page) => watched.get(page) ?? [],
  }
  return lab
}

/** As `expect(…).toEqual([])`, and says what was wrong. */
export function expectNothingWrong(lab: Lab, page: Page): void {
  expect(lab.wrong(page), 'what the page did wrong').toEqual([])
}
