//! What is refused, with its line; and whatever comes in, nothing panics, nothing is dropped, and every draft is accepted.

use std::collections::BTreeSet;

use proptest::prelude::*;
use simulator::{AutoscalerFactory, Scenario};

use super::nginx::syntax::{Directive, parse};
use super::nginx::{NoIncludes, import};
use super::*;

const ASSUMED: Assumed = Assumed { rate_rps: 10.0, service_ms: 50.0, concurrency: 8 };

fn nginx(text: &str, wanted: Option<&str>) -> Result<Draft, String> {
    import("nginx.conf", text, &NoIncludes, wanted, ASSUMED).map_err(|error| error.to_string())
}

fn hpa(text: &str) -> Result<Draft, String> {
    kubernetes::import(kubernetes::Kind::Hpa, "hpa.yaml", text, None, ASSUMED).map_err(|error| error.to_string())
}

fn scaled_object(text: &str) -> Result<Draft, String> {
    kubernetes::import(kubernetes::Kind::ScaledObject, "so.yaml", text, None, ASSUMED).map_err(|error| error.to_string())
}

#[test]
fn errors_of_nginx_name_the_file_the_line_and_what_is_allowed() {
    for (text, said) in [
        ("upstream a {\n  server b\n}", "nginx.conf:3: a } within \"server\": a ; is missing before it"),
        ("upstream a {\n  server b;\n", "nginx.conf:3: the text ends within a block: a } is missing"),
        ("http {\n}\n}", "nginx.conf:3: a } that closes nothing"),
        ("a \"b\nc", "nginx.conf:1: a quote \" is not closed"),
        ("a \"b\"c;", "nginx.conf:1: 'c' right after a quoted word; a blank, ; or { is allowed"),
        ("upstream a {\n\n server b weight=0; }", "nginx.conf:3: server b weight=0: weight=0: a whole number from 1 to 1000000 is allowed"),
        (
            "upstream a { server b fail_timeout=soon; }",
            "nginx.conf:1: server b fail_timeout=soon: fail_timeout=soon: a time such as 10s, 1m30s or 500ms is allowed, up to a year",
        ),
        ("upstream a { }", "nginx.conf:1: upstream a: it has no server"),
        ("events { }", "nginx.conf: there is no upstream block, and nothing that is proxied to a fixed address"),
        ("", "nginx.conf: there is no upstream block, and nothing that is proxied to a fixed address"),
    ] {
        assert_eq!(nginx(text, None).unwrap_err(), said, "{text}");
    }
    let error = nginx("upstream a { server x; } upstream b { server y; }", Some("c")).unwrap_err();
    assert_eq!(error, "nginx.conf: --upstream c: there is none of this name; allowed: a, b");
    let deep = "a {".repeat(100_000);
    assert_eq!(nginx(&deep, None).unwrap_err(), "nginx.conf:1: more than 64 blocks within blocks");
}

#[test]
fn errors_of_yaml_name_the_file_the_line_and_what_is_allowed() {
    let object = |spec: &str| format!("apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nspec:\n{spec}");
    for (text, said) in [
        ("kind: Deployment".to_owned(), "hpa.yaml: there is no HorizontalPodAutoscaler among its 1 objects"),
        (
            "kind: HorizontalPodAutoscaler\napiVersion: autoscaling/v9".into(),
            "hpa.yaml:2: apiVersion autoscaling/v9: allowed: autoscaling/v2, autoscaling/v1, autoscaling/v2beta2",
        ),
        (object("  minReplicas: 2\n"), "hpa.yaml:4: spec.maxReplicas is missing"),
        (object("  maxReplicas: many\n"), "hpa.yaml:4: maxReplicas many: a whole number from 1 to 2147483647 is allowed"),
        (object("  minReplicas: 7\n  maxReplicas: 3\n"), "hpa.yaml:4: minReplicas 7 is above maxReplicas 3"),
        (
            object("  maxReplicas: 3\n  behavior: { scaleUp: { policies: [ { type: Pods, value: 0, periodSeconds: 1 } ] } }\n"),
            "hpa.yaml:5: value 0: a whole number from 1 to 2147483647 is allowed",
        ),
    ] {
        assert_eq!(hpa(&text).unwrap_err(), said, "{text}");
    }
    let broken = hpa("kind: [unclosed\nspec: {").unwrap_err();
    assert!(broken.starts_with("hpa.yaml:") && broken.contains("this isn't YAML that can be read"), "{broken}");
    let none = scaled_object("apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nspec: { scaleTargetRef: { name: a } }").unwrap_err();
    assert_eq!(none, "so.yaml:3: spec.triggers is missing or empty: at least one trigger is needed");
    // A bomb of references and a tower of brackets are refused, not followed.
    let bomb = format!("a: &a [x, x]\n{}", (0..40).map(|i| format!("b{i}: &b{i} [*a, *a]\n")).collect::<String>());
    assert!(hpa(&bomb).is_err() && hpa(&"[".repeat(50_000)).is_err());
}

#[test]
fn the_words_of_nginx_plus_are_carried_or_told() {
    let text = "upstream a { least_time header; server 10.0.0.1:80 slow_start=30s route=x resolve; server 10.0.0.2:80 weight=2; sticky cookie x; queue 10; }";
    let draft = nginx(text, None).unwrap();
    assert!(draft.scenario.contains("slow_start = { duration = \"30s\", minimum_percent = 1 }"), "{}", draft.scenario);
    let told = |word: &str| draft.open().any(|note| note.what.contains(word));
    for word in ["slow_start=30000ms", "route=x", "resolve", "sticky", "queue"] {
        assert!(told(word), "{word} isn't told: {:?}", draft.notes);
    }
}

