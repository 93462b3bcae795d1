//! A Prometheus that is down, slow, broken, wrong, protected, or no Prometheus at all.

use std::fs;

use crate::support::prometheus::{Peer, Samples};

use super::scripted::Script;
use super::{Said, Site, check};

/// All queries there are, of the scripted server.
const SERVICE: &str = "[[services]]\nname = \"shop\"\nload = \"load_now\"\nreplicas = \"replicas_now\"\nlatency = \"latency_now\"\nerrors = \"errors_now\"\nshed = \"shed_now\"\n";

fn checked(url: &str) -> Said {
    let site = Site::new();
    check(&site.write("", &format!("[prometheus]\nurl = \"{url}\"\ntimeout = \"2s\"\n{SERVICE}")))
}

#[test]
fn a_server_on_which_all_is_well_is_well() {
    let said = checked(&Script::well().start());
    said.is_well(&["load of shop: 7.0 requests/s", "Prometheus 2.42.0"]);
    for line in ["replicas of shop: 7", "latency of shop: 7", "errors of shop: 0.01", "shed of shop: 7"] {
        said.is_well(&[line]);
    }
    checked(&Script::well().gives("load_now", "scalar", r#"[0,"7"]"#).start()).is_well(&["load of shop: 7.0"]);
}

#[test]
fn every_bad_answer_for_the_load_says_what_to_do() {
    let html = "<!doctype html><title>Log in</title>";
    let two = r#"[{"metric":{"pod":"a"},"value":[0,"1"]},{"metric":{"pod":"b"},"value":[0,"2"]}]"#;
    let well = Script::well;
    let load = "load_now";
    let cases: [(Script, &[&str]); 17] = [
        (well().silent(load), &["gave no answer within 2s", "record it as a rule", "raise the time-out"]),
        (well().answer(load, 500, "", "panic"), &["fails with 500: panic", "asked again"]),
        (well().answer(load, 503, "", "Service Unavailable"), &["fails with 503: Service Unavailable", "asked again"]),
        (well().answer(load, 429, "", ""), &["fails with 429"]),
        (well().answer(load, 401, "", html), &["answers 401", "no credentials are configured", "bearer_token_file", "basic_auth"]),
        (well().answer(load, 403, "", html), &["answers 403", "basic_auth"]),
        (well().answer(load, 404, "", html), &["no Prometheus API: 404 with a page of HTML", "path prefix"]),
        (well().answer(load, 302, "Location: http://169.254.169.254/latest/\r\n", ""), &["redirects to", "169.254", "not followed"]),
        (well().answer(load, 200, "", " ".repeat(9 << 20)), &["larger than 8 MiB", "sum(...)"]),
        (well().value(load, "NaN"), &["load of shop: the query gives NaN", "a division by zero"]),
        (well().value(load, "+Inf"), &["an infinity", "a number is needed"]),
        (well().value(load, "-Inf"), &["an infinity"]),
        (well().gives(load, "vector", "[]"), &["no series", "check both, and the scrape"]),
        (well().gives(load, "vector", two), &["load of shop: 2 series differ in pod: \"a\", \"b\"", "sum(...)"]),
        (well().gives(load, "string", r#"[0,"7"]"#), &["gives a string, a number is needed"]),
        (well().samples_are(400), &["age of the load of shop", "400 s old", "stale_after = 3m", "is its exporter up"]),
        (well().clock_is_ahead(300), &["s ahead of ours", "NTP"]),
    ];
    for (script, words) in cases {
        let said = checked(&script.start());
        said.fails(words);
        assert!(!said.out.contains("load: load") && !said.out.contains("load of shop: load:"), "{}", said.out);
    }
}

#[test]
fn each_other_query_is_told_by_itself() {
    let script = Script::well()
        .gives("replicas_now", "vector", "[]")
        .value("latency_now", "NaN")
        .value("errors_now", "12.5")
        .gives("shed_now", "vector", "[]");
    let said = checked(&script.start());
    said.fails(&["replicas of shop: the query gives no answer", "kube-state-metrics"]);
    said.fails(&["latency of shop: the query gives no answer but NaN"]);
    said.fails(&["errors of shop: the query gives 12.5", "divide"]);
    said.fails(&["shed of shop: the query gives no answer", "or vector(0)"]);
    assert!(said.all.contains("4 of 7 checks failed"), "{}", said.all);
    // Nobody asks, so nothing can be divided: all is well.
    checked(&Script::well().value("load_now", "0").value("latency_now", "NaN").value("errors_now", "NaN").start())
        .is_well(&["latency of shop: nobody asks just now"]);
}

#[test]
fn an_address_that_leads_nowhere_good_is_refused_before_anything_is_sent() {
    checked("http://127.0.0.1:1").fails(&["http://127.0.0.1:1 can't be reached", "Connection refused", "is the server up"]);
    checked("http://no.such.host.invalid").fails(&["no.such.host.invalid can't be reached", "the right address from here"]);
    let said = checked("http://169.254.169.254");
    assert!(said.code == 2 && said.all.contains("prescale.toml:6: prometheus.url") && said.all.contains("metadata"), "{}", said.all);
}

fn testdata(name: &str) -> String {
    format!("{}/testdata/tls/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// As most are in production: TLS with an authority of one's own, and a password. Then restarted, and gone.
#[test]
fn a_real_prometheus_behind_tls_and_a_password_is_let_down_and_read() {
    let web = format!(
        "tls_server_config: {{cert_file: {}, key_file: {}}}\nbasic_auth_users: {{ada: '$2b$04$abcdefghijklmnopqrstuuvy2I1J9OjVfahTzskdwulxtZ2gSeb.G'}}\n",
        testdata("server.pem"),
        testdata("server.key")
    );
    let minute_ms = jiff::Timestamp::now().as_millisecond().div_euclid(60_000) * 60_000;
    let samples = Samples::default().counter("requests_total", (minute_ms - 3_600_000, minute_ms + 1_800_000, 15_000), |_| 42.0);
    let mut peer = Peer::prometheus_behind(&samples, &web);
    let site = Site::new();
    fs::write(site.path().join("password"), "canary-pa55\n").unwrap();
    fs::write(site.path().join("wrong"), "another\n").unwrap();
    fs::copy(testdata("ca.pem"), site.path().join("ca.pem")).unwrap();
    let url = peer.url();
    let tried = |more: &str| {
        let text =
            format!("[prometheus]\nurl = \"{url}\"\n{more}\n[[services]]\nname = \"shop\"\nload = \"sum(rate(requests_total[2m]))\"\n");
        check(&site.write("", &text))
    };
    let basic = |file: &str| format!("basic_auth = {{ username = \"ada\", password_file = \"{file}\" }}");
    tried(&basic("password")).fails(&["a certificate that isn't trusted here", "prometheus.ca_file"]);
    tried("ca_file = \"ca.pem\"").fails(&["answers 401", "no credentials are configured"]);
    tried(&format!("ca_file = \"ca.pem\"\n{}", basic("wrong"))).fails(&["answers 401", "check user and password of prometheus.basic_auth"]);
    let right = format!("ca_file = \"ca.pem\"\n{}", basic("password"));
    let said = tried(&right);
    said.is_well(&["load of shop: 42.0 requests/s", "Prometheus 2."]);
    assert!(!said.all.contains("canary"), "{}", said.all);
    peer.stop();
    tried(&right).fails(&["can't be reached", "Connection refused", "is the server up"]);
    peer.start();
    tried(&right).is_well(&["load of shop: 42.0 requests/s"]);
}
