-- What was forecast, so that it can be held against what came. One row an hour of a service: the first forecast that was issued in it,
-- thinned and deflated (server/src/runtime/issued.rs); older than a fortnight, it is deleted.

CREATE TABLE forecast (
    service   TEXT   NOT NULL,
    hour      BIGINT NOT NULL,
    origin_ms BIGINT NOT NULL,
    data      BYTEA  NOT NULL,
    PRIMARY KEY (service, hour)
);
CREATE INDEX forecast_by_hour ON forecast (hour);