#[test]
fn a_comment_cannot_be_left_by_a_line_break_in_a_value() {
    let draft = nginx("upstream a { server 10.0.0.1:80; \"x\ny = 1\" z; }", None).unwrap();
    let text = draft.commented(&draft.scenario, "a\nb = 2");
    Scenario::parse(&text, &()).unwrap_or_else(|error| panic!("{error}\n{text}"));
}

/// Directives without a block of others; each must be told.
fn leaves<'t>(directives: &'t [Directive], found: &mut Vec<&'t Directive>) {
    for directive in directives {
        match &directive.block {
            Some(block) if ["http", "server", "location", "events", "upstream", "if"].contains(&directive.name.as_str()) => {
                leaves(block, found)
            }
            _ => found.push(directive),
        }
    }
}

fn holds(draft: &Draft) {
    let text = draft.commented(&draft.scenario, "source");
    let scenario = Scenario::parse(&text, &()).unwrap_or_else(|error| panic!("{error}\n{text}"));
    if scenario.autoscaler.is_some() {
        let built = planner::simulated::Factory::default().build(scenario.autoscaler.as_ref(), &scenario, 1);
        assert!(built.is_ok(), "{:?}\n{text}", built.err());
    }
    if let Some(config) = &draft.config {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("prescale.toml");
        std::fs::write(&file, draft.commented(config, "source")).unwrap();
        crate::config::Config::load(&file).unwrap_or_else(|problems| panic!("{problems}\n{config}"));
    }
}

const SOUP: [&str; 44] = [
    "upstream",
    "server",
    "http",
    "location",
    "a",
    "b",
    "/",
    "{",
    "}",
    ";",
    "{",
    "}",
    ";",
    ";",
    "10.0.0.1:80",
    "10.0.0.2:8080",
    "weight=3",
    "max_fails=0",
    "max_fails=99999",
    "fail_timeout=0",
    "fail_timeout=5s",
    "max_conns=3",
    "backup",
    "down",
    "slow_start=1m",
    "least_conn",
    "ip_hash",
    "hash $x consistent",
    "random two",
    "keepalive 8",
    "zone z 1m",
    "proxy_pass http://a",
    "proxy_pass http://$b",
    "proxy_next_upstream off",
    "proxy_next_upstream http_500",
    "proxy_next_upstream_tries 9",
    "proxy_read_timeout 0",
    "proxy_read_timeout 1y",
    "limit_req zone=q",
    "listen 80",
    "listen [::]:80",
    "\"a b\"",
    "#c\n",
    "client_max_body_size 0",
];

/// A good skeleton around pieces of soup, so that many of them get through the parser.
fn soup() -> impl Strategy<Value = String> {
    let words = |most: usize| prop::collection::vec(prop::sample::select(SOUP.to_vec()), 0..most).prop_map(|words| words.join(" "));
    let params = prop::collection::vec(prop::sample::select(SOUP[16..25].to_vec()), 0..4).prop_map(|words| words.join(" "));
    let lines = prop::collection::vec(prop::sample::select(SOUP[25..44].to_vec()), 0..6)
        .prop_map(|lines| lines.into_iter().filter(|line| !line.contains('#')).map(|line| format!("{line};\n")).collect::<String>());
    let good = (params, lines.clone(), lines).prop_map(|(params, inner, outer)| {
        format!("http {{ upstream a {{ server 10.0.0.1:80 {params}; {inner} server 10.0.0.2; }} server {{ {outer} location / {{ proxy_pass http://a; {inner} }} }} }}")
    });
    prop_oneof![words(60), good]
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let text = String::from_utf8_lossy(&bytes);
        let _ = parse("f", &text, &NoIncludes);
        for draft in [nginx(&text, None), hpa(&text), scaled_object(&text)].into_iter().flatten() {
            holds(&draft);
        }
    }

    #[test]
    fn any_soup_of_words_is_refused_or_accounted_for_and_its_draft_accepted(text in soup()) {
        let Ok(draft) = nginx(&text, None) else { return Ok(()) };
        holds(&draft);
        let tree = parse("nginx.conf", &text, &NoIncludes).unwrap();
        let mut all = Vec::new();
        leaves(&tree.directives, &mut all);
        let told: BTreeSet<usize> = draft.notes.iter().map(|note| note.line).collect();
        for directive in all {
            let named = draft.notes.iter().any(|note| note.line == directive.line && note.what.starts_with(&directive.name[..directive.name.len().min(8)]));
            prop_assert!(told.contains(&directive.line) && named, "{} of line {} isn't told in {:?}\n{text}", directive.name, directive.line, draft.notes);
        }
    }

    #[test]
    fn any_numbers_in_an_autoscaler_are_refused_or_accepted_by_the_planner(
        min in -2_i64..300_000, max in -2_i64..3_000_000_000, value in -1.0..1e9_f64, percent in -5_i64..2_000, window in -1_i64..4_000, period in 0_i64..3_000,
    ) {
        let behaviour = format!("scaleDown: {{ stabilizationWindowSeconds: {window}, policies: [ {{ type: Percent, value: {percent}, periodSeconds: {period} }} ] }}");
        let hpa = hpa(&format!("apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nspec:\n  minReplicas: {min}\n  maxReplicas: {max}\n  metrics: [ {{ type: Pods, pods: {{ target: {{ averageValue: {value} }} }} }} ]\n  behavior: {{ {behaviour} }}\n"));
        let keda = scaled_object(&format!("apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {{ name: a }}\nspec:\n  scaleTargetRef: {{ name: a }}\n  minReplicaCount: {min}\n  maxReplicaCount: {max}\n  triggers: [ {{ type: prometheus, metadata: {{ query: up, threshold: '{value}' }} }} ]\n"));
        for draft in [hpa, keda].into_iter().flatten() {
            holds(&draft);
        }
    }
}
