/** Journals as they are after a long time, made by the product itself and then multiplied. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/**
 * Gives the chats of a journal a longer history, of `rows` entries in all: copies of what is there, with ids and numbers
 * of their own, and the deliveries and known ids that belong to them. So its rows are as those of any other journal,
 * whatever its tables have become. Nobody else may have it open.
 */
export function lengthenHistory(folder: string, rows: number): void {
  const db = new DatabaseSync(join(folder, 'journal.sqlite'))
  db.exec('PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -200000')
  const [entry] = db.prepare('SELECT count(*) AS count FROM entry').all()
  const copies = Math.ceil(rows / Number(entry?.count)) - 1
  const ofChat = 'seq + :copy * (SELECT chat.seq FROM chat WHERE chat.id = original.chat)'
  const inserts = [
    copyOf(db, 'entry', { id: named('id'), answers: named('answers'), seq: ofChat }),
    copyOf(db, 'delivery', { id: named('id'), entry: named('entry'), seq: ofChat }),
    copyOf(db, 'delivery_attempt', { delivery: named('delivery') }),
    copyOf(db, 'dedupe', { platform_id: named('platform_id'), entry: named('entry') }),
  ]
  for (let copy = 1; copy <= copies; copy++) {
    db.exec('BEGIN')
    for (const insert of inserts) insert.run({ ':copy': copy })
    db.exec('COMMIT')
  }
  db.exec(`UPDATE chat SET seq = seq * ${copies + 1}`)
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  db.close()
}

function named(column: string): string {
  return `${column} || '-' || :copy`
}

/** Copies what is in a table now, with these columns changed. */
function copyOf(db: DatabaseSync, table: string, changed: { readonly [column: string]: string }) {
  db.exec(`CREATE TEMP TABLE original_${table} AS SELECT * FROM ${table}`)
  const columns = db
    .prepare(`PRAGMA table_info(${table})`)
    .all()
    .map(({ name }) => String(name))
  const values = columns.map((column) => changed[column] ?? column)
  return db.prepare(
    `INSERT INTO ${table} (${columns.join(', ')}) SELECT ${values.join(', ')} FROM original_${table} AS original`,
  )
}
