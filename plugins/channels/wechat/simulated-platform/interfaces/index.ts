import { identities } from './identities.ts'
import type { Interfaces } from './interface.ts'
import { menu } from './menu.ts'
import { people } from './people.ts'
import { sending } from './sending.ts'
import { tokens } from './tokens.ts'

/** All that the account’s server may call. */
export const INTERFACES: Interfaces = { ...tokens, ...sending, ...people, ...menu, ...identities }
