/** Who is turned away: over the API, as far as something in the YAML can turn customers away. */
import type { Json } from '#core'
import type { Blacklist, BlacklistEntry } from '../../../services/blacklist.ts'
import type { Blocked } from '../api/customers-shapes.ts'
import { Refusal } from '../api/refusal.ts'
import { type Api, OK } from '../api/serve.ts'

export function addBlacklist(api: Api, blacklist: Blacklist | undefined): void {
  api.on('POST /customers/:customer/blacklist', async ({ calling, params, body: { reason, untilMs }, note }) => {
    const list = mustLend()
    const who = { customer: params.customer }
    const before = await list.list(params.customer)
    try {
      await list.add(who, { reason, by: calling.actor, untilMs })
    } catch (cause) {
      // What it refuses it says with a status; all else is a fault of ours.
      if (!hasStatus(cause)) throw cause
      throw new Refusal('BLACKLIST_REFUSED', { message: cause.message, cause })
    }
    note({ before: before.map(blockedOf), after: (await list.list(params.customer)).map(blockedOf) })
    return OK
  })

  api.on('POST /customers/:customer/blacklist/remove', async ({ calling, params, note }) => {
    const list = mustLend()
    const before = await list.list(params.customer)
    await list.remove({ customer: params.customer }, { by: calling.actor })
    note({ before: before.map(blockedOf), after: (await list.list(params.customer)).map(blockedOf) })
    return OK
  })

  function mustLend(): Blacklist {
    if (!blacklist) throw new Refusal('NO_BLACKLIST')
    return blacklist
  }
}

export function blockedOf({ reason, by, atMs, untilMs }: BlacklistEntry): Blocked & { readonly [key: string]: Json } {
  return {
    reason,
    ...(by !== undefined && { by }),
    ...(atMs !== undefined && { atMs }),
    ...(untilMs !== undefined && { untilMs }),
  }
}

function hasStatus(error: unknown): error is Error & { readonly statusCode: number } {
  return (
    error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' && error.statusCode < 500
  )
}
