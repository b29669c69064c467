/**
 * The journal's own tables, as migrations: applied once each, in this order, and never edited afterwards.
 *
 * Whatever every turn writes has as few indexes as will do. Tables whose rows are small and found by their key are
 * WITHOUT ROWID; `entry` and `delivery` are large and appended to, so their rowid is their age, which is all that
 * trimming needs. They have no foreign keys either: only the writer writes them, and each would be one more lookup.
 */
export const CORE_MIGRATIONS: { readonly [name: string]: string } = {
  '1-tables': `
    CREATE TABLE customer (
      id TEXT PRIMARY KEY,
      name TEXT,
      language TEXT,
      avatar_url TEXT,
      tags_json TEXT NOT NULL DEFAULT '[]',
      fields_json TEXT NOT NULL DEFAULT '{}',
      first_at BIGINT NOT NULL,
      last_at BIGINT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX customer_last ON customer (last_at);

    CREATE TABLE chat (
      id TEXT PRIMARY KEY,
      account TEXT NOT NULL,
      external_id TEXT NOT NULL,
      customer TEXT NOT NULL REFERENCES customer (id),
      seq BIGINT NOT NULL DEFAULT 0,
      pending INTEGER NOT NULL DEFAULT 0,
      epoch BIGINT NOT NULL DEFAULT 0,
      due_at BIGINT NOT NULL DEFAULT 0,
      fails INTEGER NOT NULL DEFAULT 0,
      conversation TEXT,
      question_json TEXT,
      created_at BIGINT NOT NULL,
      last_in_at BIGINT NOT NULL,
      UNIQUE (account, external_id)
    ) WITHOUT ROWID;
    CREATE INDEX chat_customer ON chat (customer);
    CREATE INDEX chat_postponed ON chat (due_at) WHERE due_at > 0;

    CREATE TABLE dedupe (
      account TEXT NOT NULL,
      platform_id TEXT NOT NULL,
      entry TEXT NOT NULL,
      seen_at BIGINT NOT NULL,
      PRIMARY KEY (account, platform_id)
    ) WITHOUT ROWID;

    CREATE TABLE entry (
      chat TEXT NOT NULL,
      seq BIGINT NOT NULL,
      id TEXT NOT NULL,
      kind TEXT NOT NULL CHECK (kind IN ('in', 'life', 'out', 'note')),
      type TEXT NOT NULL,
      body_json TEXT NOT NULL,
      by_json TEXT NOT NULL,
      conversation TEXT,
      answers TEXT,
      at BIGINT NOT NULL,
      accepted_at BIGINT NOT NULL,
      done_at BIGINT,
      outcome TEXT,
      because TEXT,
      facts_json TEXT,
      trace_json TEXT,
      blocked INTEGER NOT NULL DEFAULT 0
    );
    CREATE UNIQUE INDEX entry_order ON entry (chat, seq);
    CREATE UNIQUE INDEX entry_id ON entry (id);
    CREATE INDEX entry_waiting ON entry (chat, seq) WHERE done_at IS NULL;

    CREATE TABLE conversation (
      id TEXT PRIMARY KEY,
      chat TEXT NOT NULL REFERENCES chat (id),
      customer TEXT NOT NULL REFERENCES customer (id),
      state TEXT NOT NULL CHECK (state IN ('bot', 'queued', 'assigned', 'closed')),
      owner_json TEXT NOT NULL,
      bot TEXT,
      desk TEXT,
      team TEXT,
      person TEXT,
      lease BIGINT NOT NULL,
      origin TEXT NOT NULL,
      route TEXT NOT NULL,
      revision TEXT NOT NULL,
      counts_json TEXT NOT NULL,
      opened_at BIGINT NOT NULL,
      queued_at BIGINT,
      assigned_at BIGINT,
      closed_at BIGINT,
      close_reason TEXT,
      closed_by_json TEXT
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX conversation_open ON conversation (chat) WHERE state <> 'closed';
    CREATE INDEX conversation_queued ON conversation (desk, team, queued_at) WHERE state = 'queued';
    CREATE INDEX conversation_assigned ON conversation (person) WHERE state = 'assigned';
    CREATE INDEX conversation_opened ON conversation (opened_at);
    CREATE INDEX conversation_closed ON conversation (closed_at) WHERE closed_at IS NOT NULL;
    CREATE INDEX conversation_chat ON conversation (chat, opened_at);

    CREATE TABLE conversation_change (
      conversation TEXT NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
      n INTEGER NOT NULL,
      at BIGINT NOT NULL,
      type TEXT NOT NULL,
      actor_json TEXT NOT NULL,
      because TEXT NOT NULL,
      lease BIGINT NOT NULL,
      owner_json TEXT NOT NULL,
      cause TEXT NOT NULL,
      PRIMARY KEY (conversation, n)
    ) WITHOUT ROWID;

    CREATE TABLE state (
      chat TEXT NOT NULL,
      instance TEXT NOT NULL,
      body_json TEXT NOT NULL,
      PRIMARY KEY (chat, instance)
    ) WITHOUT ROWID;

    CREATE TABLE wake (
      chat TEXT NOT NULL,
      instance TEXT NOT NULL,
      key TEXT NOT NULL,
      due_at BIGINT NOT NULL,
      PRIMARY KEY (chat, instance, key)
    ) WITHOUT ROWID;
    CREATE INDEX wake_due ON wake (due_at);

    CREATE TABLE delivery (
      id TEXT NOT NULL,
      chat TEXT NOT NULL,
      seq BIGINT NOT NULL,
      part INTEGER NOT NULL,
      destination TEXT NOT NULL,
      payload_json TEXT NOT NULL,
      by_kind TEXT NOT NULL,
      by_json TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'sent', 'dead', 'unknown', 'cancelled')),
      allowance TEXT,
      attempts INTEGER NOT NULL DEFAULT 0,
      next_at BIGINT NOT NULL,
      expires_at BIGINT,
      hold_until BIGINT NOT NULL,
      platform_id TEXT,
      code TEXT,
      error TEXT,
      created_at BIGINT NOT NULL,
      done_at BIGINT
    );
    CREATE UNIQUE INDEX delivery_id ON delivery (id);
    CREATE INDEX delivery_order ON delivery (chat, seq, part);
    CREATE INDEX delivery_open ON delivery (chat, destination) WHERE state IN ('pending', 'sending');
    CREATE INDEX delivery_due ON delivery (next_at, destination, chat) WHERE state = 'pending';
    CREATE INDEX delivery_expiring ON delivery (expires_at) WHERE state = 'pending' AND expires_at IS NOT NULL;

    CREATE TABLE delivery_attempt (
      delivery TEXT NOT NULL,
      n INTEGER NOT NULL,
      at BIGINT NOT NULL,
      ms INTEGER NOT NULL,
      ok SMALLINT NOT NULL CHECK (ok IN (0, 1)),
      code TEXT,
      error TEXT,
      PRIMARY KEY (delivery, n)
    ) WITHOUT ROWID;

    CREATE TABLE allowance (
      chat TEXT NOT NULL,
      on_event TEXT NOT NULL,
      granted_at BIGINT NOT NULL,
      ends_at BIGINT NOT NULL,
      max INTEGER,
      used INTEGER NOT NULL DEFAULT 0,
      PRIMARY KEY (chat, on_event)
    ) WITHOUT ROWID;

    CREATE TABLE command (
      id TEXT PRIMARY KEY,
      chat TEXT NOT NULL,
      conversation TEXT,
      type TEXT NOT NULL,
      by_json TEXT NOT NULL,
      result_json TEXT NOT NULL,
      at BIGINT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX command_at ON command (at);

    CREATE TABLE media (
      id TEXT PRIMARY KEY,
      chat TEXT NOT NULL,
      entry TEXT NOT NULL,
      source TEXT NOT NULL,
      type TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('waiting', 'here', 'gone')),
      attempts INTEGER NOT NULL DEFAULT 0,
      next_at BIGINT NOT NULL,
      mime_type TEXT,
      size_bytes BIGINT,
      file TEXT,
      error TEXT,
      created_at BIGINT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX media_due ON media (next_at) WHERE state = 'waiting';
    CREATE INDEX media_entry ON media (entry);
    CREATE INDEX media_file ON media (file) WHERE file IS NOT NULL;

    CREATE TABLE audit (
      id TEXT PRIMARY KEY,
      at BIGINT NOT NULL,
      by_json TEXT NOT NULL,
      action TEXT NOT NULL,
      before_json TEXT,
      after_json TEXT,
      instance TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX audit_at ON audit (at);

    CREATE TABLE feed (
      topic TEXT NOT NULL,
      n BIGINT NOT NULL,
      at BIGINT NOT NULL,
      item_json TEXT NOT NULL,
      PRIMARY KEY (topic, n)
    ) WITHOUT ROWID;

    CREATE TABLE job_run (
      name TEXT NOT NULL,
      due_at BIGINT NOT NULL,
      started_at BIGINT NOT NULL,
      finished_at BIGINT,
      error TEXT,
      PRIMARY KEY (name, due_at)
    ) WITHOUT ROWID;

    CREATE TABLE revision (
      hash TEXT PRIMARY KEY,
      at BIGINT NOT NULL,
      file TEXT NOT NULL,
      text TEXT NOT NULL
    );

    -- How far trimming has come, so that it never walks again over what it has done.
    CREATE TABLE trimmed (
      what TEXT PRIMARY KEY,
      up_to BIGINT NOT NULL
    ) WITHOUT ROWID;
  `,

  // What a replay has to know beside what came of it: under which text, when, and in which order of its chat.
  '2-replay': `
    ALTER TABLE entry ADD COLUMN revision TEXT;
    ALTER TABLE entry ADD COLUMN started_at BIGINT;
    ALTER TABLE entry ADD COLUMN started_seq BIGINT;
    ALTER TABLE entry ADD COLUMN done_seq BIGINT;
    ALTER TABLE command ADD COLUMN body_json TEXT;
    ALTER TABLE command ADD COLUMN trace_json TEXT;
    ALTER TABLE command ADD COLUMN revision TEXT;
    ALTER TABLE command ADD COLUMN seen_seq BIGINT;
    ALTER TABLE command ADD COLUMN seen_waiting BIGINT;
    ALTER TABLE command ADD COLUMN done_seq BIGINT;
  `,

  // What nobody knows the end of is counted for operators, among all that was ever sent.
  '3-unknown': "CREATE INDEX delivery_unknown ON delivery (id) WHERE state = 'unknown'",

  // What customers upload to a channel itself, until a message refers to it.
  '4-kept': `
    CREATE TABLE kept (
      id TEXT PRIMARY KEY,
      account TEXT NOT NULL,
      file TEXT NOT NULL,
      mime_type TEXT NOT NULL,
      size_bytes BIGINT NOT NULL,
      at BIGINT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX kept_at ON kept (at);
    CREATE INDEX kept_file ON kept (file);
  `,

  // Customers with an outbox send again what is older than any platform would.
  '5-late-repeats': 'ALTER TABLE dedupe ADD COLUMN with_entry SMALLINT NOT NULL DEFAULT 0',

  // Customers who are known elsewhere: one for each id there. For a replay, events keep who sent them.
  '6-known-elsewhere': `
    ALTER TABLE customer ADD COLUMN user_id TEXT;
    ALTER TABLE customer ADD COLUMN merged_into TEXT REFERENCES customer (id);
    CREATE UNIQUE INDEX customer_user ON customer (user_id) WHERE user_id IS NOT NULL;
    ALTER TABLE entry ADD COLUMN customer_json TEXT;
  `,

  // SQLite looks a value up in a list by filling a table with the list, for every row that is written: a tenth of all
  // that a message costs. The same conditions in other words; no row changes.
  '7-plain-conditions': `
    PRAGMA writable_schema = ON;
    ${plainly('entry', 'kind', ['in', 'life', 'out', 'note'])}
    ${plainly('delivery', 'state', ['pending', 'sending', 'sent', 'dead', 'unknown', 'cancelled'])}
    ${plainly('conversation', 'state', ['bot', 'queued', 'assigned', 'closed'])}
    ${plainly('media', 'state', ['waiting', 'here', 'gone'])}
    PRAGMA writable_schema = RESET;
  `,

  // With a table of their own, each message wrote two more pages. A limit that is none is left out.
  '8-allowances-of-chat': `
    ALTER TABLE chat ADD COLUMN allowances_json TEXT;
    UPDATE chat SET allowances_json = (
      SELECT json_group_array(json_patch(
        json_object('on', a.on_event, 'grantedAtMs', a.granted_at, 'endsAtMs', a.ends_at, 'used', a.used),
        json_object('max', a.max)))
      FROM allowance a WHERE a.chat = chat.id)
    WHERE EXISTS (SELECT 1 FROM allowance a WHERE a.chat = chat.id);
    DROP TABLE allowance;
  `,

  // Lists of customers. `n` is their order, by when they first came: so it is the number of what they are found by, and
  // a search gives them in that order by itself: see `sqlite/find-customers.ts`. The texts are kept in it: without them,
  // what is deleted is noted under numbers beyond those that JavaScript has.
  '9-find-customers': `
    ALTER TABLE customer ADD COLUMN n BIGINT;
    UPDATE customer SET n = ordered.n FROM (
      SELECT id, first_at * 1024 + row_number() OVER (PARTITION BY first_at ORDER BY id) - 1 AS n
      FROM customer WHERE merged_into IS NULL) AS ordered
    WHERE customer.id = ordered.id;
    CREATE UNIQUE INDEX customer_n ON customer (n);
    CREATE VIRTUAL TABLE customer_found USING fts5 (
      names, ids, accounts, tags, columnsize = 0, tokenize = 'ascii');
    INSERT INTO customer_found (rowid, names, ids, accounts, tags)
      SELECT n, found_names(name, fields_json), found_ids(user_id, chats), found_accounts(chats), found_tags(tags_json)
      FROM (SELECT *, (SELECT json_group_array(json_array(account, external_id)) FROM chat
        WHERE chat.customer = customer.id) AS chats FROM customer WHERE n IS NOT NULL);
    CREATE INDEX customer_merged ON customer (merged_into) WHERE merged_into IS NOT NULL;
    CREATE INDEX conversation_customer ON conversation (customer, opened_at);
    CREATE INDEX conversation_team ON conversation (team, customer) WHERE team IS NOT NULL;
    CREATE INDEX conversation_person ON conversation (person, customer) WHERE person IS NOT NULL;
  `,

  // By their chat they were in as many places as there are chats: another page for each message. Ids of entries grow.
  '10-deliveries-of-entries': `
    ALTER TABLE delivery ADD COLUMN entry TEXT NOT NULL DEFAULT '';
    UPDATE delivery SET entry = coalesce(
      (SELECT e.id FROM entry e WHERE e.chat = delivery.chat AND e.seq = delivery.seq), '');
    DROP INDEX delivery_order;
    CREATE INDEX delivery_entry ON delivery (entry);
  `,

  // Who was erased, and which plugins have still to erase what they keep of them.
  '11-erasures': `
    CREATE TABLE erasure (
      customer TEXT NOT NULL,
      instance TEXT NOT NULL,
      at BIGINT NOT NULL,
      known_as_json TEXT NOT NULL,
      PRIMARY KEY (customer, instance)
    ) WITHOUT ROWID;
  `,

  '12-summaries': 'ALTER TABLE conversation ADD COLUMN summary_json TEXT',

  // A name that our side gave stays. Whoever became another one who became a third is that third, by one step. In a
  // browser that several have used, each has what they did.
  '13-who-is-who': `
    ALTER TABLE customer ADD COLUMN name_is_ours SMALLINT NOT NULL DEFAULT 0;
    UPDATE customer SET merged_into = last.id FROM (
      WITH RECURSIVE became (was, id) AS (
        SELECT id, merged_into FROM customer WHERE merged_into IS NOT NULL
        UNION SELECT became.was, customer.merged_into FROM became JOIN customer ON customer.id = became.id
          WHERE customer.merged_into IS NOT NULL)
      SELECT became.was, became.id FROM became JOIN customer ON customer.id = became.id
        WHERE customer.merged_into IS NULL) AS last
    WHERE customer.id = last.was;

    -- Whose a chat was before it became somebody else's: all of it up to this number that is no conversation's.
    CREATE TABLE chat_was (
      chat TEXT NOT NULL,
      until_seq BIGINT NOT NULL,
      customer TEXT NOT NULL,
      PRIMARY KEY (chat, until_seq)
    ) WITHOUT ROWID;
    CREATE INDEX chat_was_customer ON chat_was (customer);
  `,

  // A page of what a team, a person or bots have closed, without reading what all others have.
  '14-closed-by-whom': `
    CREATE INDEX conversation_closed_team ON conversation (team, closed_at)
      WHERE closed_at IS NOT NULL AND team IS NOT NULL;
    CREATE INDEX conversation_closed_person ON conversation (person, closed_at)
      WHERE closed_at IS NOT NULL AND person IS NOT NULL;
    CREATE INDEX conversation_closed_bot ON conversation (closed_at) WHERE closed_at IS NOT NULL AND desk IS NULL;
  `,

  // Who has acted, also where it was in the name of a desk: then `who` of what is noted says it.
  '15-audit-by-whom': `
    ALTER TABLE audit ADD COLUMN who TEXT GENERATED ALWAYS AS (
      coalesce(after_json ->> '$.who', by_json ->> '$.person', by_json ->> '$.name')) VIRTUAL;
    CREATE INDEX audit_who ON audit (who, at);
    CREATE INDEX audit_action ON audit (action, at);
  `,
}

/** Writes a table's condition that a column has one of these values as comparisons instead of a list. */
function plainly(table: string, column: string, values: readonly string[]): string {
  const texts = values.map((value) => `''${value}''`)
  const list = `${column} IN (${texts.join(', ')})`
  const comparisons = texts.map((text) => `${column} = ${text}`).join(' OR ')
  return `UPDATE sqlite_schema SET sql = replace(sql, 'CHECK (${list})', 'CHECK (${comparisons})')
      WHERE type = 'table' AND name = '${table}';`
}
