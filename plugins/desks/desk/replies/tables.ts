/** What is kept of canned replies: what people say again and again, for everybody or for one of them. */

export interface ReplyRow {
  id: string
  /** Whose it is; '' for everybody's: no person has an empty name. */
  person: string
  shortcut: string
  /** A text for each language. */
  texts_json: string
  /** How often it was put into an answer. */
  used: number
}

export interface ReplyTables {
  reply: ReplyRow
}

export const REPLY_MIGRATIONS = {
  '3-reply': `
    CREATE TABLE reply (id TEXT PRIMARY KEY, person TEXT NOT NULL, shortcut TEXT NOT NULL, texts_json TEXT NOT NULL,
      used BIGINT NOT NULL);
    CREATE UNIQUE INDEX reply_shortcut ON reply (person, shortcut);
  `,
}
