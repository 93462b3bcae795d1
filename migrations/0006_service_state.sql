-- The control loop's memory of one service a row, so that a step writes what it changed and not all that there is. Row 1 of control_state
-- holds the rest, row 2 the capacities that were found. A row 1 from before this migration holds everything; the first step writes it anew.

CREATE TABLE service_state (
    service TEXT PRIMARY KEY,
    state   TEXT NOT NULL
);
