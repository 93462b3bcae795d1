//! Any text is a scenario or an error with a key and what is allowed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use simulator::Scenario;

fuzz_target!(|text: &str| {
    if let Err(error) = Scenario::parse(text, &()) {
        assert!(!error.key.is_empty() && !error.allowed.is_empty(), "{error}");
    }
});
