-- One row a session, and for a while one for each session that was ended.
CREATE TABLE IF NOT EXISTS {table} (
    -- Sessions of one namespace are not seen in another.
    namespace VARBINARY(64) NOT NULL,
    -- The public half of the session ID.
    handle BINARY(16) NOT NULL,
    -- Why the session was ended; NULL while it has not been. A row with a reason holds nothing else.
    ended VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin,
    -- When the session ends: the earlier of its deadlines. Where it was ended: when the row may go.
    -- All moments are milliseconds since 1970-01-01T00:00:00Z.
    expires_at BIGINT NOT NULL,
    -- A coarse copy to index, so that most writes change no index.
    expires_minute BIGINT GENERATED ALWAYS AS (expires_at DIV 60000) STORED,
    revision BIGINT UNSIGNED,
    -- SHA-256 of the session ID.
    secret_hash BINARY(32),
    created_at BIGINT,
    idle_deadline BIGINT,
    max_age BIGINT,
    absolute_deadline BIGINT,
    authenticated_at BIGINT,
    secret_since BIGINT,
    -- The secret before the last rotation.
    previous_hash BINARY(32),
    previous_nonce BINARY(16),
    previous_until BIGINT,
    -- UTF-8, as bytes: no collation of text compares a blank at the end.
    subject BLOB,
    labels LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    browser_session BOOLEAN,
    -- The data: JSON as text, byte for byte as it was written, or MessagePack.
    data LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    data_bytes LONGBLOB,
    PRIMARY KEY (namespace, handle),
    KEY by_expiry (namespace, expires_minute),
    KEY by_subject (namespace, subject(255)),
    CHECK (
        ended IS NOT NULL
        OR (
            revision IS NOT NULL AND secret_hash IS NOT NULL AND created_at IS NOT NULL
            AND idle_deadline IS NOT NULL AND max_age IS NOT NULL AND secret_since IS NOT NULL
            AND browser_session IS NOT NULL AND (data IS NULL) <> (data_bytes IS NULL)
            AND (previous_hash IS NULL) = (previous_nonce IS NULL)
            AND (previous_hash IS NULL) = (previous_until IS NULL)
        )
    )
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;
