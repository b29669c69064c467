/** What sending keeps in the journal's file, beside the messages. */

/** The account's access token, shared by all who send for it: the instance that a reload replaces, and other processes. */
export interface TokenRow {
  readonly app_id: string
  /** By which call it was fetched: the two kinds do not replace each other. */
  readonly kind: string
  /** A secret: it lies in the storage folder as the messages do. Empty until one has been fetched. */
  readonly value: string
  /** From then on a newer one is asked for. */
  readonly refresh_at: number
  /** Until then it holds. */
  readonly expires_at: number
  /** Until then somebody is asking for a newer one. */
  readonly claimed_until: number
}

/** A file that the platform has, so that it need not be uploaded again. */
export interface UploadRow {
  readonly app_id: string
  /** Of the file's content, in hex, with the kind of media that it was uploaded as. */
  readonly sha256: string
  readonly media_id: string
  /** The platform has forgotten it by then. */
  readonly until: number
}

export interface SendingTables {
  readonly token: TokenRow
  readonly upload: UploadRow
}

/** To be spread into the channel's `tables`. */
export const sendingTables = {
  'sending-1': `CREATE TABLE token (app_id TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL,
      refresh_at INTEGER NOT NULL, claimed_until INTEGER NOT NULL, PRIMARY KEY (app_id, kind)) WITHOUT ROWID;
    CREATE TABLE upload (app_id TEXT NOT NULL, sha256 TEXT NOT NULL, media_id TEXT NOT NULL, until INTEGER NOT NULL,
      PRIMARY KEY (app_id, sha256)) WITHOUT ROWID; CREATE INDEX upload_until ON upload(until)`,
  'sending-2': 'ALTER TABLE token ADD COLUMN expires_at INTEGER NOT NULL DEFAULT 0',
} as const
