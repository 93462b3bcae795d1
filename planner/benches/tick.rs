//! How many decisions a second: 10,000 services with cached forecasts and curves, one core. `cargo bench -p planner --bench tick`.

#![allow(clippy::print_stdout)]

use std::time::Instant;

use planner::{Capacity, Event, Mode, Policy, PredictivePolicy, Rails, Replica, ReplicaState, ServiceConfig, Slo, State, step};
use predictor::{Forecast, Point};

const SERVICES: usize = 10_000;
const START_MS: i64 = 1_700_000_000_000;

fn config(i: usize) -> ServiceConfig {
    // Half declared, half from one of ten curves of the simulator.
    let capacity = match i % 2 {
        0 => Capacity::Declared { rps_per_replica: 100.0 },
        _ => Capacity::Modelled {
            concurrency: 4 + (i as u32 / 2) % 10,
            service_time_ms: 50.0,
            queue: 32,
            algorithm: balancer::Algorithm::LeastConnections,
        },
    };
    ServiceConfig {
        name: format!("service-{i:05}"),
        slo: Slo { latency_ms: 250.0, percentile: 95.0, errors: 0.001 },
        capacity,
        lead_time_ms: Some(300_000),
        rails: Rails { min: 2, max: 20, step_up: 10, step_down: 1, stabilisation_ms: 600_000, cool_down_ms: 60_000, max_jump_factor: None },
        mode: Mode::Automatic,
        policy: Policy::Predictive(PredictivePolicy::default()),
        tick_ms: 15_000,
        stale_after_ms: 180_000,
        forecast_every_ms: 3_600_000,
        forecast_update_ms: 60_000,
        forecast_max_age_ms: 7_200_000,
        approval_ttl_ms: 900_000,
        drain_ms: 30_000,
        ramp_ms: 0,
        holds_at: None,
        time_zone: "UTC".to_owned(),
        events: Vec::new(),
        holidays: Vec::new(),
    }
}

fn forecast(i: usize) -> Forecast {
    let point = |k: i64| {
        let mean = 300.0 + (i % 300) as f64 + 100.0 * (k as f64 / 40.0).sin();
        Point { ts_ms: START_MS + (k + 1) * 60_000, mean, q: vec![mean, mean * 1.2, mean * 1.4] }
    };
    // The points above are on the grid, finite and ascending.
    Forecast::from_quantiles(START_MS, 60_000, vec![0.5, 0.95, 0.99], (0..240).map(point).collect()).expect("a valid forecast")
}

fn fleet() -> Vec<Replica> {
    let replica = |id| Replica { id, address: format!("10.0.0.{id}:80"), state: ReplicaState::Ready, ordered_ms: None, ready_ms: None };
    (1..=6).map(replica).collect()
}

fn main() {
    let configs: Vec<ServiceConfig> = (0..SERVICES).map(config).collect();
    let names: Vec<String> = configs.iter().map(|c| c.name.clone()).collect();
    let mut state = State::new(configs).expect("valid configurations");
    for (i, name) in names.iter().enumerate() {
        step(&mut state, Event::Forecast { service: name.clone(), forecast: forecast(i), learnt: Vec::new() }, START_MS);
    }
    let mut commands = 0;
    for round in 0..12i64 {
        let now_ms = START_MS + (round + 1) * 15_000;
        let began = Instant::now();
        for (i, name) in names.iter().enumerate() {
            let load_rps = Some(280.0 + (i % 300) as f64);
            step(&mut state, Event::Sample { service: name.clone(), at_ms: now_ms, load_rps, saturated: false }, now_ms);
            step(&mut state, Event::Fleet { service: name.clone(), at_ms: now_ms, replicas: fleet() }, now_ms);
        }
        let told = began.elapsed();
        let began = Instant::now();
        for name in &names {
            commands += step(&mut state, Event::Tick { service: name.clone() }, now_ms).len();
        }
        let took = began.elapsed();
        let note = if round == 0 { " (first: curves are computed)" } else { "" };
        let rate = SERVICES as f64 / took.as_secs_f64();
        println!("round {round:>2}: {SERVICES} ticks in {took:>9.1?} = {rate:>9.0} ticks/s; samples and fleets in {told:.1?}{note}");
    }
    let bytes = serde_json::to_string(&state).map_or(0, |text| text.len());
    println!("{commands} commands; state {} bytes per service", bytes / SERVICES);
}
