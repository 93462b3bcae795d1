//! What operators work with: metrics that Prometheus takes, alerts and a dashboard that ask for metrics that exist, documents that are right.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Write};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Demo, wait_for};
use crate::walls::workspace::{read, root};

const ALERTS: &str = "deploy/prometheus/alerts.yaml";
const DASHBOARD: &str = "deploy/grafana/prescale.json";
const DOCUMENT: &str = "docs/operations.md";

/// Runs promtool in the root of the clone, with `input` on its standard input. It must be content.
fn promtool(args: &[&str], input: &str) {
    let spawned =
        Command::new("promtool").args(args).current_dir(root()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = match spawned {
        Err(error) if error.kind() == ErrorKind::NotFound => panic!("promtool is missing: run scripts/peers (package prometheus)"),
        other => other.expect("promtool starts"),
    };
    child.stdin.take().expect("its input is piped").write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "promtool {args:?}: {text}");
}

/// `(name, kind, help)` of each family, in the order of the text.
fn families(metrics: &str) -> Vec<(String, String, String)> {
    let after = |prefix: &str| metrics.lines().filter_map(|line| line.strip_prefix(prefix)?.split_once(' ')).collect::<Vec<_>>();
    let (helps, kinds) = (after("# HELP "), after("# TYPE "));
    assert_eq!(helps.len(), kinds.len());
    helps.into_iter().zip(kinds).map(|((name, help), (_, kind))| (name.to_owned(), kind.to_owned(), help.to_owned())).collect()
}

/// The metrics that a text speaks of, histograms by their own name.
fn mentioned(text: &str, histograms: &BTreeSet<&str>) -> BTreeSet<String> {
    let words = text.split(|one: char| !(one.is_ascii_alphanumeric() || one == '_'));
    let names = words.filter(|word| word.starts_with("prescale_"));
    let own = |word: &str| {
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| word.strip_suffix(suffix));
        base.filter(|base| histograms.contains(base)).unwrap_or(word).to_owned()
    };
    names.map(own).collect()
}

#[test]
fn prometheus_takes_the_metrics_and_alerts_and_dashboard_use_those_that_exist() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(folder.path(), &["--from", "1998-05-26T06:00:00Z"], None);
    // Some minutes of the demo's clock after the start a forecast has been judged that was made while the load was known.
    let metrics = wait_for("a judged forecast", || {
        let (status, text) = demo.request_text("GET", "/metrics", "");
        assert_eq!(status, 200);
        text.contains("\nprescale_persistence_error_ratio{service=\"worldcup\"}").then_some(text)
    });
    promtool(&["check", "metrics"], &metrics);
    for (name, labels) in [
        ("prescale_offered_load_rps", "{service=\"worldcup\"}"),
        ("prescale_forecast_at_lead_rps", "{service=\"worldcup\",q=\"0.95\"}"),
        ("prescale_forecast_for_now_rps", "{service=\"worldcup\",q=\"0.5\"}"),
        ("prescale_forecast_error_ratio", "{service=\"worldcup\"}"),
        ("prescale_forecast_coverage_ratio", "{service=\"worldcup\",q=\"0.9\"}"),
        ("prescale_decisions_total", "{service=\"worldcup\",reason=\""),
        ("prescale_forecast_duration_seconds_count", ""),
    ] {
        assert!(metrics.contains(&format!("\n{name}{labels}")), "{name}{labels} is missing in\n{metrics}");
    }

    let families = families(&metrics);
    let histograms: BTreeSet<&str> = families.iter().filter(|(_, kind, _)| kind == "histogram").map(|(name, ..)| name.as_str()).collect();
    let existing: BTreeSet<String> = families.iter().map(|(name, ..)| name.clone()).collect();
    for file in [ALERTS, DASHBOARD, DOCUMENT] {
        let used = mentioned(&read(file), &histograms);
        assert!(used.len() > 10, "{file} speaks of {used:?}");
        let unknown: Vec<_> = used.difference(&existing).collect();
        assert!(unknown.is_empty(), "{file} speaks of metrics that there aren't: {unknown:?}");
    }
    let mut table = "| metric | kind | what it says |\n| --- | --- | --- |\n".to_owned();
    for (name, kind, help) in &families {
        table.push_str(&format!("| `{name}` | {kind} | {help} |\n"));
    }
    assert!(read(DOCUMENT).contains(&table), "{DOCUMENT} needs this table:\n{table}");
}

#[test]
fn alerts_fire_when_they_should_and_say_where_help_is() {
    promtool(&["check", "rules", ALERTS], "");
    promtool(&["test", "rules", "deploy/prometheus/alerts.test.yaml"], "");
    let (rules, tests, document) = (read(ALERTS), read("deploy/prometheus/alerts.test.yaml"), read(DOCUMENT));
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() >= 10, "{alerts:?}");
    for alert in alerts {
        assert!(rules.contains(&format!("runbook: {DOCUMENT}#{}\n", alert.to_lowercase())), "{alert} names no runbook");
        assert!(document.contains(&format!("\n### {alert}\n")), "{DOCUMENT} has no entry for {alert}");
        assert!(tests.contains(alert), "no test of {alert}");
    }
}

#[test]
fn the_dashboard_can_be_imported() {
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "each panel has an id of its own");
    let mut rules = "groups:\n  - name: queries\n    rules:\n".to_owned();
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "chosen at import: {}", panel["title"]);
        for target in panel["targets"].as_array().unwrap() {
            // Grafana's own variables stand for a duration and a pattern.
            let query = target["expr"].as_str().unwrap().replace("$__rate_interval", "5m").replace("$service", ".*");
            rules.push_str(&format!("      - {{ record: query{}, expr: {query:?} }}\n", rules.lines().count()));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("queries.yaml");
    std::fs::write(&file, rules).unwrap();
    promtool(&["check", "rules", file.to_str().unwrap()], "");
}
