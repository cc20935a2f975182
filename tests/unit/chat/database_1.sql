-- A database as schema 1 left it: a finished chat, and one whose answer was being written.
PRAGMA application_id = 1349480036;
PRAGMA user_version = 1;
PRAGMA foreign_keys = OFF;
BEGIN TRANSACTION;
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
    model TEXT NOT NULL DEFAULT '',
    FOREIGN KEY (id, leaf) REFERENCES messages (chat_id, id) DEFERRABLE INITIALLY DEFERRED
) STRICT;
INSERT INTO "chats" VALUES('c1','Trains','auto',1790000060.0,1790000120.0,NULL,'a1','thanks','Be brief.',64,'/models/demo.gguf');
INSERT INTO "chats" VALUES('c2','Angles','auto',1790000180.0,1790000180.0,NULL,'a2','','',NULL,'');
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
    collapsed INTEGER,
    UNIQUE (chat_id, id),
    FOREIGN KEY (chat_id, parent_id) REFERENCES messages (chat_id, id)
        DEFERRABLE INITIALLY DEFERRED
) STRICT;
INSERT INTO "messages" VALUES(1,'q1','c1',NULL,'user','done','',1790000000.0,NULL,NULL,NULL);
INSERT INTO "messages" VALUES(2,'a1','c1','q1','assistant','done','',1790000001.0,'{"prompt_tokens": 20, "cached_tokens": 0, "thinking_tokens": 7, "answer_tokens": 5, "prefill_s": 0.5, "decode_s": 1.5, "first_token_s": 0.6}','{"model": "Ponder demo", "file": "/models/demo.gguf", "size_bytes": 1234567, "quantization": "F16", "engine": "llama-cpp-python 0.3.36", "device": "CPU", "context": 8192, "sampling": {"temperature": 0.7, "top_k": 40, "top_p": 0.95, "min_p": 0.0, "seed": 7}, "prompt_format": "mistral-v13", "prompt_hash": "abababababababababababababababababababababababababababababababab"}',1);
INSERT INTO "messages" VALUES(3,'q2','c2',NULL,'user','done','',1790000100.0,NULL,NULL,NULL);
INSERT INTO "messages" VALUES(4,'a2','c2','q2','assistant','running','',1790000101.0,NULL,NULL,NULL);
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
INSERT INTO "state" VALUES('ponder','0.1.0');
INSERT INTO "state" VALUES('open_chat','c2');
INSERT INTO "state" VALUES('draft','unsent');
CREATE INDEX chats_by_time ON chats (updated_at) WHERE deleted_at IS NULL;
CREATE INDEX messages_by_parent ON messages (chat_id, parent_id);
CREATE INDEX messages_running ON messages (status) WHERE status = 'running';
CREATE INDEX pieces_by_message ON pieces (message_id);
COMMIT;
