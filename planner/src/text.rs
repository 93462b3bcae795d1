//! Numbers, times and durations as people write them.

const DAY_MS: i64 = 86_400_000;

/// `08:50`, or `08:50:15` if it isn't a full minute; UTC.
pub(crate) fn clock(at_ms: i64) -> String {
    let s = at_ms.rem_euclid(DAY_MS) / 1000;
    let (h, m, s) = (s / 3600, s / 60 % 60, s % 60);
    if s == 0 { format!("{h:02}:{m:02}") } else { format!("{h:02}:{m:02}:{s:02}") }
}

/// `45 s`, `6 min`, `1 min 30 s`, `2 h`, `1 h 20 min`.
pub(crate) fn duration(ms: i64) -> String {
    if ms != 0 && ms.unsigned_abs() < 1000 {
        return format!("{ms} ms");
    }
    let s = ms / 1000;
    let two = |big: i64, unit: &str, small: i64, small_unit: &str| match small {
        0 => format!("{big} {unit}"),
        _ => format!("{big} {unit} {small} {small_unit}"),
    };
    match s.unsigned_abs() {
        0..60 => format!("{s} s"),
        60..3600 => two(s / 60, "min", (s % 60).abs(), "s"),
        3600..172_800 => two(s / 3600, "h", (s / 60 % 60).abs(), "min"),
        _ => format!("{} days", s / 86_400),
    }
}

/// `4,200`, `37.5`, `0.8`: as many digits as help.
pub(crate) fn number(x: f64) -> String {
    if !x.is_finite() {
        return "an unusable number".to_owned();
    }
    if x.abs() < 100.0 {
        let text = format!("{x:.1}");
        return text.strip_suffix(".0").map(str::to_owned).unwrap_or(text);
    }
    let digits = format!("{:.0}", x.abs());
    let mut out = String::from(if x < 0.0 { "-" } else { "" });
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `1 replica`, `6 replicas`.
pub(crate) fn replicas(n: u32) -> String {
    if n == 1 { "1 replica".to_owned() } else { format!("{n} replicas") }
}

/// `p95`, `p99.5` for 0.95, 0.995.
pub(crate) fn quantile(q: f64) -> String {
    format!("p{}", number(q * 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_it() {
        assert_eq!(clock(1_700_000_000_000), "22:13:20");
        assert_eq!(clock(-60_000), "23:59");
        assert_eq!(
            [0, 500, 45_000, 90_000, 360_000, 4_800_000, 400_000_000].map(duration),
            ["0 s", "500 ms", "45 s", "1 min 30 s", "6 min", "1 h 20 min", "4 days"]
        );
        assert_eq!([0.0, 0.84, 37.46, 420.0, 4_199.6, 1_234_567.0].map(number), ["0", "0.8", "37.5", "420", "4,200", "1,234,567"]);
        assert_eq!(number(f64::NAN), "an unusable number");
        assert_eq!(quantile(0.995), "p99.5");
    }
}
