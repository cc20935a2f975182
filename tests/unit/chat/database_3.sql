-- A database as schema 3 left it: as that of schema 2, one chat pinned and not yet titled by a model.
PRAGMA application_id = 1349480036;
PRAGMA user_version = 3;
PRAGMA foreign_keys = OFF;
BEGIN TRANSACTION;
CREATE TABLE attached (
    message_id TEXT REFERENCES messages (id) ON DELETE CASCADE,
    draft_of TEXT REFERENCES chats (id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    sha256 TEXT NOT NULL REFERENCES attachments (sha256),
    kind TEXT NOT NULL CHECK (kind IN ('image', 'file')),
    name TEXT NOT NULL,
    about TEXT NOT NULL,
    CHECK (message_id IS NULL OR draft_of IS NULL),
    UNIQUE (message_id, ordinal)
) STRICT;
INSERT INTO "attached" VALUES('q3',NULL,0,'abababababababababababababababababababababababababababababababab','image','Möwe 🐦.png','{"mime": "image/png", "width": 640, "height": 480, "withheld": true}');
INSERT INTO "attached" VALUES('q3',NULL,1,'e49c00002fa348207ae29cca57ce705515f2941c22365ec985bb17264357b9f5','file','notes.txt','{"encoding": "utf-16"}');
INSERT INTO "attached" VALUES(NULL,'c1',0,'e49c00002fa348207ae29cca57ce705515f2941c22365ec985bb17264357b9f5','file','same.txt','{"encoding": "utf-16"}');
INSERT INTO "attached" VALUES(NULL,NULL,0,'abababababababababababababababababababababababababababababababab','image','new.png','{"mime": "image/png", "width": 640, "height": 480}');
CREATE TABLE attachments (
    sha256 TEXT PRIMARY KEY CHECK (length(sha256) = 64),
    size_bytes INTEGER NOT NULL,
    added_at REAL NOT NULL
) STRICT;
INSERT INTO "attachments" VALUES('e49c00002fa348207ae29cca57ce705515f2941c22365ec985bb17264357b9f5',22,1790000001.0);
INSERT INTO "attachments" VALUES('abababababababababababababababababababababababababababababababab',5120,1790000002.0);
CREATE TABLE chats (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    title_source TEXT NOT NULL CHECK (title_source IN ('auto', 'user')),
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    deleted_at REAL,
    leaf TEXT,
    draft TEXT NOT NULL DEFAULT '',
    system_prompt TEXT NOT NULL DEFAULT '',
    thinking_budget INTEGER,
    model TEXT NOT NULL DEFAULT '', pinned_at REAL, titled INTEGER NOT NULL DEFAULT 0,
    FOREIGN KEY (id, leaf) REFERENCES messages (chat_id, id) DEFERRABLE INITIALLY DEFERRED
) STRICT;
INSERT INTO "chats" VALUES('c1','Trains','auto',1790000060.0,1790000120.0,NULL,'q3','thanks','Be brief.',64,'/models/demo.gguf',1790000500.0,0);
INSERT INTO "chats" VALUES('c2','Angles','auto',1790000180.0,1790000180.0,NULL,'a2','','',NULL,'',NULL,1);
CREATE TABLE messages (
    ordinal INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    chat_id TEXT NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    parent_id TEXT,
    role TEXT NOT NULL,
    status TEXT NOT NULL,
    note TEXT NOT NULL DEFAULT '',
    created_at REAL NOT NULL,
    usage TEXT,
    provenance TEXT,
    collapsed INTEGER, revision INTEGER NOT NULL DEFAULT 0,
    UNIQUE (chat_id, id),
    FOREIGN KEY (chat_id, parent_id) REFERENCES messages (chat_id, id)
        DEFERRABLE INITIALLY DEFERRED
) STRICT;
INSERT INTO "messages" VALUES(1,'q1','c1',NULL,'user','done','',1790000000.0,NULL,NULL,NULL,1);
INSERT INTO "messages" VALUES(2,'a1','c1','q1','assistant','done','',1790000001.0,'{"prompt_tokens": 20, "cached_tokens": 0, "thinking_tokens": 7, "answer_tokens": 5, "prefill_s": 0.5, "decode_s": 1.5, "first_token_s": 0.6}','{"model": "Ponder demo", "file": "/models/demo.gguf", "size_bytes": 1234567, "quantization": "F16", "engine": "llama-cpp-python 0.3.36", "device": "CPU", "context": 8192, "sampling": {"temperature": 0.7, "top_k": 40, "top_p": 0.95, "min_p": 0.0, "seed": 7}, "prompt_format": "mistral-v13", "prompt_hash": "abababababababababababababababababababababababababababababababab"}',1,2);
INSERT INTO "messages" VALUES(3,'q2','c2',NULL,'user','done','',1790000100.0,NULL,NULL,NULL,3);
INSERT INTO "messages" VALUES(4,'a2','c2','q2','assistant','running','',1790000101.0,NULL,NULL,NULL,4);
INSERT INTO "messages" VALUES(5,'q3','c1','a1','user','done','',1790000200.0,NULL,NULL,NULL,5);
CREATE TABLE parts (
    message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('text', 'thinking')),
    text TEXT NOT NULL,
    closed INTEGER NOT NULL DEFAULT 1,
    seconds REAL NOT NULL DEFAULT 0,
    tokens INTEGER NOT NULL DEFAULT 0,
    UNIQUE (message_id, ordinal)
) STRICT;
INSERT INTO "parts" VALUES('q1',0,'text','How fast?',1,0.0,0);
INSERT INTO "parts" VALUES('a1',0,'thinking','120 / 1.5',1,1.5,7);
INSERT INTO "parts" VALUES('a1',1,'text','22.2 m/s',1,0.0,0);
INSERT INTO "parts" VALUES('q2',0,'text','Why 180 degrees?',1,0.0,0);
INSERT INTO "parts" VALUES('a2',0,'thinking','Draw',0,2.0,9);
INSERT INTO "parts" VALUES('q3',2,'text','And these?',1,0.0,0);
CREATE TABLE pieces (
    seq INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    part INTEGER NOT NULL,
    text TEXT NOT NULL
) STRICT;
INSERT INTO "pieces" VALUES(1,'a2',0,' a parallel.');
CREATE TABLE state (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
INSERT INTO "state" VALUES('open_chat','c2');
INSERT INTO "state" VALUES('draft','unsent');
INSERT INTO "state" VALUES('revision','5');
INSERT INTO "state" VALUES('ponder','0.1.0');
CREATE INDEX chats_by_time ON chats (updated_at) WHERE deleted_at IS NULL;
CREATE INDEX messages_by_parent ON messages (chat_id, parent_id);
CREATE INDEX messages_running ON messages (status) WHERE status = 'running';
CREATE INDEX pieces_by_message ON pieces (message_id);
CREATE INDEX attached_by_hash ON attached (sha256);
CREATE INDEX attached_to_drafts ON attached (draft_of, message_id);
CREATE INDEX messages_by_revision ON messages (revision);
COMMIT;
