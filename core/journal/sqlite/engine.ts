/**
 * The journal in one SQLite file: `journal.sqlite` in the storage folder.
 *
 * Three connections in three threads: a writer that makes one transaction of what is asked while it writes the one
 * before, a reader for searches and copies, and, here on the main thread, one that only looks into single chats. WAL
 * lets them work beside each other. Nobody else ever writes: a second writer would stop the event loop for as long as
 * it holds the file.
 */
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { sql } from 'kysely'
import type { Actor } from '../../conversation.ts'
import { SwitchboardError } from '../../errors.ts'
import type { CustomerPatch, Json } from '../../message.ts'
import { type Clock, systemClock } from '../../services/clock.ts'
import type { Log } from '../../turn.ts'
import type {
  Accepted,
  ChatChange,
  Committed,
  DeliveryResult,
  Due,
  Engine,
  KeepUntil,
  KnownAs,
  MediaResult,
  NewAudit,
  NewEvent,
  Recorded,
  Recovery,
  Statement,
} from '../engine.ts'
import type { RevisionRow } from '../tables.ts'
import { createPrivate, openReading, parse, selecting } from './connection.ts'
import { findCustomers } from './find-customers.ts'
import { errorOf, GroupCommit, type WriteCounts } from './group-commit.ts'
import { pluginKysely, readingKysely, type Write } from './kysely.ts'
import { reads } from './load.ts'
import { lockFolder } from './lock.ts'
import { THE_JOURNAL } from './operations/erase.ts'
import {
  accepted,
  committed,
  dueDelivery,
  packChange,
  packEvent,
  packMedia,
  packPatch,
  packResult,
  packStatement,
} from './pack.ts'
import type { FromWriter, StatementInput, WriterData } from './protocol.ts'
import { Searches } from './searches.ts'
import { Subscribers } from './subscribers.ts'
import { inThisThread, type Thread } from './thread.ts'
import { trimAll } from './trim-all.ts'
import { runWriter, WRITER } from './writer.ts'

export interface SqliteOptions {
  /** Where `journal.sqlite` is, or is to be. Made if it is missing. */
  readonly folder: string
  readonly clock?: Clock | undefined
  readonly log?: Log | undefined
  /**
   * False: a write is done before it is on disk, and the calling thread does the work, so that it is there at once. For
   * journals that nobody needs afterwards: tests and rehearsals.
   */
  readonly durable?: boolean | undefined
  /**
   * Called once when the journal can no longer be written because its thread has ended, other than by `close`. Nothing
   * helps then but another process.
   */
  readonly onGone?: ((error: SwitchboardError) => void) | undefined
}

export interface SqliteEngine extends Engine {
  /** How much has been written since it was opened. */
  readonly counts: WriteCounts
}

/**
 * Opens the journal in a folder, which is this process's alone until it is closed. Throws `JOURNAL_LOCKED` when
 * another has it, and `JOURNAL_NEWER` when a newer version wrote it.
 */
export async function openSqlite(options: SqliteOptions): Promise<SqliteEngine> {
  const { folder, clock = systemClock, log, durable = true, onGone } = options
  const unlock = lockFolder(folder)
  try {
    const file = join(folder, 'journal.sqlite')
    createPrivate(file)
    const writer = new GroupCommit(await startWriter({ file, nowMs: clock.now(), durable }), durable, onGone)
    try {
      return openEngine(file, { writer, searches: new Searches(file, durable) }, clock, log, unlock)
    } catch (error) {
      await writer.close()
      throw error
    }
  } catch (error) {
    unlock()
    throw error
  }
}

/** Resolves when the file is open and up to date. */
function startWriter(data: WriterData): Promise<Thread> {
  return new Promise((resolve, reject) => {
    const worker: Thread = data.durable
      ? new Worker(new URL('./writer.ts', import.meta.url), { name: WRITER, workerData: data })
      : inThisThread((port) => runWriter(port, data))
    const gone = () => reject(new Error('The journal’s writer ended before it had opened the file.'))
    worker.once('error', reject)
    worker.once('exit', gone)
    worker.once('message', (message: FromWriter) => {
      worker.off('error', reject)
      worker.off('exit', gone)
      if (message.type === 'open') resolve(worker)
      else reject(message.type === 'refused' ? errorOf(message.failure) : new Error('The writer did not open.'))
    })
  })
}

