-- What the forecasts of a service rest on: what the last fit learnt of the history, and how the quantiles did so far (planner/src/forecaster.rs
-- as MessagePack, deflated; server/src/runtime/forecasters.rs). Without its row a service's next forecast is made anew and its record begins anew.

CREATE TABLE forecaster (
    service TEXT PRIMARY KEY,
    data    BYTEA NOT NULL
);
