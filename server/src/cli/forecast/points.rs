//! Quantiles under their levels' names, without a name for each value: a forecast of minutes has thousands.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::cli::DayText;

/// Points as they are printed.
#[derive(Debug)]
pub(super) struct Points {
    /// The levels, as many as a point has quantiles.
    pub names: Arc<[String]>,
    pub points: Vec<predictor::Point>,
}

/// A value a level.
#[derive(Debug)]
pub(super) struct ByLevel {
    pub names: Arc<[String]>,
    pub values: Vec<f64>,
}

#[derive(Serialize)]
struct Point<'a> {
    ts: String,
    mean: f64,
    q: Quantiles<'a>,
}

struct Quantiles<'a>(&'a [String], &'a [f64]);

impl Serialize for Points {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut day = DayText::default();
        serializer.collect_seq(self.points.iter().map(|point| Point {
            ts: day.show(point.ts_ms),
            mean: point.mean,
            q: Quantiles(&self.names, &point.q),
        }))
    }
}

impl Serialize for ByLevel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Quantiles(&self.names, &self.values).serialize(serializer)
    }
}

impl Serialize for Quantiles<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().zip(self.1))
    }
}
