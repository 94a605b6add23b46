CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    namespace TEXT NOT NULL,
    handle BLOB NOT NULL CHECK (length(handle) = 16),
    revision INTEGER NOT NULL,
    secret_hash BLOB NOT NULL CHECK (length(secret_hash) = 32),
    created_at INTEGER NOT NULL,
    idle_deadline INTEGER NOT NULL,
    max_age INTEGER NOT NULL,
    absolute_deadline INTEGER,
    expires_at INTEGER NOT NULL
        GENERATED ALWAYS AS (min(idle_deadline, ifnull(absolute_deadline, idle_deadline))) VIRTUAL,
    authenticated_at INTEGER,
    secret_since INTEGER NOT NULL,
    previous_secret_hash BLOB CHECK (length(previous_secret_hash) = 32),
    previous_nonce BLOB CHECK (length(previous_nonce) = 16),
    previous_until INTEGER,
    subject TEXT,
    labels TEXT,
    browser_session INTEGER NOT NULL CHECK (browser_session IN (0, 1)),
    data ANY NOT NULL
) STRICT;

CREATE UNIQUE INDEX sessions_by_handle ON sessions (namespace, handle);
CREATE INDEX sessions_by_expiry ON sessions (namespace, expires_at);
CREATE INDEX sessions_by_subject ON sessions (namespace, subject) WHERE subject IS NOT NULL;

CREATE TABLE ended (
    namespace TEXT NOT NULL,
    handle BLOB NOT NULL CHECK (length(handle) = 16),
    why TEXT NOT NULL,
    forget_at INTEGER NOT NULL,
    PRIMARY KEY (namespace, handle)
) STRICT, WITHOUT ROWID;

CREATE INDEX ended_by_time ON ended (namespace, forget_at);
