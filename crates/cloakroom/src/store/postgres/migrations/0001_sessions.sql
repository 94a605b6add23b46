-- One row a session, and for a while one for each session that was ended. No CHECK and no generated column: the server
-- reads the text of those anew in each statement that writes. What a row holds is checked when it is read.
CREATE TABLE {table} (
    -- Sessions of one namespace are not seen in another.
    namespace text COLLATE "C" NOT NULL,
    -- The public half of the session ID.
    handle bytea NOT NULL,
    -- Why the session was ended; NULL while it has not been. A row with a reason holds nothing else.
    ended text,
    -- When the session ends: the earlier of its deadlines. Where it was ended: when the row may go.
    -- All moments are milliseconds since 1970-01-01T00:00:00Z.
    expires_at bigint NOT NULL,
    -- A coarse copy to index, so that most writes change no index.
    expires_minute bigint NOT NULL,
    revision bigint,
    -- SHA-256 of the session ID.
    secret_hash bytea,
    created_at bigint,
    idle_deadline bigint,
    max_age bigint,
    absolute_deadline bigint,
    authenticated_at bigint,
    secret_since bigint,
    -- The secret before the last rotation.
    previous_hash bytea,
    previous_nonce bytea,
    previous_until bigint,
    subject text COLLATE "C",
    labels json,
    browser_session boolean,
    -- The data: json as text, byte for byte as it was written, or MessagePack.
    data json,
    data_bytes bytea,
    PRIMARY KEY (namespace, handle)
) WITH (fillfactor = 80);

CREATE INDEX {index:by_expiry} ON {table} (namespace, expires_minute);
CREATE INDEX {index:by_subject} ON {table} (namespace, subject) WHERE subject IS NOT NULL;
