-- One row a session, and for a while one for each session that was ended.
CREATE TABLE {table} (
    -- Sessions of one namespace are not seen in another.
    namespace text COLLATE "C" NOT NULL,
    -- The public half of the session ID.
    handle bytea NOT NULL CHECK (octet_length(handle) = 16),
    -- Why the session was ended; NULL while it has not been. A row with a reason holds nothing else.
    ended text,
    -- When the session ends: the earlier of its deadlines. Where it was ended: when the row may go.
    -- All moments are milliseconds since 1970-01-01T00:00:00Z.
    expires_at bigint NOT NULL,
    -- A coarse copy to index, so that most writes change no index.
    expires_minute bigint NOT NULL GENERATED ALWAYS AS (expires_at / 60000) STORED,
    revision bigint,
    -- SHA-256 of the session ID.
    secret_hash bytea CHECK (octet_length(secret_hash) = 32),
    created_at bigint,
    idle_deadline bigint,
    max_age bigint,
    absolute_deadline bigint,
    authenticated_at bigint,
    secret_since bigint,
    -- The secret before the last rotation.
    previous_hash bytea CHECK (octet_length(previous_hash) = 32),
    previous_nonce bytea CHECK (octet_length(previous_nonce) = 16),
    previous_until bigint,
    subject text COLLATE "C",
    labels json,
    browser_session boolean,
    -- The data: json as text, byte for byte as it was written, or MessagePack.
    data json,
    data_bytes bytea,
    PRIMARY KEY (namespace, handle),
    CHECK (
        ended IS NOT NULL
        OR (
            num_nulls(revision, secret_hash, created_at, idle_deadline, max_age, secret_since) = 0
            AND browser_session IS NOT NULL
            AND num_nulls(data, data_bytes) = 1
            AND num_nulls(previous_hash, previous_nonce, previous_until) IN (0, 3)
        )
    )
) WITH (fillfactor = 80);

CREATE INDEX {index:by_expiry} ON {table} (namespace, expires_minute);
CREATE INDEX {index:by_subject} ON {table} (namespace, subject) WHERE subject IS NOT NULL;
