//! Gauges of each service, as it was last published. What is not known has no sample: absent is not zero.

use super::accuracy::{QUANTILES, Verdict};
use crate::api::dto;
use crate::exposition::{Exposition, Kind};
use crate::runtime::shared::{Shared, View};
use crate::runtime::view::{data_health, forecast_health, replicas, seconds};

/// A service at the moment of the scrape.
struct Row {
    name: String,
    view: View,
    replicas: dto::Replicas,
    data: dto::DataHealth,
    forecast: dto::ForecastHealth,
    now_ms: i64,
    lead_ms: i64,
    said: Option<[f64; 3]>,
    verdict: Option<Verdict>,
}

type Gauge = (&'static str, &'static str, fn(&Row) -> Option<f64>);
type ByQuantile = (&'static str, &'static str, fn(&Row) -> Option<[f64; 3]>);

const GAUGES: [Gauge; 18] = [
    ("prescale_desired_replicas", "Replicas wanted: the order under way, else the newest decision's number.", |row| {
        row.replicas.desired.map(f64::from)
    }),
    ("prescale_ready_replicas", "Replicas that serve.", |row| row.replicas.ready.map(f64::from)),
    ("prescale_booting_replicas", "Replicas ordered that don't serve yet.", |row| row.replicas.booting.map(f64::from)),
    ("prescale_draining_replicas", "Replicas that finish what they have.", |row| row.replicas.draining.map(f64::from)),
    ("prescale_min_replicas", "The rail: never fewer.", |row| Some(f64::from(row.replicas.min))),
    ("prescale_max_replicas", "The rail: never more.", |row| Some(f64::from(row.replicas.max))),
    ("prescale_breach", "1 while more replicas are needed than the maximum allows.", |row| Some(flag(row.view.state.alarms.breach))),
    ("prescale_offered_load_rps", "Offered requests per second, 429 and 503 included, retries left out.", |row| {
        row.view.load.as_ref().map(|(_, step)| step.load_rps)
    }),
    ("prescale_data_age_seconds", "Domain seconds since the last sample.", |row| row.data.age_s),
    ("prescale_data_ok", "1 while the load is young enough to act on.", |row| Some(flag(row.data.state == dto::DataState::Fresh))),
    ("prescale_forecast_ok", "1 while a forecast is in use, 0 while the reactive rule stands in.", |row| {
        Some(flag(row.forecast.state == dto::ForecastState::Ok))
    }),
    ("prescale_forecast_age_seconds", "Domain seconds since the newest forecast was made.", |row| {
        row.view.forecast.as_ref().map(|forecast| seconds((row.now_ms - forecast.origin_ms).max(0)))
    }),
    ("prescale_forecast_judged_points", "Steps of the last day that the forecast's error and coverage are from, since the start.", |row| {
        Some(row.verdict.map_or(0.0, |verdict| f64::from(verdict.judged)))
    }),
    ("prescale_forecast_error_ratio", "Error of the median at lead time over the load, last day.", |row| row.verdict?.error_ratio),
    ("prescale_persistence_error_ratio", "The same for the load at the time of the forecast, which a forecast must beat.", |row| {
        row.verdict?.persistence_error_ratio
    }),
    ("prescale_lead_seconds", "Domain seconds from an order to a warm replica, as planned with.", |row| Some(seconds(row.lead_ms))),
    ("prescale_order_pending", "1 while an order is under way.", |row| Some(flag(row.view.state.pending.is_some()))),
    ("prescale_paused", "1 while this service is paused in any direction.", |row| Some(flag(row.view.state.paused.is_some()))),
];

const BY_QUANTILE: [ByQuantile; 3] = [
    ("prescale_forecast_at_lead_rps", "What the newest forecast says about the moment a lead time from now, by quantile.", |row| {
        let at_ms = row.now_ms.saturating_add(row.lead_ms);
        let forecast = row.view.forecast.as_ref()?;
        match QUANTILES.map(|quantile| forecast.quantile_at(at_ms, quantile)) {
            [Some(median), Some(high), Some(higher)] => Some([median, high, higher]),
            _ => None,
        }
    }),
    ("prescale_forecast_for_now_rps", "What was said about now a lead time ago, by quantile: to be laid over the load.", |row| row.said),
    (
        "prescale_forecast_coverage_ratio",
        "Share of the last day's steps whose load was at most what the quantile said at lead time.",
        |row| row.verdict.map(|verdict| verdict.coverage),
    ),
];

fn flag(set: bool) -> f64 {
    if set { 1.0 } else { 0.0 }
}

/// Writes all gauges.
pub fn write(out: &mut Exposition, shared: &Shared) {
    let rows = rows(shared);
    for (name, help, value) in GAUGES {
        let mut family = out.family(name, Kind::Gauge, help);
        for row in &rows {
            if let Some(value) = value(row) {
                family.sample(&[("service", &row.name)], value);
            }
        }
    }
    for (name, help, values) in BY_QUANTILE {
        let mut family = out.family(name, Kind::Gauge, help);
        for row in &rows {
            for (quantile, value) in QUANTILES.iter().zip(values(row).into_iter().flatten()) {
                family.sample(&[("service", &row.name), ("q", &quantile.to_string())], value);
            }
        }
    }
    let mut paused = out.family("prescale_all_paused", Kind::Gauge, "1 while all services are paused in any direction.");
    paused.sample(&[], flag(shared.paused().is_some()));
    let mut store = out.family("prescale_store_ok", Kind::Gauge, "1 while the database takes what is written to it.");
    store.sample(&[], flag(shared.store_error().is_none()));
    let mut build = out.family("prescale_build_info", Kind::Gauge, "The version that runs.");
    build.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1.0);
}

fn rows(shared: &Shared) -> Vec<Row> {
    let now_ms = shared.clock.now_ms();
    let row = |view: View| {
        let name = view.state.config.name.clone();
        let (mut said, mut verdict) = (None, None);
        shared.counts.of(&name, |counts| (said, verdict) = (counts.accuracy.said_about(now_ms), counts.accuracy.verdict(now_ms)));
        Row {
            replicas: replicas(&view),
            data: data_health(&view, now_ms),
            forecast: forecast_health(&view),
            lead_ms: view.state.lead.lead(&view.state.config).ms,
            name,
            view,
            now_ms,
            said,
            verdict,
        }
    };
    shared.views().into_iter().map(row).collect()
}
