//! Any text is a scenario or an error with a key and what is allowed; all its mistakes are some, and not too many.
#![no_main]

use libfuzzer_sys::fuzz_target;
use simulator::{NoAutoscaler, Scenario};

fuzz_target!(|text: &str| {
    if let Err(error) = Scenario::parse(text, &()) {
        assert!(!error.key.is_empty() && !error.allowed.is_empty(), "{error}");
        let all = Scenario::parse_all(text, &(), &NoAutoscaler).expect_err("it has a mistake");
        assert!((1..=20).contains(&all.len()), "{all:?}");
    }
});
