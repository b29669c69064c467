/** The core's own addresses: `/`, `/healthz`, `/readyz`, `/metrics`, and `/api`, which leads to whoever has one. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Callers } from '../services/callers.ts'
import type { RuntimeLog } from '../services/log.ts'
import { type Documented, makeInstanceWeb } from '../services/web.ts'
import type { Backlog } from './backlog.ts'
import type { Metrics, Readings } from './metrics.ts'
import { type Readiness, waitingOf } from './readiness.ts'

const ABOUT = {
  name: 'Switchboard',
  about: 'Runs customer conversations. What it does stands in the YAML file of whoever operates it.',
  addresses: {
    '/healthz': 'whether the process can answer',
    '/readyz': 'whether it takes messages, and what is the matter with each channel',
    '/metrics': 'numbers for Prometheus',
    '/api': 'leads to where an API is documented, for people; /api/openapi.json for machines',
  },
}

export interface PagesOptions {
  readonly log: RuntimeLog
  readonly callers: Callers
  readonly metrics: Metrics
  readiness(): Readiness
  backlog(): Promise<Backlog>
  readings(): Omit<Readings, 'backlog'>
  /** Of the instances in force that have a web of their own. */
  documented(): readonly (Documented & { readonly name: string })[]
}

/** Makes the Fastify that is mounted at `''`. Strangers are told of health only, and of that only yes or no. */
export async function makePages(options: PagesOptions): Promise<FastifyInstance> {
  const { log, callers, metrics } = options
  const app = makeInstanceWeb('core', { log, callers, guarded: true })

  /** What can be said is said, also when the journal cannot be read. */
  async function backlog(): Promise<Backlog | undefined> {
    try {
      return await options.backlog()
    } catch (error) {
      log.warn({ error }, 'What waits could not be read from the journal.')
      return undefined
    }
  }

  app.get('/', () => ABOUT)
  app.get('/healthz', { config: { public: true } }, () => ({ healthy: true }))
  app.get('/readyz', { config: { public: true } }, async ({ raw }, reply) => {
    const now = options.readiness()
    reply.code(now.ready ? 200 : 503)
    if (!callers.mayEnter(raw)) return { ready: now.ready }
    const waits = await backlog()
    return { ...now, ...(waits && waitingOf(waits)) }
  })
  app.get('/metrics', async (_request, reply) => {
    reply.type(metrics.contentType)
    return metrics.text({ ...options.readings(), backlog: await backlog() })
  })

  /** To the only one there is; of several the addresses are told. `root`: where `/` is, seen from the address asked for. */
  function leadTo(kind: keyof Documented, root: string, reply: FastifyReply) {
    const paths = options
      .documented()
      .flatMap(({ name, [kind]: path }) => (path === undefined ? [] : [`${encodeURIComponent(name)}${path}`]))
    const [only] = paths
    if (only === undefined) return reply.callNotFound()
    if (paths.length === 1) return reply.redirect(`${root}${only}`)
    return reply.code(300).send({ addresses: paths.map((path) => `/${path}`) })
  }
  const everybody = { config: { public: true } }
  app.get('/api', everybody, (_request, reply) => leadTo('page', './', reply))
  app.get('/api/', everybody, (_request, reply) => leadTo('page', '../', reply))
  app.get('/api/openapi.json', everybody, (_request, reply) => leadTo('openapi', '../', reply))
  await app.ready()
  return app
}
