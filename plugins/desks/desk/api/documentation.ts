/** The documentation of the API, made of the table of its routes: OpenAPI, and a page to read. */
import type { FastifyInstance } from 'fastify'
import { z } from '#core'
import { codes } from './refusal.ts'
import { type Route, routes } from './routes.ts'
import { methodAndPath } from './serve.ts'
import { Frame, Refused } from './shapes.ts'

const JSON_TYPE = 'application/json'

/** `GET /api/openapi.json`, and `GET /api` as a page. Both are for everybody: what is here for whom is no secret. */
export function addDocumentation(scope: FastifyInstance): void {
  // Made when they are first asked for: they would be most of a start.
  let openApi: string | undefined
  let page: string | undefined
  scope.get('/api/openapi.json', { config: { public: true, documents: 'openapi' } }, (_request, reply) => {
    openApi ??= JSON.stringify(openApiOf())
    return reply.type(JSON_TYPE).send(openApi)
  })
  scope.get('/api', { config: { public: true, documents: 'page' } }, (_request, reply) => {
    page ??= pageOf()
    return reply
      .header(
        'content-security-policy',
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
      )
      .type('text/html; charset=utf-8')
      .send(page)
  })
  // What the page leads to stands beside it.
  scope.get('/api/', { config: { public: true } }, (_request, reply) => reply.redirect('../api'))
}

const schemaOf = (schema: z.ZodType, io: 'input' | 'output') => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return rest
}

interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly required: boolean
  readonly schema: unknown
}

export function openApiOf() {
  const paths: { [path: string]: { [method: string]: object } } = {}
  for (const [key, route] of entriesOf()) {
    const [method, path] = methodAndPath(key)
    const there = path.replaceAll(/:(\w+)/g, '{$1}')
    paths[there] = { ...paths[there], [String(method).toLowerCase()]: operationOf(key, route) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Desk',
      version: '1',
      description:
        'Everything that the workbench does. People come with the cookie of a session, machines with a token of an administrator: `Authorization: Bearer …`. Commands carry an id that you make: the same id again does nothing, and is answered as the first time.',
    },
    servers: [{ url: '.' }],
    components: {
      securitySchemes: {
        session: { type: 'apiKey', in: 'cookie', name: 'switchboard-session-<desk>' },
        token: { type: 'http', scheme: 'bearer' },
      },
      schemas: { Refused: schemaOf(Refused, 'output'), Frame: schemaOf(Frame, 'output') },
    },
    paths,
  }
}

function operationOf(key: string, route: Route): object {
  const body = route.takesBytes
    ? { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } }
    : route.body && { [JSON_TYPE]: { schema: schemaOf(route.body, 'input') } }
  return {
    operationId: key,
    summary: route.says,
    description: `For: ${route.for}.${route.peopleOnly ? ' Not by a token.' : ''}${route.audit ? ` In the audit log: ${route.audit}.` : ''}`,
    security: route.for === 'everybody' ? [] : [{ session: [] }, ...(route.peopleOnly ? [] : [{ token: [] }])],
    parameters: parametersOf(key, route),
    ...(body && { requestBody: { required: true, content: body } }),
    responses: {
      200: { description: 'Done.', content: answerOf(route) },
      default: {
        description: 'Refused: the code says why.',
        content: { [JSON_TYPE]: { schema: { $ref: '#/components/schemas/Refused' } } },
      },
    },
  }
}

function parametersOf(key: string, { query }: Route): readonly Parameter[] {
  const inPath = [...key.matchAll(/:(\w+)/g)].map(
    ([, name = '']): Parameter => ({ name, in: 'path', required: true, schema: { type: 'string' } }),
  )
  const asked = query ? Query.parse(schemaOf(query, 'input')) : { properties: {}, required: [] }
  const inQuery = Object.entries(asked.properties).map(
    ([name, schema]): Parameter => ({ name, in: 'query', required: asked.required.includes(name), schema }),
  )
  return [...inPath, ...inQuery]
}
const Query = z.object({
  properties: z.record(z.string(), z.unknown()).default({}),
  required: z.array(z.string()).default([]),
})

function answerOf({ answer }: Route): object {
  if (answer === 'bytes') return { '*/*': { schema: { type: 'string', format: 'binary' } } }
  if (answer === 'stream') return { 'text/event-stream': { schema: { $ref: '#/components/schemas/Frame' } } }
  return { [JSON_TYPE]: { schema: schemaOf(answer, 'output') } }
}

function entriesOf(): readonly (readonly [string, Route])[] {
  return Object.entries<Route>(routes)
}

// ── a page to read ──────────────────────────────────────────────────────────────────────────

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}' +
  'code,pre{font-family:ui-monospace,monospace;font-size:.9em}pre{background:#f4f4f4;padding:.75rem;overflow:auto}' +
  'h2{margin-top:2.5rem;font-size:1.05rem}table{border-collapse:collapse}td,th{text-align:left;padding:.25rem .75rem .25rem 0;vertical-align:top}' +
  '@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}pre{background:#242424}a{color:#8ab4f8}}'

function pageOf(): string {
  const sections = entriesOf().map(([key, route]) => sectionOf(key, route))
  const rows = codes.map(({ code, status, message }) => `<tr><td><code>${code}</code><td>${status}<td>${text(message)}`)
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>The desk: its API</title><style>${STYLE}</style>
<h1>The desk: its API</h1>
<p>Everything that the workbench does. Programs send the token that an administrator has made: <code>Authorization: Bearer …</code>.
Commands carry an <code>id</code> that you make: the same id again does nothing, and is answered as the first time.
For machines: <a href="api/openapi.json">OpenAPI</a>.</p>
${sections.join('\n')}
<h2>Why something is refused</h2>
<p>Answers of 400 and above are <code>{ code, message, params? }</code>.</p>
<table><tr><th>Code<th>Status<th>${rows.join('\n')}</table></html>`
}

function sectionOf(key: string, { says, body, query, answer, peopleOnly, ...route }: Route): string {
  const shown = (title: string, schema: z.ZodType | undefined, io: 'input' | 'output') =>
    schema
      ? `<details><summary>${title}</summary><pre>${text(JSON.stringify(schemaOf(schema, io), undefined, 2))}</pre></details>`
      : ''
  const who = `${route.for}${peopleOnly ? ', not by a token' : ''}`
  return `<h2><code>${text(key)}</code></h2><p>${text(says)} <small>For: ${who}.</small></p>
${shown('Query', query, 'input')}${shown('Body', body, 'input')}${shown('Answer', typeof answer === 'string' ? undefined : answer, 'output')}`
}

function text(plain: string): string {
  return plain.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`)
}
