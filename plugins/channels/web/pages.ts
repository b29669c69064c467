/** What browsers load from here: the loader with the settings in it, the widget, the operator's logo, the demo page. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { type Settings, widgetSettings } from './settings.ts'

const BUILT = new URL('built/', import.meta.url)
const SCRIPT = 'text/javascript; charset=utf-8'
/** What the loader was built with in place of the settings. */
const PLACEHOLDER = /(["'`])__SETTINGS__\1/
const PICTURES: { readonly [extension: string]: string } = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
  '.svg': 'image/svg+xml',
}
const FOR_EVER = 'public, max-age=31536000, immutable'
const FOR_A_WHILE = 'public, max-age=300'
/** The page is ours, and its chat shows pictures from elsewhere. */
const DEMO_POLICY =
  "default-src 'self'; img-src 'self' https: data: blob:; media-src 'self' https: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

/** Throws with what to do when the widget has not been built. */
export async function servePages(web: FastifyInstance, name: string, config: Settings): Promise<void> {
  const [loader, demo, demoScript] = await Promise.all([built('loader.js'), built('demo.html'), built('demo.js')])
  const [widget, more, files, form, events] = [
    await serveForEver('widget'),
    await serveForEver('more'),
    await serveForEver('files'),
    await serveForEver('form'),
    await serveForEver('events'),
  ]
  const logo = await logoOf(config)
  const settings = widgetSettings(name, config, { widget, fetched: { more, files, form, events }, logoUrl: logo?.url })
  if (!PLACEHOLDER.test(loader)) throw new Error('There is no place for the settings in built/loader.js.')

  serve(
    '/chat.js',
    SCRIPT,
    FOR_A_WHILE,
    loader.replace(PLACEHOLDER, () => inScript(settings)),
  )
  serve('/demo.js', SCRIPT, FOR_A_WHILE, demoScript)
  if (logo?.picture) serve(`/${logo.url}`, logo.type, FOR_EVER, logo.picture)
  web.get('/', (request, reply) => {
    // What the page refers to stands beside it, so its address must end in a slash.
    if (!/\/(\?|$)/.test(request.originalUrl)) return reply.redirect(`./${name}/`)
    return reply
      .header('content-security-policy', DEMO_POLICY)
      .header('cache-control', 'no-cache')
      .type('text/html; charset=utf-8')
      .send(demo)
  })

  /** A script under a name that says what is in it: what has this name never changes. */
  async function serveForEver(script: string): Promise<string> {
    const content = await built(`${script}.js`)
    const file = `${script}-${hashOf(content)}.js`
    serve(`/${file}`, SCRIPT, FOR_EVER, content)
    // A page of before the last upgrade asks by the name of then. What it gets is not what has that name, so it is not kept.
    serve(`/${script}-:hash(^[0-9a-f]{16}$).js`, SCRIPT, 'no-cache', content)
    return file
  }

  function serve(path: string, type: string, caching: string, content: string | Buffer): void {
    const etag = `"${hashOf(content)}"`
    web.get(path, (request, reply) => {
      forAllSites(reply).header('etag', etag).header('cache-control', caching)
      if (request.headers['if-none-match'] === etag) return reply.code(304).send()
      return reply.type(type).send(content)
    })
  }
}

/** These are the same for everybody, and pages of any origin load them. */
function forAllSites(reply: FastifyReply): FastifyReply {
  return reply
    .header('access-control-allow-origin', '*')
    .header('cross-origin-resource-policy', 'cross-origin')
    .header('content-security-policy', "default-src 'none'; sandbox")
}

async function built(file: string): Promise<string> {
  try {
    return await readFile(new URL(file, BUILT), 'utf8')
  } catch (cause) {
    throw new Error(`The widget has not been built: there is no built/${file}. Run  npm run build  once.`, { cause })
  }
}

async function logoOf({ logo }: Settings) {
  if (logo === undefined) return undefined
  if (typeof logo === 'string') return { url: logo, type: '', picture: undefined }
  const type = PICTURES[extname(logo.path).toLowerCase()]
  if (!type) throw new Error(`The logo must be one of ${Object.keys(PICTURES).join(', ')}.`)
  const picture = await readFile(logo.path)
  return { url: `logo-${hashOf(picture)}${extname(logo.path).toLowerCase()}`, type, picture }
}

function hashOf(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 16)
}

/** JSON that stays JSON wherever a script stands: nothing in it ends the script or a line. */
function inScript(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<\u2028\u2029]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
