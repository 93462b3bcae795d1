-- Simulations and backtests that people asked for, with what came out. 0 and '' mean "not yet"; request and result are JSON, load is the
-- simulated load as compressed CSV.

CREATE TABLE job (
    id         BIGINT PRIMARY KEY,
    kind       TEXT   NOT NULL,
    title      TEXT   NOT NULL,
    who        TEXT   NOT NULL,
    state      TEXT   NOT NULL,
    created_ms BIGINT NOT NULL,
    ended_ms   BIGINT NOT NULL,
    wall_ms    BIGINT NOT NULL,
    request    TEXT   NOT NULL,
    result     TEXT   NOT NULL,
    error      TEXT   NOT NULL,
    load       BYTEA  NOT NULL
);
