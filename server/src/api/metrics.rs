//! Gauges of each service in the Prometheus text format. What is not known has no sample: absent is not zero.

use std::fmt::Write;

use super::dto::{ForecastState, Overview, ServiceSummary};

type Gauge = (&'static str, &'static str, fn(&ServiceSummary) -> Option<f64>);

const GAUGES: [Gauge; 7] = [
    ("prescale_desired_replicas", "Replicas ordered last.", |service| service.replicas.desired.map(f64::from)),
    ("prescale_ready_replicas", "Replicas that serve.", |service| service.replicas.ready.map(f64::from)),
    ("prescale_booting_replicas", "Replicas ordered that don't serve yet.", |service| service.replicas.booting.map(f64::from)),
    ("prescale_offered_load_rps", "Offered requests per second, 429 and 503 included, retries left out.", |service| service.load_rps),
    ("prescale_data_age_seconds", "Domain seconds since the last sample.", |service| service.data.age_s),
    ("prescale_forecast_ok", "1 while a forecast is in use, 0 while the reactive rule stands in.", |service| {
        Some(if service.forecast.state == ForecastState::Ok { 1.0 } else { 0.0 })
    }),
    ("prescale_paused", "1 while this service is paused in any direction.", |service| {
        Some(if service.paused.is_some() { 1.0 } else { 0.0 })
    }),
];

/// The gauges of all services.
pub fn render(overview: &Overview) -> String {
    let mut out = String::new();
    for (name, help, value) in GAUGES {
        // Writing to a String can't fail.
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
        for service in &overview.services {
            if let Some(value) = value(service).filter(|value| value.is_finite()) {
                let _ = writeln!(out, "{name}{{service=\"{}\"}} {value}", escaped(&service.name));
            }
        }
    }
    let paused = u8::from(overview.paused.is_some());
    let _ = writeln!(out, "# HELP prescale_all_paused 1 while all services are paused in any direction.\n# TYPE prescale_all_paused gauge");
    let _ = writeln!(out, "prescale_all_paused {paused}");
    let _ = writeln!(out, "# HELP prescale_build_info The version that runs.\n# TYPE prescale_build_info gauge");
    let _ = writeln!(out, "prescale_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
    out
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
