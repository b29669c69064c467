/** All that the writer can do, by name, on one connection. */
import type { DatabaseSync } from 'node:sqlite'
import { accept } from './operations/accept.ts'
import { ledger } from './operations/allowances.ts'
import { postpone, takeOver } from './operations/chats.ts'
import { commit } from './operations/commit.ts'
import { identities, patchCustomer, tagCustomer } from './operations/customers.ts'
import { deliveries } from './operations/deliveries.ts'
import { entries } from './operations/entries.ts'
import { eraseCustomer } from './operations/erase.ts'
import { publish } from './operations/feed.ts'
import { recordMedia } from './operations/media.ts'
import { migrate } from './operations/migrate.ts'
import { outbox } from './operations/outbox.ts'
import { probe } from './operations/probe.ts'
import { pluginStatements, trustedStatements } from './operations/statements.ts'
import { claimDue, dueAgain, recover } from './operations/sweep.ts'
import { trim } from './operations/trim.ts'
import type { Gives, Operation, OperationName, Takes, WriteOutput } from './protocol.ts'

type Handlers = { readonly [K in OperationName]: (input: Takes<K>) => Gives<K> }

/** Performs one operation inside the transaction that is open. */
export type Perform = (operation: Operation) => unknown

/** Every operation. `checking` is a second connection, on which plugins' statements are looked at. */
export function performing(db: DatabaseSync, checking: DatabaseSync): Perform {
  const allowances = ledger(db)
  const book = entries(db)
  const queues = outbox(db, allowances, book)
  const results = deliveries(db, book, allowances, queues)
  const ofPlugins = pluginStatements(db, checking)
  const ofCore = trustedStatements(db)
  const patch = patchCustomer(db)
  const { join } = identities(db)

  const handlers: Handlers = {
    accept: accept(db, ofPlugins),
    commit: commit(db, book, ofPlugins, takeOver(db)),
    postpone: postpone(db),
    takeOver: takeOver(db),
    recordDelivery: results.record,
    reserve: results.reserve,
    claimHeld: ({ deliveries, nowMs }) => deliveries.flatMap((id) => queues.takeHeld(id, nowMs) ?? []),
    dueAgain: dueAgain(db),
    resend: results.resend,
    claimDue: claimDue(db, book, queues),
    recover: recover(db, results),
    recordMedia: recordMedia(db),
    patchCustomer: (input) => patch(input.id, input.patch),
    tagCustomer: tagCustomer(db),
    mergeCustomers: ({ from, into }) => join(from, into),
    eraseCustomer: eraseCustomer(db),
    publish: publish(db),
    migrate: migrate(db),
    write: ({ statements, trusted }) => {
      const run = trusted ? ofCore : ofPlugins
      let last: WriteOutput = { rows: [], changes: 0, lastId: 0 }
      for (const statement of statements) last = run(statement)
      return last
    },
    trim: trim(db),
    probe: probe(db),
  }
  return ([name, input]) => call(handlers, name, input)
}

/** Keeps a handler and its input together for the compiler, which cannot see through the union of all operations. */
function call<K extends OperationName>(handlers: Handlers, name: K, input: Takes<K>): Gives<K> {
  return handlers[name](input)
}
