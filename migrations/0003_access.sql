-- Who may do what: tokens of programs, accounts of people, their browsers' sessions, and what happened to all of these.
-- Secrets are never stored: of tokens and session ids there is the SHA-256 in hex, of passwords the Argon2id string (RFC 9106).

-- expires_ms and used_ms: 0 = never. A revoked token has no row; the access journal tells of it.
CREATE TABLE access_token (
    id         TEXT   PRIMARY KEY,
    name       TEXT   NOT NULL UNIQUE,
    role       TEXT   NOT NULL,
    hash       TEXT   NOT NULL UNIQUE,
    created_ms BIGINT NOT NULL,
    created_by TEXT   NOT NULL,
    expires_ms BIGINT NOT NULL,
    used_ms    BIGINT NOT NULL
);

CREATE TABLE access_account (
    name       TEXT   PRIMARY KEY,
    role       TEXT   NOT NULL,
    password   TEXT   NOT NULL,
    created_ms BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL
);

CREATE TABLE access_session (
    hash       TEXT   PRIMARY KEY,
    account    TEXT   NOT NULL,
    created_ms BIGINT NOT NULL,
    seen_ms    BIGINT NOT NULL
);

-- Beside the journal, because the command line writes here while a prescale runs, and nothing may get between the control loop and its
-- journal. What happens after journal entry n has the numbers n * 2^20 + 1, n * 2^20 + 2, …: the audit reads both in one order.
-- value_before and value_after: '' = nothing.
CREATE TABLE access_journal (
    seq          BIGINT PRIMARY KEY,
    at_ms        BIGINT NOT NULL,
    who          TEXT   NOT NULL,
    kind         TEXT   NOT NULL,
    what         TEXT   NOT NULL,
    value_before TEXT   NOT NULL,
    value_after  TEXT   NOT NULL
);

-- The audit passes over the many decisions. The list is the one in store/audit.rs, to the letter: only then is the index used.
CREATE INDEX journal_audited ON journal (seq) WHERE kind NOT IN ('decision', 'order_acknowledged', 'order_closed', 'order_retried');
