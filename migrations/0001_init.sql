-- Runs unchanged on SQLite and PostgreSQL: only BIGINT, TEXT, DOUBLE PRECISION and BYTEA; times are epoch milliseconds.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- One row a metric of a service. Values live in chunks of one UTC day.
CREATE TABLE series (
    id      BIGINT PRIMARY KEY,
    service TEXT   NOT NULL,
    metric  TEXT   NOT NULL,
    step_ms BIGINT NOT NULL,
    UNIQUE (service, metric)
);

CREATE TABLE chunk (
    series_id BIGINT NOT NULL,
    day       BIGINT NOT NULL,
    data      BYTEA  NOT NULL,
    PRIMARY KEY (series_id, day)
);

-- The control loop's memory, written in the transaction of the journal entries that it explains. One row.
CREATE TABLE control_state (
    id         BIGINT PRIMARY KEY,
    written_ms BIGINT NOT NULL,
    state      TEXT   NOT NULL
);

-- What was decided, ordered, acknowledged and changed. Append only; ref is the decision's or the order's id.
CREATE TABLE journal (
    seq     BIGINT PRIMARY KEY,
    at_ms   BIGINT NOT NULL,
    service TEXT   NOT NULL,
    kind    TEXT   NOT NULL,
    ref     BIGINT NOT NULL,
    entry   TEXT   NOT NULL
);
CREATE INDEX journal_by_service ON journal (service, kind, ref);
