PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE migration (owner TEXT NOT NULL, name TEXT NOT NULL, at BIGINT NOT NULL,
      UNIQUE (owner, name));
INSERT INTO migration VALUES('','1-tables',1767225600000);
INSERT INTO migration VALUES('words','1-word',1767225600000);
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
INSERT INTO customer VALUES('019b76da-a800-7002-90c0-1265b85dce17','Customer u1',NULL,NULL,'[]','{}',1767225600000,1767225600000);
INSERT INTO customer VALUES('019b76db-30b8-7002-8d3a-baff6f75f1a6','Customer u2',NULL,NULL,'[]','{}',1767225635000,1767225635000);
INSERT INTO customer VALUES('019b76db-6b50-7002-8486-f5b27eccac1d','Customer u3',NULL,NULL,'[]','{}',1767225650000,1767225650000);
INSERT INTO customer VALUES('019b76db-6b50-7009-94c4-35b25eb4d4c0','Customer u4',NULL,NULL,'[]','{}',1767225650000,1767225650000);
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
INSERT INTO chat VALUES('019b76da-a800-7001-8293-bc36aa0c5137','memory:memory','u1','019b76da-a800-7002-90c0-1265b85dce17',9,0,0,0,0,'019b76da-a800-7003-83ed-d601773a2888',NULL,1767225600000,1767225630000);
INSERT INTO chat VALUES('019b76db-30b8-7001-920a-e501198009f2','memory:memory','u2','019b76db-30b8-7002-8d3a-baff6f75f1a6',4,0,0,0,0,NULL,NULL,1767225635000,1767225635000);
INSERT INTO chat VALUES('019b76db-6b50-7001-9081-b07500c87594','memory:memory','u3','019b76db-6b50-7002-8486-f5b27eccac1d',2,0,0,0,0,'019b76db-6b50-7003-aecb-255b328f4266',NULL,1767225650000,1767225650000);
INSERT INTO chat VALUES('019b76db-6b50-7008-8d6a-daf23e3f3af1','memory:memory','u4','019b76db-6b50-7009-94c4-35b25eb4d4c0',1,1,0,0,0,NULL,NULL,1767225650000,1767225650000);
CREATE TABLE dedupe (
      account TEXT NOT NULL,
      platform_id TEXT NOT NULL,
      entry TEXT NOT NULL,
      seen_at BIGINT NOT NULL,
      PRIMARY KEY (account, platform_id)
    ) WITHOUT ROWID;
