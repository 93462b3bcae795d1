//! The text format of Prometheus, version 0.0.4, written by hand: a page of code instead of a registry.
//!
//! Most values here are read from what the loop published at the moment of the scrape, and what isn't known must have no sample (absent is
//! not zero). Registries of metrics keep the last value that was set, which is the opposite. A family is written in one go, so that its HELP
//! and TYPE come once and its samples are together; labels take names from the configuration and codes from enums, nothing from outside.

use std::fmt::Write;

use parking_lot::Mutex;

/// What kind of metric a family is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only rises, and starts again at zero with the process.
    Counter,
    /// Goes up and down.
    Gauge,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

/// A text in the making.
#[derive(Debug, Default)]
pub struct Exposition {
    text: String,
}

impl Exposition {
    /// Begins a family; its samples follow at once.
    pub fn family(&mut self, name: &'static str, kind: Kind, help: &str) -> Family<'_> {
        self.head(name, kind.name(), help);
        Family { out: &mut self.text, name }
    }

    /// A family of one histogram without labels.
    pub fn histogram(&mut self, name: &'static str, help: &str, histogram: &Histogram) {
        self.head(name, "histogram", help);
        let Tally { within, above, sum } = histogram.tally.lock().clone();
        let mut count = 0;
        // Writing to a String can't fail, here and below.
        for (bound, more) in histogram.bounds.iter().zip(within) {
            count += more;
            let _ = writeln!(self.text, "{name}_bucket{{le=\"{bound}\"}} {count}");
        }
        count += above;
        let _ = writeln!(self.text, "{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {sum}\n{name}_count {count}");
    }

    /// The finished text.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }
}

/// A family that takes samples.
pub struct Family<'a> {
    out: &'a mut String,
    name: &'static str,
}

impl Family<'_> {
    /// Adds a sample; a value that isn't finite is one that isn't known, and has none.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        if !value.is_finite() {
            return;
        }
        self.out.push_str(self.name);
        for (at, (label, text)) in labels.iter().enumerate() {
            let _ = write!(self.out, "{}{label}=\"{}\"", if at == 0 { '{' } else { ',' }, escaped(text));
        }
        let _ = writeln!(self.out, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Durations, counted by size.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    tally: Mutex<Tally>,
}

#[derive(Debug, Clone)]
struct Tally {
    /// A count for each bound, of what is above the bound before it.
    within: Vec<u64>,
    above: u64,
    sum: f64,
}

impl Histogram {
    /// An empty one with these rising upper bounds.
    #[must_use]
    pub fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, tally: Mutex::new(Tally { within: vec![0; bounds.len()], above: 0, sum: 0.0 }) }
    }

    /// Counts one.
    pub fn observe(&self, duration: std::time::Duration) {
        let seconds = duration.as_secs_f64();
        let slot = self.bounds.partition_point(|bound| *bound < seconds);
        let mut tally = self.tally.lock();
        tally.sum += seconds;
        match tally.within.get_mut(slot) {
            Some(count) => *count += 1,
            None => tally.above += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn families_escape_what_they_are_given_and_leave_out_what_is_unknown() {
        let mut out = Exposition::default();
        let mut family = out.family("prescale_x", Kind::Gauge, "a \\ b\nc");
        family.sample(&[("service", "a\"b\\c\nd"), ("q", "0.9")], 1.5);
        family.sample(&[], f64::NAN);
        family.sample(&[], 2.0);
        let text = out.finish();
        assert_eq!(
            text,
            "# HELP prescale_x a \\\\ b\\nc\n# TYPE prescale_x gauge\n\
             prescale_x{service=\"a\\\"b\\\\c\\nd\",q=\"0.9\"} 1.5\nprescale_x 2\n"
        );
    }

    #[test]
    fn a_histogram_is_cumulative_and_ends_at_infinity() {
        let histogram = Histogram::new(&[0.1, 1.0]);
        for ms in [100, 250, 500, 4_000] {
            histogram.observe(Duration::from_millis(ms));
        }
        let mut out = Exposition::default();
        out.histogram("prescale_y_seconds", "Y.", &histogram);
        let text = out.finish();
        assert!(text.ends_with(
            "prescale_y_seconds_bucket{le=\"0.1\"} 1\nprescale_y_seconds_bucket{le=\"1\"} 3\nprescale_y_seconds_bucket{le=\"+Inf\"} 4\n\
             prescale_y_seconds_sum 4.85\nprescale_y_seconds_count 4\n"
        ));
    }
}
