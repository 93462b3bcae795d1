//! Realistic files against what is drafted from them (beside them in `testdata/import`; UPDATE_EXPECT=1 writes them anew). Every draft is
//! read by our own parsers and every scenario is simulated.

use std::fs;

use expect_test::expect_file;
use simulator::{Scenario, replicate};

use super::*;
use crate::cli::simulate::planner_for;
use crate::config::Config;

const ASSUMED: Assumed = Assumed { rate_rps: 100.0, service_ms: 50.0, concurrency: 8 };

fn folder(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/import").join(kind)
}

/// Reads, simulates and loads a draft, and holds it to the files beside its source.
fn golden(kind: &str, name: &str, draft: &Draft) {
    let folder = folder(kind);
    let here = format!("{}/", folder.display());
    let commented = draft.commented(&draft.scenario, name).replace(&here, "");
    let scenario = Scenario::parse(&commented, &()).unwrap_or_else(|error| panic!("{name}: {error}\n{commented}"));
    let report = replicate(&scenario, &planner_for(&scenario).unwrap(), 1, 1, 1).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(report.requests.arrived > 10_000 && report.requests.served > 0, "{name}: {:?}", report.requests);
    expect_file![folder.join(format!("{name}.scenario.toml"))].assert_eq(&commented);
    if let Some(config) = &draft.config {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("prescale.toml");
        fs::write(&file, draft.commented(config, name)).unwrap();
        Config::load(&file).unwrap_or_else(|problems| panic!("{name}: {problems}\n{config}"));
        expect_file![folder.join(format!("{name}.config.toml"))].assert_eq(config);
    }
    let lines: String = draft.notes.iter().map(|note| format!("{}\n", note.line())).collect();
    expect_file![folder.join(format!("{name}.notes.txt"))].assert_eq(&lines.replace(&here, ""));
}

/// Every source of a folder.
fn sources(kind: &str, ending: &str) -> Vec<String> {
    let names = fs::read_dir(folder(kind)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(ending)).collect();
    names.sort();
    names
}

#[test]
fn nginx_configurations_become_scenarios_and_services() {
    let names = sources("nginx", ".conf");
    assert!(names.len() >= 6, "{names:?}");
    for name in names {
        let path = folder("nginx").join(&name);
        let text = fs::read_to_string(&path).unwrap();
        let draft = nginx::import(&name, &text, &files::Beside::of(&path), None, ASSUMED).unwrap();
        golden("nginx", &name, &draft);
    }
}

#[test]
fn autoscalers_become_scenarios_and_services() {
    for (kind, of) in [("hpa", kubernetes::Kind::Hpa), ("scaledobject", kubernetes::Kind::ScaledObject)] {
        let names = sources(kind, ".yaml");
        assert!(names.len() >= 2, "{names:?}");
        for name in names {
            let text = fs::read_to_string(folder(kind).join(&name)).unwrap();
            golden(kind, &name, &kubernetes::import(of, &name, &text, None, ASSUMED).unwrap());
        }
    }
}