INSERT INTO dedupe VALUES('memory:memory','e1','019b76da-a800-7000-b7d5-19b12d7aa907',1767225600000);
INSERT INTO dedupe VALUES('memory:memory','e2','019b76da-bb88-7000-806a-2cc4703ecc7d',1767225605000);
INSERT INTO dedupe VALUES('memory:memory','e3','019b76da-cf10-7000-8b61-2c50696aad25',1767225610000);
INSERT INTO dedupe VALUES('memory:memory','e4','019b76db-1d30-7000-86c2-7b9aef139083',1767225630000);
INSERT INTO dedupe VALUES('memory:memory','e5','019b76db-30b8-7000-8301-b7442cdcd3cd',1767225635000);
INSERT INTO dedupe VALUES('memory:memory','e6','019b76db-6b50-7000-b17f-024b8e2986a1',1767225650000);
INSERT INTO dedupe VALUES('memory:memory','e7','019b76db-6b50-7007-be80-32ab1c5a2861',1767225650000);
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
INSERT INTO entry VALUES('019b76da-a800-7001-8293-bc36aa0c5137',1,'019b76da-a800-7000-b7d5-19b12d7aa907','in','message','{"id":"e1","chat":"u1","sender":{"name":"Customer u1"},"atMs":1767225600000,"grants":"message","type":"message","parts":[{"type":"text","text":"hello"}]}','{"kind":"customer"}','019b76da-a800-7003-83ed-d601773a2888',NULL,1767225600000,1767225600000,1767225600000,'answered','bot',NULL,'[{"stage":"intercept","by":"words","did":"next","line":"980ac73538f1:20"},{"stage":"route","by":"core","did":"routes[0]","because":"bot-first","line":"980ac73538f1:22"},{"stage":"bot","by":"bot","did":"reply","line":"980ac73538f1:14"},{"stage":"outcome","by":"bot","did":"answered","because":"bot"}]',0);
INSERT INTO entry VALUES('019b76da-a800-7001-8293-bc36aa0c5137',2,'019b76da-a800-7004-903c-930f310562c1','out','message','{"parts":[{"type":"text","text":"Yes: hello"}]}','{"kind":"bot","name":"bot"}','019b76da-a800-7003-83ed-d601773a2888','019b76da-a800-7000-b7d5-19b12d7aa907',1767225600000,1767225600000,1767225600000,NULL,NULL,NULL,NULL,0);
INSERT INTO entry VALUES('019b76da-a800-7001-8293-bc36aa0c5137',3,'019b76da-bb88-7000-806a-2cc4703ecc7d','in','message','{"id":"e2","chat":"u1","sender":{"name":"Customer u1"},"atMs":1767225605000,"grants":"message","type":"message","parts":[{"type":"text","text":"person"}]}','{"kind":"customer"}','019b76da-a800-7003-83ed-d601773a2888',NULL,1767225605000,1767225605000,1767225605000,'handed-off','asked',NULL,'[{"stage":"intercept","by":"words","did":"next","line":"980ac73538f1:20"},{"stage":"route","by":"core","did":"routes[0]","because":"bot-first","line":"980ac73538f1:22"},{"stage":"bot","by":"bot","did":"hand-off","because":"asked","line":"980ac73538f1:14"},{"stage":"outcome","by":"bot","did":"handed-off","because":"asked"}]',0);
INSERT INTO entry VALUES('019b76da-a800-7001-8293-bc36aa0c5137',4,'019b76da-bb88-7003-a89e-c2814b356784','out','message','{"parts":[{"type":"text","text":"One moment."}]}','{"kind":"core"}','019b76da-a800-7003-83ed-d601773a2888','019b76da-bb88-7000-806a-2cc4703ecc7d',1767225605000,1767225605000,1767225605000,NULL,NULL,NULL,NULL,0);
INSERT INTO entry VALUES('019b76da-a800-7001-8293-bc36aa0c5137',5,'019b76da-cf10-7000-8b61-2c50696aad25','in','message','{"id":"e3","chat":"u1","sender":{"name":"Customer u1"},"atMs":1767225610000,"grants":"message","type":"message","parts":[{"type":"text","text":"anybody?"}]}','{"kind":"customer"}','019b76da-a800-7003-83ed-d601773a2888',NULL,1767225610000,1767225610000,1767225610000,'to-desk','support has the conversation',NULL,'[{"stage":"intercept","by":"words","did":"next","line":"980ac73538f1:20"},{"stage":"outcome","by":"core","did":"to-desk","because":"support has the conversation"}]',0);
INSERT INTO entry VALUES('019b76da-a800-7001-8293-bc36aa0c5137',6,'019b76da-e298-7000-a4fe-a38a901b37b8','note','take','{"text":"amy took it"}','{"kind":"agent","person":"amy"}','019b76da-a800-7003-83ed-d601773a2888',NULL,1767225615000,1767225615000,1767225615000,NULL,NULL,NULL,NULL,0);
INSERT INTO entry VALUES('019b76da-a800-7001-8293-bc36aa0c5137',7,'019b76da-f620-7000-b2ba-6da1edfd8c3d','out','message','{"parts":[{"type":"text","text":"I am Amy."}]}','{"kind":"agent","person":"amy"}','019b76da-a800-7003-83ed-d601773a2888','d98a47cc-36a8-4ed3-960e-4fc6688eed9c',1767225620000,1767225620000,1767225620000,NULL,NULL,NULL,NULL,0);
INSERT INTO entry VALUES('019b76da-a800-7001-8293-bc36aa0c5137',8,'019b76db-09a8-7000-998c-53657ec8d0f1','note','note','{"text":"a regular"}','{"kind":"agent","person":"amy"}','019b76da-a800-7003-83ed-d601773a2888',NULL,1767225625000,1767225625000,1767225625000,NULL,NULL,NULL,NULL,0);
INSERT INTO entry VALUES('019b76da-a800-7001-8293-bc36aa0c5137',9,'019b76db-1d30-7000-86c2-7b9aef139083','in','message','{"id":"e4","chat":"u1","sender":{"name":"Customer u1"},"atMs":1767225630000,"grants":"message","type":"message","parts":[{"type":"text","text":"thanks"}]}','{"kind":"customer"}','019b76da-a800-7003-83ed-d601773a2888',NULL,1767225630000,1767225630000,1767225630000,'to-desk','support has the conversation',NULL,'[{"stage":"intercept","by":"words","did":"next","line":"980ac73538f1:20"},{"stage":"outcome","by":"core","did":"to-desk","because":"support has the conversation"}]',0);
INSERT INTO entry VALUES('019b76db-30b8-7001-920a-e501198009f2',1,'019b76db-30b8-7000-8301-b7442cdcd3cd','in','message','{"id":"e5","chat":"u2","sender":{"name":"Customer u2"},"atMs":1767225635000,"grants":"message","type":"message","parts":[{"type":"text","text":"hello"}]}','{"kind":"customer"}','019b76db-30b8-7003-a116-adc549086d25',NULL,1767225635000,1767225635000,1767225635000,'answered','bot',NULL,'[{"stage":"intercept","by":"words","did":"next","line":"980ac73538f1:20"},{"stage":"route","by":"core","did":"routes[0]","because":"bot-first","line":"980ac73538f1:22"},{"stage":"bot","by":"bot","did":"reply","line":"980ac73538f1:14"},{"stage":"outcome","by":"bot","did":"answered","because":"bot"}]',0);
INSERT INTO entry VALUES('019b76db-30b8-7001-920a-e501198009f2',2,'019b76db-30b8-7004-8505-fd74f01dd6eb','out','message','{"parts":[{"type":"text","text":"Yes: hello"}]}','{"kind":"bot","name":"bot"}','019b76db-30b8-7003-a116-adc549086d25','019b76db-30b8-7000-8301-b7442cdcd3cd',1767225635000,1767225635000,1767225635000,NULL,NULL,NULL,NULL,0);
INSERT INTO entry VALUES('019b76db-30b8-7001-920a-e501198009f2',3,'019b76db-4440-7000-b4fa-f839db000a35','note','take','{"text":"bo took it"}','{"kind":"agent","person":"bo"}','019b76db-30b8-7003-a116-adc549086d25',NULL,1767225640000,1767225640000,1767225640000,NULL,NULL,NULL,NULL,0);
INSERT INTO entry VALUES('019b76db-30b8-7001-920a-e501198009f2',4,'019b76db-57c8-7000-a6f0-98ec3f90b577','note','close','{"text":"solved"}','{"kind":"agent","person":"bo"}','019b76db-30b8-7003-a116-adc549086d25',NULL,1767225645000,1767225645000,1767225645000,NULL,NULL,NULL,NULL,0);
INSERT INTO entry VALUES('019b76db-6b50-7001-9081-b07500c87594',1,'019b76db-6b50-7000-b17f-024b8e2986a1','in','message','{"id":"e6","chat":"u3","sender":{"name":"Customer u3"},"atMs":1767225650000,"grants":"message","type":"message","parts":[{"type":"text","text":"price?"}]}','{"kind":"customer"}','019b76db-6b50-7003-aecb-255b328f4266',NULL,1767225650000,1767225650000,1767225650000,'answered','bot',NULL,'[{"stage":"intercept","by":"words","did":"next","line":"980ac73538f1:20"},{"stage":"route","by":"core","did":"routes[0]","because":"bot-first","line":"980ac73538f1:22"},{"stage":"bot","by":"bot","did":"reply","line":"980ac73538f1:14"},{"stage":"outcome","by":"bot","did":"answered","because":"bot"}]',0);
INSERT INTO entry VALUES('019b76db-6b50-7001-9081-b07500c87594',2,'019b76db-6b50-7004-be05-a6f72f043123','out','message','{"parts":[{"type":"text","text":"Yes: price?"}]}','{"kind":"bot","name":"bot"}','019b76db-6b50-7003-aecb-255b328f4266','019b76db-6b50-7000-b17f-024b8e2986a1',1767225650000,1767225650000,1767225650000,NULL,NULL,NULL,NULL,0);
INSERT INTO entry VALUES('019b76db-6b50-7008-8d6a-daf23e3f3af1',1,'019b76db-6b50-7007-be80-32ab1c5a2861','in','message','{"id":"e7","chat":"u4","sender":{"name":"Customer u4"},"atMs":1767225650000,"grants":"message","type":"message","parts":[{"type":"text","text":"wait"}]}','{"kind":"customer"}',NULL,NULL,1767225650000,1767225650000,NULL,NULL,NULL,NULL,NULL,0);
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
INSERT INTO conversation VALUES('019b76da-a800-7003-83ed-d601773a2888','019b76da-a800-7001-8293-bc36aa0c5137','019b76da-a800-7002-90c0-1265b85dce17','assigned','{"kind":"agent","desk":"support","team":"presale","person":"amy"}',NULL,'support','presale','amy',3,'customer','routes[0]','980ac73538f1f2bdcc6a0cc09305aa3dab0faa81cd0387fcc9a340882904b31d','{"unknown":0,"failures":0}',1767225600000,1767225605000,1767225615000,NULL,NULL,NULL);
INSERT INTO conversation VALUES('019b76db-30b8-7003-a116-adc549086d25','019b76db-30b8-7001-920a-e501198009f2','019b76db-30b8-7002-8d3a-baff6f75f1a6','closed','{"kind":"agent","desk":"support","person":"bo"}',NULL,'support',NULL,'bo',2,'customer','routes[0]','980ac73538f1f2bdcc6a0cc09305aa3dab0faa81cd0387fcc9a340882904b31d','{"unknown":0,"failures":0}',1767225635000,NULL,1767225640000,1767225645000,'solved','{"kind":"agent","person":"bo"}');
INSERT INTO conversation VALUES('019b76db-6b50-7003-aecb-255b328f4266','019b76db-6b50-7001-9081-b07500c87594','019b76db-6b50-7002-8486-f5b27eccac1d','bot','{"kind":"bot","bot":"bot"}','bot',NULL,NULL,NULL,1,'customer','routes[0]','980ac73538f1f2bdcc6a0cc09305aa3dab0faa81cd0387fcc9a340882904b31d','{"unknown":0,"failures":0}',1767225650000,NULL,NULL,NULL,NULL,NULL);
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
INSERT INTO conversation_change VALUES('019b76da-a800-7003-83ed-d601773a2888',1,1767225600000,'opened','{"kind":"customer"}','message on routes[0]',1,'{"kind":"bot","bot":"bot"}','019b76da-a800-7000-b7d5-19b12d7aa907');
INSERT INTO conversation_change VALUES('019b76da-a800-7003-83ed-d601773a2888',2,1767225605000,'queued','{"kind":"bot","name":"bot"}','asked',2,'{"kind":"queue","desk":"support","team":"presale"}','019b76da-bb88-7000-806a-2cc4703ecc7d');
INSERT INTO conversation_change VALUES('019b76da-a800-7003-83ed-d601773a2888',3,1767225615000,'assigned','{"kind":"agent","person":"amy"}','amy took it',3,'{"kind":"agent","desk":"support","team":"presale","person":"amy"}','4c738e8a-ca18-4968-93d9-fb8101a6edae');
INSERT INTO conversation_change VALUES('019b76db-30b8-7003-a116-adc549086d25',1,1767225635000,'opened','{"kind":"customer"}','message on routes[0]',1,'{"kind":"bot","bot":"bot"}','019b76db-30b8-7000-8301-b7442cdcd3cd');
INSERT INTO conversation_change VALUES('019b76db-30b8-7003-a116-adc549086d25',2,1767225640000,'assigned','{"kind":"agent","person":"bo"}','bo took it',2,'{"kind":"agent","desk":"support","person":"bo"}','07147e48-58c4-4b55-8102-edf7230d9e01');
INSERT INTO conversation_change VALUES('019b76db-30b8-7003-a116-adc549086d25',3,1767225645000,'closed','{"kind":"agent","person":"bo"}','solved',2,'{"kind":"agent","desk":"support","person":"bo"}','9ecbb580-549a-4bbe-8d48-4fabec2eb9d7');
INSERT INTO conversation_change VALUES('019b76db-6b50-7003-aecb-255b328f4266',1,1767225650000,'opened','{"kind":"customer"}','message on routes[0]',1,'{"kind":"bot","bot":"bot"}','019b76db-6b50-7000-b17f-024b8e2986a1');
CREATE TABLE state (
      chat TEXT NOT NULL,
      instance TEXT NOT NULL,
      body_json TEXT NOT NULL,
      PRIMARY KEY (chat, instance)
    ) WITHOUT ROWID;
