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
CREATE TABLE attachments (
    sha256 TEXT PRIMARY KEY CHECK (length(sha256) = 64),
    size_bytes INTEGER NOT NULL,
    added_at REAL NOT NULL
) STRICT;
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
CREATE TABLE pieces (
    seq INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    part INTEGER NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE TABLE state (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
CREATE INDEX attached_by_hash ON attached (sha256);
CREATE INDEX attached_to_drafts ON attached (draft_of, message_id);
CREATE INDEX chats_by_time ON chats (updated_at) WHERE deleted_at IS NULL;
CREATE INDEX messages_by_parent ON messages (chat_id, parent_id);
CREATE INDEX messages_by_revision ON messages (revision);
CREATE INDEX messages_running ON messages (status) WHERE status = 'running';
CREATE INDEX pieces_by_message ON pieces (message_id);
