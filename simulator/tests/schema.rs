//! The schema of scenario files knows the keys that the parser knows, table by table.

// In tests a failed unwrap is a failed test.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use serde_json::Value;
use simulator::Scenario;

const POOL: &str = "[[pools]]\nconcurrency = 1\nservice_time = { dist = \"exponential\", mean_ms = 1 }\n";
const WORKLOAD: &str = "[workload]\narrivals = { kind = \"poisson\", rate_rps = 1 }\n";

/// What the parser allows where it meets a key that nobody can know.
fn parsed(text: &str) -> BTreeSet<String> {
    let error = Scenario::parse(text, &()).unwrap_err();
    if let Some(keys) = error.allowed.strip_prefix("the keys ") {
        assert!(error.key.ends_with("zzz"), "{error}");
        return keys.split(", ").map(str::to_owned).collect();
    }
    // A table that one of the balancer's own types reads: one of `a`, `b`.
    assert_eq!(error.value, "wrong: unknown field `zzz`", "{error}");
    error.allowed.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn described(schema: &Value, pointer: &str) -> BTreeSet<String> {
    let table = schema.pointer(pointer).unwrap_or_else(|| panic!("{pointer} isn't in the schema"));
    assert_eq!(table["additionalProperties"], false, "{pointer}");
    table["properties"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn the_schema_has_the_keys_of_the_parser() {
    let schema: Value = serde_json::from_str(simulator::scenario::SCHEMA).unwrap();
    let head = format!("duration = \"10s\"\n{WORKLOAD}");
    let whole = |table: &str| format!("{head}{POOL}{table}\n");
    let arrivals = |keys: &str| format!("duration = \"10s\"\n[workload]\narrivals = {{ {keys}, zzz = 1 }}\n{POOL}");
    let pool = |keys: &str| whole(keys);
    let one_of = |at: usize| format!("/properties/workload/properties/arrivals/oneOf/{at}");
    let tables = [
        (String::new(), format!("zzz = 1\n{head}{POOL}")),
        (
            "/properties/workload/properties/classes/items".to_owned(),
            format!("duration = \"10s\"\n{WORKLOAD}classes = [{{ zzz = 1 }}]\n{POOL}"),
        ),
        ("/properties/slo".to_owned(), whole("[slo]\nzzz = 1")),
        ("/properties/balancer".to_owned(), whole("[balancer]\nzzz = 1")),
        ("/properties/balancer/properties/levels".to_owned(), whole("[balancer]\nlevels = { zzz = 1 }")),
        ("/properties/retries".to_owned(), whole("[retries]\nzzz = 1")),
        ("/properties/pools/items".to_owned(), pool("zzz = 1")),
        ("/$defs/time".to_owned(), whole("[clients]\npatience = { zzz = 1 }")),
        ("/properties/pools/items/properties/memory".to_owned(), pool("memory = { zzz = 1 }")),
        ("/properties/pools/items/properties/warm_up".to_owned(), pool("warm_up = { zzz = 1 }")),
        ("/properties/pools/items/properties/contention".to_owned(), pool("contention = { zzz = 1 }")),
        ("/properties/pools/items/properties/calls/items".to_owned(), pool("calls = [{ zzz = 1 }]")),
        ("/properties/dependencies/items".to_owned(), whole("[[dependencies]]\nzzz = 1")),
        ("/properties/clients".to_owned(), whole("[clients]\nzzz = 1")),
        ("/properties/clients/properties/retries".to_owned(), whole("[clients]\nretries = { zzz = 1 }")),
        ("/properties/faults/items".to_owned(), whole("[[faults]]\nzzz = 1")),
        ("/properties/broker".to_owned(), whole("[broker]\nzzz = 1")),
        ("/properties/connections".to_owned(), whole("[connections]\nzzz = 1")),
        ("/properties/users".to_owned(), whole("[users]\nzzz = 1")),
        ("/properties/sessions".to_owned(), whole("[sessions]\nzzz = 1")),
        ("/properties/regions/items".to_owned(), whole("[[regions]]\nzzz = 1")),
        ("/properties/network".to_owned(), whole("[network]\nzzz = 1\n[[regions]]\nname = \"a\"")),
        ("/properties/dns".to_owned(), whole("[dns]\nzzz = 1\n[[regions]]\nname = \"a\"")),
        (one_of(0), arrivals("kind = \"poisson\"")),
        (one_of(1), arrivals("kind = \"trace\"")),
        (one_of(2), arrivals("kind = \"sinusoid\"")),
        (one_of(3), arrivals("kind = \"mmpp\"")),
        (one_of(4), arrivals("kind = \"flash\"")),
        (one_of(5), arrivals("kind = \"log\"")),
        (one_of(6), arrivals("kind = \"closed\"")),
    ];
    let of_balancer = ["passive", "active", "slow_start", "latency", "ewma", "hash", "prequal", "rate_limit", "queue"];
    let of_balancer =
        of_balancer.map(|key| (format!("/properties/balancer/properties/{key}"), whole(&format!("[balancer]\n{key} = {{ zzz = 1 }}"))));
    let nested = [
        ("/properties/balancer/properties/splits/items", "[balancer]\nsplits = [{ zzz = 1 }]"),
        ("/properties/balancer/properties/concurrency/oneOf/1/properties/gradient", "[balancer]\nconcurrency = { gradient = { zzz = 1 } }"),
        ("/properties/retries/properties/budget", "[retries]\nbudget = { zzz = 1 }"),
    ];
    let nested = nested.map(|(pointer, table)| (pointer.to_owned(), whole(table)));
    for (pointer, text) in tables.into_iter().chain(of_balancer).chain(nested) {
        assert_eq!(described(&schema, &pointer), parsed(&text), "{pointer}");
    }
}
