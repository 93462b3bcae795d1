//! Files that can be used, and everything that is said about those that can't.

mod addresses;
mod events;

use std::path::Path;

use expect_test::{Expect, expect};

use super::*;

fn parse(text: &str) -> Result<Config, Problems> {
    Config::parse(Path::new("prescale.toml"), text)
}

#[track_caller]
fn refused(text: &str, expected: Expect) {
    let problems = parse(text).expect_err("a file that can't be used");
    expected.assert_eq(&problems.to_string());
}

/// What it takes to observe.
const OBSERVED: &str = r#"
[prometheus]
url = "http://127.0.0.1:9090"
[[services]]
name = "shop"
load = 'sum(rate(http_requests_total[2m]))'
"#;

#[test]
fn a_name_and_a_query_are_enough_to_observe() {
    let config = parse(OBSERVED).unwrap();
    assert_eq!(config.services[0].capacity, planner::Capacity::Unknown);
    assert_eq!(config.services[0].mode, planner::Mode::Observe);
    assert_eq!(config.services[0].lead_time_ms, None);
}

#[test]
fn the_example_can_be_used() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/prescale.toml")).unwrap();
    parse(&text).unwrap();
}

#[test]
fn what_is_shown_can_be_read_back_and_is_the_same() {
    let config = parse(OBSERVED).unwrap();
    let again = parse(&config.shown_toml()).unwrap();
    assert_eq!(again.file, config.file);
    assert!(again.changes_since(&config).is_empty());
}

#[test]
fn changes_are_named_key_by_key() {
    let before = parse(OBSERVED).unwrap();
    let after = parse(&OBSERVED.replace("[2m]", "[5m]")).unwrap();
    let changes: Vec<String> = after.changes_since(&before).iter().map(ToString::to_string).collect();
    assert_eq!(changes, ["services.shop.load: sum(rate(http_requests_total[2m])) → sum(rate(http_requests_total[5m]))"]);
}

