import { createServer } from 'node:net'
import { pager } from '../pager.ts'

/** Listens at a port of its own, and never stops. */
export default pager(() => ({
  also() {
    createServer().listen(0, '127.0.0.1').unref()
  },
}))