INSERT INTO state VALUES('019b76da-a800-7001-8293-bc36aa0c5137','words','{"count":4}');
INSERT INTO state VALUES('019b76db-30b8-7001-920a-e501198009f2','words','{"count":1}');
INSERT INTO state VALUES('019b76db-6b50-7001-9081-b07500c87594','words','{"count":1}');
CREATE TABLE wake (
      chat TEXT NOT NULL,
      instance TEXT NOT NULL,
      key TEXT NOT NULL,
      due_at BIGINT NOT NULL,
      PRIMARY KEY (chat, instance, key)
    ) WITHOUT ROWID;
INSERT INTO wake VALUES('019b76da-a800-7001-8293-bc36aa0c5137','words','remind',1767229230000);
INSERT INTO wake VALUES('019b76db-30b8-7001-920a-e501198009f2','words','remind',1767229235000);
INSERT INTO wake VALUES('019b76db-6b50-7001-9081-b07500c87594','words','remind',1767229250000);
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
INSERT INTO delivery VALUES('019b76da-a800-7005-a2d7-cc8ea236f0ee','019b76da-a800-7001-8293-bc36aa0c5137',2,0,'channel','{"kind":"part","part":{"type":"text","text":"Yes: hello"},"inReplyTo":"e1"}','bot','{"kind":"bot","name":"bot"}','sent','message',1,1767225600000,1767226200000,1767225630000,'019b76da-a800-7005-a2d7-cc8ea236f0ee',NULL,NULL,1767225600000,1767225600000);
INSERT INTO delivery VALUES('019b76da-bb88-7004-b24a-400d29068d1b','019b76da-a800-7001-8293-bc36aa0c5137',4,0,'channel','{"kind":"part","part":{"type":"text","text":"One moment."},"inReplyTo":"e2"}','core','{"kind":"core"}','sent','message',1,1767225605000,1767226205000,1767225635000,'019b76da-bb88-7004-b24a-400d29068d1b',NULL,NULL,1767225605000,1767225605000);
INSERT INTO delivery VALUES('019b76da-bb88-7006-a924-610015b41ffe','019b76da-a800-7001-8293-bc36aa0c5137',3,0,'desk:support','{"kind":"desk","item":{"type":"handed-over","conversation":"019b76da-a800-7003-83ed-d601773a2888","because":"asked","upToSeq":3}}','core','{"kind":"core"}','sent',NULL,1,1767225605000,NULL,9007199254740991,NULL,NULL,NULL,1767225605000,1767225605000);
INSERT INTO delivery VALUES('019b76da-cf10-7003-b1de-e3ee257e8b76','019b76da-a800-7001-8293-bc36aa0c5137',5,0,'desk:support','{"kind":"desk","item":{"conversation":"019b76da-a800-7003-83ed-d601773a2888","type":"message","parts":[{"type":"text","text":"anybody?"}]}}','core','{"kind":"core"}','sent',NULL,1,1767225610000,NULL,9007199254740991,NULL,NULL,NULL,1767225610000,1767225610000);
INSERT INTO delivery VALUES('019b76da-f620-7001-bca0-f3615e505faf','019b76da-a800-7001-8293-bc36aa0c5137',7,0,'channel','{"kind":"part","part":{"type":"text","text":"I am Amy."}}','agent','{"kind":"agent","person":"amy"}','sent','message',1,1767225620000,NULL,1767225650000,'019b76da-f620-7001-bca0-f3615e505faf',NULL,NULL,1767225620000,1767225620000);
INSERT INTO delivery VALUES('019b76db-1d30-7003-8771-36a9d605962a','019b76da-a800-7001-8293-bc36aa0c5137',9,0,'desk:support','{"kind":"desk","item":{"conversation":"019b76da-a800-7003-83ed-d601773a2888","type":"message","parts":[{"type":"text","text":"thanks"}]}}','core','{"kind":"core"}','sent',NULL,1,1767225630000,NULL,9007199254740991,NULL,NULL,NULL,1767225630000,1767225630000);
INSERT INTO delivery VALUES('019b76db-30b8-7005-8ffe-a2ca12cda488','019b76db-30b8-7001-920a-e501198009f2',2,0,'channel','{"kind":"part","part":{"type":"text","text":"Yes: hello"},"inReplyTo":"e5"}','bot','{"kind":"bot","name":"bot"}','sent','message',1,1767225635000,1767226235000,1767225665000,'019b76db-30b8-7005-8ffe-a2ca12cda488',NULL,NULL,1767225635000,1767225635000);
INSERT INTO delivery VALUES('019b76db-4440-7002-8589-7120da79c224','019b76db-30b8-7001-920a-e501198009f2',3,0,'desk:support','{"kind":"desk","item":{"type":"handed-over","conversation":"019b76db-30b8-7003-a116-adc549086d25","because":"bo took it","upToSeq":2}}','core','{"kind":"core"}','sent',NULL,1,1767225640000,NULL,9007199254740991,NULL,NULL,NULL,1767225640000,1767225640000);
INSERT INTO delivery VALUES('019b76db-57c8-7002-b86f-a7bbad911f30','019b76db-30b8-7001-920a-e501198009f2',4,0,'desk:support','{"kind":"desk","item":{"conversation":"019b76db-30b8-7003-a116-adc549086d25","type":"closed","because":"solved"}}','core','{"kind":"core"}','sent',NULL,1,1767225645000,NULL,9007199254740991,NULL,NULL,NULL,1767225645000,1767225645000);
INSERT INTO delivery VALUES('019b76db-6b50-7005-a3b3-39295fe1c382','019b76db-6b50-7001-9081-b07500c87594',2,0,'channel','{"kind":"part","part":{"type":"text","text":"Yes: price?"},"inReplyTo":"e6"}','bot','{"kind":"bot","name":"bot"}','pending','message',1,1767225651000,1767226250000,1767225680000,NULL,'CHANNEL_FAILED','ECONNREFUSED',1767225650000,NULL);
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
INSERT INTO delivery_attempt VALUES('019b76da-a800-7005-a2d7-cc8ea236f0ee',1,1767225600000,0,1,NULL,NULL);
INSERT INTO delivery_attempt VALUES('019b76da-bb88-7004-b24a-400d29068d1b',1,1767225605000,0,1,NULL,NULL);
INSERT INTO delivery_attempt VALUES('019b76da-bb88-7006-a924-610015b41ffe',1,1767225605000,0,1,NULL,NULL);
INSERT INTO delivery_attempt VALUES('019b76da-cf10-7003-b1de-e3ee257e8b76',1,1767225610000,0,1,NULL,NULL);
INSERT INTO delivery_attempt VALUES('019b76da-f620-7001-bca0-f3615e505faf',1,1767225620000,0,1,NULL,NULL);
INSERT INTO delivery_attempt VALUES('019b76db-1d30-7003-8771-36a9d605962a',1,1767225630000,0,1,NULL,NULL);
INSERT INTO delivery_attempt VALUES('019b76db-30b8-7005-8ffe-a2ca12cda488',1,1767225635000,0,1,NULL,NULL);
INSERT INTO delivery_attempt VALUES('019b76db-4440-7002-8589-7120da79c224',1,1767225640000,0,1,NULL,NULL);
INSERT INTO delivery_attempt VALUES('019b76db-57c8-7002-b86f-a7bbad911f30',1,1767225645000,0,1,NULL,NULL);
INSERT INTO delivery_attempt VALUES('019b76db-6b50-7005-a3b3-39295fe1c382',1,1767225650000,0,0,'CHANNEL_FAILED','ECONNREFUSED');
CREATE TABLE allowance (
      chat TEXT NOT NULL,
      on_event TEXT NOT NULL,
      granted_at BIGINT NOT NULL,
      ends_at BIGINT NOT NULL,
      max INTEGER,
      used INTEGER NOT NULL DEFAULT 0,
      PRIMARY KEY (chat, on_event)
    ) WITHOUT ROWID;
