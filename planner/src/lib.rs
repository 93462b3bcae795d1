//! Forecast, SLO and rails in; replicas and weights over time out, with reasons; and the control loop as step(state, event, now). Pure.