#[test]
fn everything_that_is_wrong_is_told_with_its_line() {
    refused(
        r#"
[server]
listen = "0.0.0.0:8080"
public_url = "prescale.example.com"
trusted_proxies = ["10.0.0.0/8", "nginx"]
lissten = 1
[prometheus]
url = "prometheus:9090"
step = "7s"
[[services]]
name = "shop"
load = "x"
mode = "automatic"
slo = { latency_ms = 500, percentile = 101 }
capacity = { rps_per_replica = 0 }
rails = { min = 9, max = 4, cooldown = "2m" }
timing = { tick = "soon" }
[[services]]
name = "cart"
load = "y"
mode = "automatic"
time_zone = "Mars/Olympus"
capacity = { concurrency = 8 }
timing = { stale_after = "1m" }
[[services]]
name = "cart"
"#,
        expect![[r#"
            prescale.toml can't be used (20 problems):
              prescale.toml:4: server.public_url = "prescale.example.com" is not allowed: a scheme and a name, with a port or without, such as https://prescale.example.com
              prescale.toml:5: server.trusted_proxies[1] = "nginx" is not allowed: an address or a network, such as 127.0.0.1 or 10.0.0.0/8
              prescale.toml:6: server.lissten is unknown: did you mean listen?
              prescale.toml:8: prometheus.url = "prometheus:9090" is not allowed: an address that begins with http:// or https://
              prescale.toml:9: prometheus.step = 7s is not allowed: at least 1s, and a whole number of them makes a day: 15s, 30s, 1m, 5m
              prescale.toml:10: services[0].act is missing: mode automatic needs somebody who is told: act.kind = "kubernetes", "webhook" or "gauge"
              prescale.toml:10: services[0].replicas is missing: mode automatic needs to know how many replicas there are: a PromQL query, or act.kind = "kubernetes"
              prescale.toml:14: services[0].slo.percentile = 101 is not allowed: a number from 1 to 99.999
              prescale.toml:15: services[0].capacity.rps_per_replica = 0 is not allowed: a number from 0.001 to 10000000
              prescale.toml:16: services[0].rails.cooldown is unknown: did you mean cool_down?
              prescale.toml:16: services[0].rails.min = 9 is not allowed: at most rails.max = 4
              prescale.toml:17: services[0].timing.tick = "soon" is not allowed: a number with a unit, such as 500ms, 90s, 15m, 24h or 7d
              prescale.toml:18: services[1].act is missing: mode automatic needs somebody who is told: act.kind = "kubernetes", "webhook" or "gauge"
              prescale.toml:18: services[1].rails is missing: with a capacity it has to be said, such as rails = { min = 2, max = 20 }, the fewest and the most replicas
              prescale.toml:18: services[1].replicas is missing: mode automatic needs to know how many replicas there are: a PromQL query, or act.kind = "kubernetes"
              prescale.toml:18: services[1].slo is missing: with a capacity it has to be said, such as slo = { latency_ms = 500, percentile = 99 }
              prescale.toml:22: services[1].time_zone = "Mars/Olympus" is not allowed: a name of the IANA time zone database, such as Europe/Berlin or UTC
              prescale.toml:23: services[1].capacity.service_time_ms is missing: concurrency alone doesn't say what a replica holds
              prescale.toml:25: services[2].load is missing: a PromQL query for the requests per second, or a [services.proxy], whose counters are the load then
              prescale.toml:26: services[2].name = "cart" is not allowed: each name once; services[1] has it already"#]],
    );
}

#[test]
fn acting_needs_limits_and_says_which() {
    let acting = OBSERVED.replace(
        "load = ",
        "mode = \"automatic\"\nreplicas = \"x\"\nact = { kind = \"gauge\" }\ncapacity = { rps_per_replica = 1 }\nload = ",
    );
    refused(
        &acting,
        expect![[r#"
        prescale.toml can't be used (2 problems):
          prescale.toml:4: services[0].rails is missing: with a capacity it has to be said, such as rails = { min = 2, max = 20 }, the fewest and the most replicas
          prescale.toml:4: services[0].slo is missing: with a capacity it has to be said, such as slo = { latency_ms = 500, percentile = 99 }"#]],
    );
}

#[test]
fn what_is_not_toml_is_told_with_its_line() {
    refused(
        "[server]\nlisten = \n[[services]\n",
        expect![[r#"
        prescale.toml can't be used (2 problems):
          prescale.toml:2: this isn't TOML: string values must be quoted, expected literal string
          prescale.toml:3: this isn't TOML: unclosed array table, expected `]`"#]],
    );
    refused(
        "",
        expect![[r#"
        prescale.toml can't be used (1 problem):
          prescale.toml:1: services is missing: The services, one `[[services]]` table each"#]],
    );
}

#[test]
fn ways_to_act_and_backends_are_told_apart() {
    refused(
        r#"
[[services]]
name = "shop"
act = { kind = "kubernets", target = "shop" }
[services.proxy]
listen = "127.0.0.1:8080"
algorithm = "fastest"
backends = ["10.0.0.1", { address = "10.0.0.2:80", spare = true }, 7]
[[services]]
name = "cart"
act = { target = "deployment/cart" }
proxy = { listen = "127.0.0.1:8080", backends = [{ address = "10.0.0.2:80", weight = 0 }] }
[[services]]
name = "mail"
policy = { kind = "hpa", quantile = 0.9 }
proxy = { listen = "0.0.0.0:8001", backends = ["10.0.0.2:80", "10.0.0.2:80"] }
replicas = "count(up)"
[[services]]
name = "hook"
load = "x"
act = { kind = "webhook", url = "ftp://h", secret = "hunter2" }
"#,
        expect![[r#"
            prescale.toml can't be used (15 problems):
              prescale.toml:1: prometheus is missing: services[3].load is a query, and nobody is there to be asked; such as url = "http://127.0.0.1:9090"
              prescale.toml:4: services[0].act.kind = "kubernets" is not allowed: one of kubernetes, webhook, gauge
              prescale.toml:6: services[0].proxy.listen = 127.0.0.1:8080 is not allowed: a port that is free; server.listen has 127.0.0.1:8080
              prescale.toml:7: services[0].proxy.algorithm = "fastest" is not allowed: one of round_robin, weighted_round_robin, least_connections, p2c, random, weighted_random, d_choices, peak_ewma, least_response_time, random_two_least_time, ring_hash, maglev, rendezvous, ip_hash, join_shortest_queue, prequal
              prescale.toml:8: services[0].proxy.backends[0] = "10.0.0.1" is not allowed: an IP address and a port, such as 127.0.0.1:8080
              prescale.toml:8: services[0].proxy.backends[1].spare is unknown: known are address, backup, group, level, weight
              prescale.toml:8: services[0].proxy.backends[2] = 7 is not allowed: an IP address and a port, such as 127.0.0.1:8080
              prescale.toml:11: services[1].act.kind is missing: one of kubernetes, webhook, gauge
              prescale.toml:12: services[1].proxy.backends = weights of 0 only is not allowed: a weight above 0 for at least one
              prescale.toml:12: services[1].proxy.listen = 127.0.0.1:8080 is not allowed: a port that is free; server.listen has 127.0.0.1:8080
              prescale.toml:15: services[2].policy.quantile is unknown: known are kind, stabilisation, target, tolerance
              prescale.toml:16: services[2].proxy.backends[1] = 10.0.0.2:80 is not allowed: each address once
              prescale.toml:17: services[2].replicas = a query is not allowed: only together with load: without it everything is read from the proxy's counters
              prescale.toml:21: services[3].act.secret = *** is not allowed: ${NAME}, the name of an environment variable that holds it: a secret doesn't belong in this file
              prescale.toml:21: services[3].act.url = "ftp://h" is not allowed: an address that begins with http:// or https://"#]],
    );
}

#[test]
fn secrets_come_from_elsewhere_and_are_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "canary\n").unwrap();
    let path = folder.path().join("prescale.toml");
    std::fs::write(&path, OBSERVED.replace("[[services]]", "bearer_token_file = \"token\"\n[[services]]")).unwrap();
    let config = Config::load(&path).unwrap();
    assert_eq!(config.file.prometheus.as_ref().unwrap().bearer.as_ref().unwrap().reveal(), "canary");
    assert!(!config.is_outdated());
    std::fs::write(folder.path().join("token"), "another canary\n").unwrap();
    assert!(config.is_outdated());
    let next = Config::load(&path).unwrap();
    let changes = next.changes_since(&config);
    assert_eq!(changes[0].to_string(), "secrets: *** → another ***");
    assert!(![format!("{next:?}"), next.shown_toml(), next.shown().to_string()].iter().any(|text| text.contains("canary")));
    refused(
        &OBSERVED.replace("[[services]]", "token = \"canary\"\n[[services]]").replace("127.0.0.1", "user:canary@127.0.0.1"),
        expect![[r#"
            prescale.toml can't be used (2 problems):
              prescale.toml:3: prometheus.url = an address with a user or password is not allowed: the address alone; user and password belong in basic_auth, a token in bearer_token_file
              prescale.toml:4: prometheus.token = *** is not allowed: ${NAME}, the name of an environment variable that holds it: a secret doesn't belong in this file"#]],
    );
}

/// Whatever can be said of a file is said at once: a value of the wrong kind hides neither what else is wrong with its service, nor does it lead
/// to complaints that would go away with it.
#[test]
fn one_wrong_value_hides_nothing_that_does_not_follow_from_it() {
    refused(
        r#"
[server]
listen = 8080
retention = { fine_days = "many", journal_days = 0 }
[prometheus]
url = 7
step = "7s"
timeout = "0s"
[[services]]
name = 5
load = "x"
mode = "automatic"
time_zone = "Mars/Olympus"
slo = { latency_ms = "fast" }
capacity = "much"
rails = { min = 3, max = "many", cool_down = "400d" }
timing = { tick = 5, forecast_every = "2h" }
act = { kind = "kubernetes", target = "shop", timeout = "0s" }
[[services]]
name = "cart"
load = 3
errors = "y"
mode = "approve"
capacity = { concurrency = "8" }
act = { kind = "webhook", url = "http://169.254.169.254/", secret = 5 }
"#,
        expect![[r#"
            prescale.toml can't be used (23 problems):
              prescale.toml:3: server.listen = 8080 is not allowed: an IP address and a port, such as 127.0.0.1:8080
              prescale.toml:4: server.retention.fine_days = "many" is not allowed: a whole number from 28 to 36500
              prescale.toml:4: server.retention.journal_days = 0 is not allowed: a whole number from 1 to 36500
              prescale.toml:6: prometheus.url = 7 is not allowed: a text in quotes
              prescale.toml:7: prometheus.step = 7s is not allowed: at least 1s, and a whole number of them makes a day: 15s, 30s, 1m, 5m
              prescale.toml:8: prometheus.timeout = 0s is not allowed: 1ms to 365d
              prescale.toml:10: services[0].name = 5 is not allowed: 1 to 253 characters
              prescale.toml:13: services[0].time_zone = "Mars/Olympus" is not allowed: a name of the IANA time zone database, such as Europe/Berlin or UTC
              prescale.toml:14: services[0].slo.latency_ms = "fast" is not allowed: a number from 0.1 to 3600000
              prescale.toml:14: services[0].slo.percentile is missing: Per cent of the requests that are faster
              prescale.toml:15: services[0].capacity = "much" is not allowed: a table
              prescale.toml:16: services[0].rails.cool_down = 400d is not allowed: 0s to 365d
              prescale.toml:16: services[0].rails.max = "many" is not allowed: a whole number from 1 to 100000
              prescale.toml:17: services[0].timing.forecast_max_age = 1h is not allowed: at least forecast_every = 2h
              prescale.toml:17: services[0].timing.tick = 5 is not allowed: a number with a unit, such as 500ms, 90s, 15m, 24h or 7d
              prescale.toml:18: services[0].act.target = "shop" is not allowed: deployment/NAME, statefulset/NAME, replicaset/NAME, or GROUP/VERSION/PLURAL/NAME for a custom resource with a scale subresource
              prescale.toml:18: services[0].act.timeout = 0s is not allowed: 1ms to 365d
              prescale.toml:19: services[1].rails is missing: with a capacity it has to be said, such as rails = { min = 2, max = 20 }, the fewest and the most replicas
              prescale.toml:19: services[1].slo is missing: with a capacity it has to be said, such as slo = { latency_ms = 500, percentile = 99 }
              prescale.toml:21: services[1].load = 3 is not allowed: a text that isn't empty
              prescale.toml:24: services[1].capacity.concurrency = "8" is not allowed: a whole number from 1 to 100000
              prescale.toml:25: services[1].act.secret = 5 is not allowed: a text in quotes
              prescale.toml:25: services[1].act.url = "http://169.254.169.254/" is not allowed: 169.254.169.254 is a link-local or cloud metadata address, where a machine's own credentials are: nothing is sent there, unless allow_link_local = true"#]],
    );
}