INSERT INTO allowance VALUES('019b76da-a800-7001-8293-bc36aa0c5137','message',1767225600000,9007199254740991,NULL,0);
INSERT INTO allowance VALUES('019b76db-30b8-7001-920a-e501198009f2','message',1767225635000,9007199254740991,NULL,0);
INSERT INTO allowance VALUES('019b76db-6b50-7001-9081-b07500c87594','message',1767225650000,9007199254740991,NULL,0);
INSERT INTO allowance VALUES('019b76db-6b50-7008-8d6a-daf23e3f3af1','message',1767225650000,9007199254740991,NULL,0);
CREATE TABLE command (
      id TEXT PRIMARY KEY,
      chat TEXT NOT NULL,
      conversation TEXT,
      type TEXT NOT NULL,
      by_json TEXT NOT NULL,
      result_json TEXT NOT NULL,
      at BIGINT NOT NULL
    ) WITHOUT ROWID;
INSERT INTO command VALUES('07147e48-58c4-4b55-8102-edf7230d9e01','019b76db-30b8-7001-920a-e501198009f2','019b76db-30b8-7003-a116-adc549086d25','take','{"kind":"agent","person":"bo"}','{"ok":true,"conversation":"019b76db-30b8-7003-a116-adc549086d25"}',1767225640000);
INSERT INTO command VALUES('4c738e8a-ca18-4968-93d9-fb8101a6edae','019b76da-a800-7001-8293-bc36aa0c5137','019b76da-a800-7003-83ed-d601773a2888','take','{"kind":"agent","person":"amy"}','{"ok":true,"conversation":"019b76da-a800-7003-83ed-d601773a2888"}',1767225615000);
INSERT INTO command VALUES('9ecbb580-549a-4bbe-8d48-4fabec2eb9d7','019b76db-30b8-7001-920a-e501198009f2','019b76db-30b8-7003-a116-adc549086d25','close','{"kind":"agent","person":"bo"}','{"ok":true,"conversation":"019b76db-30b8-7003-a116-adc549086d25"}',1767225645000);
INSERT INTO command VALUES('d98a47cc-36a8-4ed3-960e-4fc6688eed9c','019b76da-a800-7001-8293-bc36aa0c5137','019b76da-a800-7003-83ed-d601773a2888','send','{"kind":"agent","person":"amy"}','{"ok":true,"conversation":"019b76da-a800-7003-83ed-d601773a2888"}',1767225620000);
INSERT INTO command VALUES('note-1','019b76da-a800-7001-8293-bc36aa0c5137','019b76da-a800-7003-83ed-d601773a2888','note','{"kind":"agent","person":"amy"}','{"ok":true,"conversation":"019b76da-a800-7003-83ed-d601773a2888"}',1767225625000);
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
CREATE TABLE audit (
      id TEXT PRIMARY KEY,
      at BIGINT NOT NULL,
      by_json TEXT NOT NULL,
      action TEXT NOT NULL,
      before_json TEXT,
      after_json TEXT,
      instance TEXT NOT NULL
    ) WITHOUT ROWID;
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
INSERT INTO revision VALUES('980ac73538f1f2bdcc6a0cc09305aa3dab0faa81cd0387fcc9a340882904b31d',1767225600000,'/srv/switchboard/switchboard.yaml',replace('server:\n  port: 0\n  publicUrl: http://localhost\nstorage:\n  folder: ./\nlanguages:\n  - en\ntexts:\n  handedOver: One moment.\nchannels:\n  memory:\n    use: memory\nbots:\n  bot:\n    use: scripted\ndesks:\n  support:\n    use: quiet-desk\nfeatures:\n  - use: words\nroutes:\n  - from:\n      - memory\n    mode: bot-first\n    bot: bot\n    desk: support\n','\n',char(10)));
CREATE TABLE trimmed (
      what TEXT PRIMARY KEY,
      up_to BIGINT NOT NULL
    ) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS "words__word" (n INTEGER PRIMARY KEY, said TEXT NOT NULL);
