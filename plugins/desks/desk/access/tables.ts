/** What is kept of who is signed in. Secrets are kept as their hashes: whoever reads a backup cannot come in by it. */

export interface SessionRow {
  /** SHA-256 of what the cookie holds. */
  hash: string
  /** By which the person names it, to end it. */
  id: string
  person: string
  started_at: number
  seen_at: number
  address: string
  browser: string
}

export interface TokenRow {
  id: string
  /** SHA-256 of the secret. */
  hash: string
  name: string
  role: string
  /** null: all. */
  teams_json: string | null
  made_at: number
  made_by: string
}

/** Up to which entry of a chat a person has read. */
export interface ReadingRow {
  person: string
  chat: string
  seq: number
}

export interface AccessTables {
  session: SessionRow
  token: TokenRow
  reading: ReadingRow
}

export const ACCESS_MIGRATIONS = {
  '2-access': `
    CREATE TABLE session (hash TEXT PRIMARY KEY, id TEXT NOT NULL, person TEXT NOT NULL, started_at BIGINT NOT NULL,
      seen_at BIGINT NOT NULL, address TEXT NOT NULL, browser TEXT NOT NULL);
    CREATE TABLE token (id TEXT PRIMARY KEY, hash TEXT NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL,
      teams_json TEXT, made_at BIGINT NOT NULL, made_by TEXT NOT NULL);
    CREATE TABLE reading (person TEXT NOT NULL, chat TEXT NOT NULL, seq BIGINT NOT NULL, PRIMARY KEY (chat, person))
      WITHOUT ROWID;
  `,
}
