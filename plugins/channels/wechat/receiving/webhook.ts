/** The address that stands in the platform's server configuration: what it asks is checked, and what it tells received. */

import type { FastifyInstance } from 'fastify'
import { z } from '#core'
import type { Settings } from '../settings.ts'
import { isSame, sign } from './signature.ts'

const Query = z.object({
  signature: z.string(),
  timestamp: z.string().regex(/^\d{1,12}$/),
  nonce: z.string().max(128),
  echostr: z.string().max(1_024).optional(),
})

export function addWebhook({ web, config }: { readonly web: FastifyInstance; readonly config: Settings }): void {
  web.get('/', async ({ query }, answer) => {
    const asked = Query.safeParse(query).data
    if (!asked || !isSame(asked.signature, sign(config.token, asked.timestamp, asked.nonce)))
      return answer.code(403).send()
    return answer.type('text/plain').send(asked.echostr ?? '')
  })
}