function openEngine(
  file: string,
  { writer, searches }: { readonly writer: GroupCommit; readonly searches: Searches },
  clock: Clock,
  log: Log | undefined,
  unlock: () => void,
): SqliteEngine {
  const db = openReading(file)
  const read = reads(db)
  const subscribers = new Subscribers(read.feed, log)
  let closing: Promise<void> | undefined

  /** Reads at once; what is thrown becomes a rejection, as from any other engine. */
  async function now<T>(run: () => T): Promise<T> {
    if (closing !== undefined) throw new SwitchboardError('JOURNAL_CLOSED')
    return run()
  }

  async function close(): Promise<void> {
    subscribers.close()
    await Promise.all([searches.close(), writer.close()])
    db.close()
    unlock()
  }

  const write = (sql: string, parameters: StatementInput['parameters']) =>
    writer.perform('write', { statements: [{ sql, parameters, instance: undefined }], trusted: true })
  const writeOf =
    (instance: string): Write =>
    async (statement) =>
      writer.perform('write', { statements: [packStatement({ ...statement, instance })], trusted: false })
  const select = searches.select.bind(searches)
  const journal = readingKysely(select)
  const selectHere = selecting(db)

  /** What is done once a customer is erased, and after a crash in between: whose deeds are still known is noted. */
  async function forgetErased(): Promise<void> {
    const left = await journal.selectFrom('erasure').selectAll().where('instance', '=', THE_JOURNAL).execute()
    for (const { customer, known_as_json } of left) {
      await forgetDeeds(parse<KnownAs>(known_as_json))
      await write('DELETE FROM erasure WHERE customer = ? AND instance = ?', [customer, THE_JOURNAL])
    }
  }

  /**
   * Takes a customer out of commands and feeds, and what it was before and after out of the audit log. None has an index
   * on whom it is about: they are found by the reader, so that no message waits for it.
   */
  async function forgetDeeds(known: KnownAs): Promise<void> {
    const ids = [...known.ids, ...known.chats.map((one) => one.id)]
    const conversations = sql`(SELECT value FROM json_each(${JSON.stringify(known.conversations)}))`
    // In a chat that others have had too, what was done for them stays known: else it could be done twice.
    const commands = await journal
      .selectFrom('command')
      .select('id')
      .where(
        sql<boolean>`conversation IN ${conversations}
          OR (conversation IS NULL AND chat IN (SELECT value FROM json_each(${JSON.stringify(ids)})))`,
      )
      .execute()
    for (const some of sliced(commands))
      await write(`DELETE FROM command WHERE id IN (SELECT value FROM json_each(?))`, [JSON.stringify(some)])
    // By an id of ours, or by an account and the platform's id there.
    const names = JSON.stringify([
      ...ids.map((id) => [id, id]),
      ...known.chats.map((one) => [JSON.stringify(one.account), JSON.stringify(one.externalId)]),
    ])
    const about = sql<boolean>`conversation IN ${conversations} OR EXISTS (SELECT 1 FROM json_each(${names})
      WHERE instr(deed, value ->> 0) > 0 AND instr(deed, value ->> 1) > 0)`
    const deeds = await journal
      .selectFrom((from) =>
        from
          .selectFrom('audit')
          .select([
            'id',
            sql<string>`coalesce(before_json, '') || coalesce(after_json, '')`.as('deed'),
            sql<string | null>`after_json ->> '$.about.conversation'`.as('conversation'),
          ])
          .as('deeds'),
      )
      .select('id')
      .where(about)
      .execute()
    for (const some of sliced(deeds))
      await write(
        `UPDATE audit SET before_json = NULL, after_json = CASE WHEN after_json ->> '$.about' IS NULL THEN NULL
           ELSE json_remove(after_json, '$.is') END WHERE id IN (SELECT value FROM json_each(?))`,
        [JSON.stringify(some)],
      )
    const named = JSON.stringify([...ids, ...known.conversations])
    const items = await journal
      .selectFrom('feed')
      .select(['topic', 'n'])
      .where(sql<boolean>`EXISTS (SELECT 1 FROM json_each(${named}) WHERE instr(item_json, value) > 0)`)
      .execute()
    for (const { topic, n } of items)
      await write("UPDATE feed SET item_json = 'null' WHERE topic = ? AND n = ?", [topic, n])
  }

  return {
    get healthy() {
      return closing === undefined && writer.healthy
    },
    get busy() {
      return writer.busy || searches.busy
    },
    get counts() {
      return writer.counts
    },

    async accept(event: NewEvent): Promise<Accepted> {
      const packed = packEvent(event)
      return accepted(packed, await writer.perform('accept', packed))
    },
    load: (chat) => now(() => read.load(chat)),
    findChat: (account, externalId) => now(() => read.findChat(account, externalId)),
    findConversation: (id) => now(() => read.findConversation(id)),
    findCommand: (id) => now(() => read.findCommand(id)),
    findCustomer: (id) => now(() => read.findCustomer(id)),
    async commit(change: ChatChange): Promise<Committed> {
      return committed(change, await writer.perform('commit', packChange(change)))
    },
    postpone: (chat, seq, dueAtMs) => writer.perform('postpone', { chat, seq, dueAtMs }),
    takeOver: (chat) => writer.perform('takeOver', { chat }),

    async recordDelivery(result: DeliveryResult): Promise<Recorded> {
      // Should the process end before, then nobody knows whether it was sent: as after any crash just behind a send.
      const mayWait = result.state === 'sent'
      const { next, ...recorded } = await writer.perform('recordDelivery', packResult(result), mayWait)
      return { ...recorded, next: next && dueDelivery(next) }
    },
    reserve: (id, on, nowMs) => writer.perform('reserve', { id, on, nowMs }),
    held: (chat) => now(() => read.held(chat)),
    claimHeld: async (deliveries, nowMs) => (await writer.perform('claimHeld', { deliveries, nowMs })).map(dueDelivery),
    async saidInside(entry, sinceMs) {
      const row = await now(() => read.saidInside(entry, sinceMs))
      return row && dueDelivery(row)
    },
    dueAgain: (accounts, of) => writer.perform('dueAgain', { accounts, ...of }),
    resend: (id, nowMs) => writer.perform('resend', { id, nowMs }),
    async claimDue(nowMs, { limit, paused }): Promise<Due> {
      const { deliveries, ...due } = await writer.perform('claimDue', { nowMs, limit, paused })
      return { ...due, deliveries: deliveries.map(dueDelivery) }
    },
    recover: (nowMs, again = []): Promise<Recovery> => writer.perform('recover', { nowMs, again }),

    dueMedia: (nowMs, limit) => now(() => read.dueMedia(nowMs, limit)),
    recordMedia: (result: MediaResult) => writer.perform('recordMedia', packMedia(result)),
    patchCustomer: (id, patch: CustomerPatch, nowMs) =>
      writer.perform('patchCustomer', { id, patch: packPatch(patch), nowMs }),
    findCustomers: (query) => findCustomers(journal, query),
    tagCustomer: (id, { add = [], remove = [] }) => writer.perform('tagCustomer', { id, add, remove }),
    mergeCustomers: (from, into) => writer.perform('mergeCustomers', { from, into }),
    knownAs: (id) => now(() => read.knownAs(id)),
    async eraseCustomer(id, options) {
      for (let entries = 0; ; ) {
        const done = await writer.perform('eraseCustomer', { id, ...options })
        entries += done.entries
        if (done.state === 'more') continue
        if (done.state === 'erased') await forgetErased()
        return { state: done.state, entries }
      }
    },
    forgetErased,

    async saveRevision(row: RevisionRow): Promise<void> {
      await write('INSERT INTO revision VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING', [
        row.hash,
        row.at,
        row.file,
        row.text,
      ])
    },
    async audit({ id, at, by, action, before, after, instance }: NewAudit): Promise<void> {
      await write('INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?)', [
        id,
        at,
        json(by),
        action,
        json(before),
        json(after),
        instance,
      ])
    },

    async publish(topic: string, item: Json, nowMs: number): Promise<number> {
      const n = await writer.perform('publish', { topic, itemJson: JSON.stringify(item), nowMs })
      subscribers.published(topic, n, item)
      return n
    },
    subscribe: (topic, after, take) => subscribers.add(topic, after, take),

    migrate: (instance, migrations) =>
      writer.perform('migrate', { instance, migrations: Object.entries(migrations), nowMs: clock.now() }),
    async write(statements: readonly Statement[]): Promise<readonly unknown[]> {
      const packed = statements.map(packStatement)
      return (await writer.perform('write', { statements: packed, trusted: true })).rows
    },
    read: journal,
    readChat: readingKysely((sql, parameters) => now(() => selectHere(sql, parameters))),
    tablesOf: (instance) => pluginKysely(instance, select, writeOf(instance)),

    trim: (keep: KeepUntil) => trimAll(keep, (slice) => writer.perform('trim', slice)),
    backup: (to) => searches.backup(to),
    close() {
      closing ??= close()
      return closing
    },
  }
}

/** No more than this are looked for, or changed, at a time. */
const SLICE = 200

function sliced(rows: readonly { readonly id: string }[]): readonly (readonly string[])[] {
  const ids = rows.map(({ id }) => id)
  return Array.from({ length: Math.ceil(ids.length / SLICE) }, (_, i) => ids.slice(i * SLICE, (i + 1) * SLICE))
}

/** As a column that may be empty holds it. */
function json(value: Json | Actor | undefined): string | null {
  return value === undefined ? null : JSON.stringify(value)
}
