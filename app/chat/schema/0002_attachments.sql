-- Schema 2: what was attached. Released schemas are never edited.
--
-- The bytes are files in the folder "attachments" beside the database, each under its SHA-256. A
-- row here is written before its file and deleted after it: no file is there without its row.
CREATE TABLE attachments (
    sha256 TEXT PRIMARY KEY CHECK (length(sha256) = 64),
    size_bytes INTEGER NOT NULL,
    added_at REAL NOT NULL
) STRICT;

-- What refers to them: a part of a message (ordinal counts together with the table parts), or,
-- where message_id is NULL, a draft: that of the chat draft_of, or of the chat not yet begun (NULL).
-- about: what else is known of a picture or file, a JSON object.
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

CREATE INDEX attached_by_hash ON attached (sha256);
CREATE INDEX attached_to_drafts ON attached (draft_of, message_id);