INSERT INTO words__word VALUES(1,'hello');
INSERT INTO words__word VALUES(2,'person');
INSERT INTO words__word VALUES(3,'anybody?');
INSERT INTO words__word VALUES(4,'thanks');
INSERT INTO words__word VALUES(5,'hello');
INSERT INTO words__word VALUES(6,'price?');
CREATE INDEX customer_last ON customer (last_at);
CREATE INDEX chat_customer ON chat (customer);
CREATE INDEX chat_postponed ON chat (due_at) WHERE due_at > 0;
CREATE UNIQUE INDEX entry_order ON entry (chat, seq);
CREATE UNIQUE INDEX entry_id ON entry (id);
CREATE INDEX entry_waiting ON entry (chat, seq) WHERE done_at IS NULL;
CREATE UNIQUE INDEX conversation_open ON conversation (chat) WHERE state <> 'closed';
CREATE INDEX conversation_queued ON conversation (desk, team, queued_at) WHERE state = 'queued';
CREATE INDEX conversation_assigned ON conversation (person) WHERE state = 'assigned';
CREATE INDEX conversation_opened ON conversation (opened_at);
CREATE INDEX conversation_closed ON conversation (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX conversation_chat ON conversation (chat, opened_at);
CREATE INDEX wake_due ON wake (due_at);
CREATE UNIQUE INDEX delivery_id ON delivery (id);
CREATE INDEX delivery_order ON delivery (chat, seq, part);
CREATE INDEX delivery_open ON delivery (chat, destination) WHERE state IN ('pending', 'sending');
CREATE INDEX delivery_due ON delivery (next_at, destination, chat) WHERE state = 'pending';
CREATE INDEX delivery_expiring ON delivery (expires_at) WHERE state = 'pending' AND expires_at IS NOT NULL;
CREATE INDEX command_at ON command (at);
CREATE INDEX media_due ON media (next_at) WHERE state = 'waiting';
CREATE INDEX media_entry ON media (entry);
CREATE INDEX media_file ON media (file) WHERE file IS NOT NULL;
CREATE INDEX audit_at ON audit (at);
COMMIT;
