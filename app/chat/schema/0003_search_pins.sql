-- Schema 3: chats can be pinned, be given a title by the model, and be searched. Released schemas are
-- never edited.
--
-- pinned_at: since when a chat stands above the others; NULL: it does not. titled: whether the model
-- was asked for a title, whatever came of it; it is asked once.
ALTER TABLE chats ADD COLUMN pinned_at REAL;
ALTER TABLE chats ADD COLUMN titled INTEGER NOT NULL DEFAULT 0;

-- revision: rises with every change of what a message says, over all messages, so that an index
-- finds what is new without reading what is old. It never comes down: the last one given is the
-- value "revision" in the table state.
ALTER TABLE messages ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
CREATE INDEX messages_by_revision ON messages (revision);
UPDATE messages SET revision = ordinal;
INSERT OR REPLACE INTO state (key, value)
    SELECT 'revision', coalesce(max(ordinal), 0) FROM messages;

-- Chats of before have the title they have.
UPDATE chats SET titled = 1;
