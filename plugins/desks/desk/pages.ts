/** The workbench as browsers load it: the page at the desk's address, and beside it the files that it names. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { Log } from '#core'

const BUILT = new URL('built/', import.meta.url)
const PAGE = 'index.html'
const TYPES: { readonly [extension: string]: string } = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
}
/** Their names say what is in them: what has a name never changes. */
const FOR_EVER = 'public, max-age=31536000, immutable'
/**
 * Nothing comes from elsewhere but pictures, sounds and films that customers and bots send as addresses, and nothing of
 * the page is shown elsewhere. `connect-src 'self'` is the socket, too.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' https: data: blob:",
  "media-src 'self' https: blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Without its screen a desk goes on: the log says what to do. */
export async function servePages(web: FastifyInstance, name: string, log: Log): Promise<void> {
  const files = await builtFiles()
  if (!files.includes(PAGE))
    log.error({}, 'The workbench is not served: it has not been built. Run  npm run build  once.')
  for (const file of files) {
    const content = await readFile(new URL(file, BUILT))
    if (file !== PAGE) serve(`/${file}`, file, content, FOR_EVER)
    else serve('/', file, content, 'no-cache')
  }

  function serve(path: string, file: string, content: Buffer, caching: string): void {
    const etag = `"${createHash('sha256').update(content).digest('hex').slice(0, 16)}"`
    const type = TYPES[extname(file)] ?? 'application/octet-stream'
    web.get(path, { config: { public: true } }, (request, reply) => {
      // What the page refers to stands beside it, so its address must end in a slash.
      if (file === PAGE && !/\/(\?|$)/.test(request.originalUrl)) return reply.redirect(`./${name}/`)
      reply.header('content-security-policy', POLICY).header('etag', etag).header('cache-control', caching)
      if (request.headers['if-none-match'] === etag) return reply.code(304).send()
      return reply.type(type).send(content)
    })
  }
}

async function builtFiles(): Promise<readonly string[]> {
  const files: readonly string[] = await readdir(BUILT).catch(() => [])
  // What ends in a number is being written at this moment.
  return files.filter((file) => !/\.\d+$/.test(file))
}
