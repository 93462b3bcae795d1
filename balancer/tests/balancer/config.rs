//! Configurations in and out, and the words for what is wrong with them.

use crate::support::secs;
use balancer::{ActiveHealth, Algorithm, BackendConfig, Nanos, PassiveHealth, Pool, PoolConfig, RetryPolicy, SlowStart, WEIGHT_MAX, span};

fn read(json: &str) -> Result<PoolConfig, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

#[test]
fn a_full_configuration_reads_and_survives_a_round_trip() {
    let config = read(
        r#"{"algorithm": "p2c", "panic_threshold": 0.3,
            "passive": {"max_fails": 2, "fail_timeout": "10s", "consecutive_failures": 5, "timeouts": false},
            "active": {"interval": "30s", "timeout": "1500ms", "rise": 1, "fall": 3},
            "slow_start": {"duration": "2m", "minimum_percent": 20},
            "backends": [{"id": 1, "weight": 3}, {"id": 2}]}"#,
    )
    .unwrap();
    assert_eq!(config.algorithm, Algorithm::P2c);
    assert_eq!(config.passive, Some(PassiveHealth { consecutive_failures: Some(5), timeouts: false, ..PassiveHealth::new(2, secs(10)) }));
    assert_eq!(config.active, Some(ActiveHealth { interval: secs(30), timeout: Nanos::from_millis(1_500), rise: 1, fall: 3 }));
    assert_eq!(config.slow_start, Some(SlowStart { minimum_percent: 20, ..SlowStart::new(secs(120)) }));
    assert_eq!(config.backends, [BackendConfig::new(1, 3), BackendConfig::new(2, 1)]);
    assert_eq!(read(&serde_json::to_string(&config).unwrap()).unwrap(), config);
    assert!(Pool::try_new(config).is_ok());
}

#[test]
fn defaults_are_the_ones_documented() {
    assert_eq!(read("{}").unwrap(), PoolConfig::default());
    assert_eq!(serde_json::from_str::<PassiveHealth>("{}").unwrap(), PassiveHealth::default());
    assert_eq!(serde_json::from_str::<ActiveHealth>("{}").unwrap(), ActiveHealth::default());
    assert_eq!(serde_json::from_str::<RetryPolicy>("{}").unwrap(), RetryPolicy::default());
}

#[test]
fn unknown_keys_names_and_missing_units_are_refused_with_what_is_allowed() {
    let error = read(r#"{"algorithm": "peek_ewma"}"#).unwrap_err();
    assert!(error.contains("peek_ewma") && error.contains("`least_connections`"), "{error}");
    let error = read(r#"{"passive": {"max_failures": 3}}"#).unwrap_err();
    assert!(error.contains("max_failures") && error.contains("`max_fails`"), "{error}");
    for bad in ["10", "\"10\"", "\"ten s\"", "\"10 s\"", "\"-1s\"", "\"1.5s\"", "\"\"", "\"99999999999h\""] {
        let error = read(&format!(r#"{{"passive": {{"fail_timeout": {bad}}}}}"#)).unwrap_err();
        assert!(error.contains("\"500ms\"") && error.contains(bad.trim_matches('"')), "{error}");
    }
}

#[test]
fn every_algorithm_reads_by_its_name() {
    for name in Algorithm::NAMES {
        let parsed: Algorithm = name.parse().unwrap();
        assert_eq!(parsed.to_string(), name);
        assert_eq!(serde_json::to_string(&parsed).unwrap(), format!("\"{name}\""));
    }
    let error = "maglef".parse::<Algorithm>().unwrap_err().to_string();
    assert!(error.starts_with("algorithm = maglef: allowed is one of round_robin, weighted_round_robin, "), "{error}");
    assert!(error.ends_with("join_shortest_queue, prequal"), "{error}");
}

#[test]
fn impossible_values_are_refused_with_key_value_and_what_is_allowed() {
    let with = |change: fn(&mut PoolConfig)| {
        let mut config = PoolConfig::default();
        change(&mut config);
        Pool::try_new(config).unwrap_err().to_string()
    };
    assert_eq!(with(|c| c.panic_threshold = f64::NAN), "panic_threshold = NaN: allowed is a share from 0 to 1");
    assert_eq!(with(|c| c.panic_threshold = 50.0), "panic_threshold = 50: allowed is a share from 0 to 1");
    assert_eq!(with(|c| c.passive = Some(PassiveHealth::new(1, Nanos::ZERO))), "passive.fail_timeout = 0ns: allowed is longer than 0s");
    assert_eq!(with(|c| c.passive = Some(PassiveHealth::new(1_001, secs(1)))), "passive.max_fails = 1001: allowed is 0 to 1000");
    assert_eq!(
        with(|c| c.passive = Some(PassiveHealth { consecutive_failures: Some(0), ..PassiveHealth::default() })),
        "passive.consecutive_failures = 0: allowed is 1 or more, or absent"
    );
    assert_eq!(
        with(|c| c.active = Some(ActiveHealth { timeout: secs(31), ..ActiveHealth::default() })),
        "active.timeout = 31s: allowed is longer than 0s, at most the interval of 30s"
    );
    assert!(with(|c| c.active = Some(ActiveHealth { interval: Nanos::ZERO, ..ActiveHealth::default() })).starts_with("active.interval"));
    assert!(with(|c| c.active = Some(ActiveHealth { rise: 0, ..ActiveHealth::default() })).starts_with("active.rise = 0"));
    assert!(with(|c| c.active = Some(ActiveHealth { fall: 0, ..ActiveHealth::default() })).starts_with("active.fall = 0"));
    assert!(with(|c| c.slow_start = Some(SlowStart::new(Nanos::ZERO))).starts_with("slow_start.duration = 0ns"));
    assert!(with(|c| c.slow_start = Some(SlowStart { minimum_percent: 0, ..SlowStart::new(secs(1)) })).contains("minimum_percent = 0"));
    assert_eq!(with(|c| c.backends = vec![BackendConfig::new(4, 1); 2]), "backends.id = 4: allowed is each id once");
    assert_eq!(with(|c| c.backends = vec![BackendConfig::new(4, WEIGHT_MAX + 1)]), "backends.weight = 1000001: allowed is 0 to 1000000");
}

#[test]
fn spans_read_and_print_their_unit() {
    for (text, nanos) in [("0s", 0), ("250ns", 250), ("7us", 7_000), ("500ms", 500_000_000), ("90s", 90_000_000_000)] {
        assert_eq!(span::parse(text), Ok(Nanos(nanos)));
    }
    for text in ["250ns", "7us", "500ms", "90s", "2m", "36h"] {
        assert_eq!(span::parse(text).unwrap().to_string(), text);
    }
}
