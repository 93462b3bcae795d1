//! `prescale import` through the binary, and its sources held to a real nginx.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::run;

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/import")
}

#[test]
fn a_real_nginx_accepts_every_configuration_that_the_tests_import() {
    let folder = sources().join("nginx");
    let mut tried = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "conf") {
            continue;
        }
        let output = Command::new("/usr/sbin/nginx").args(["-t", "-e", "stderr", "-c"]).arg(&path).output().unwrap_or_else(|error| {
            panic!("nginx can't be started ({error}): run scripts/peers, which installs it (apt-get install nginx-light)")
        });
        assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
        tried += 1;
    }
    assert!(tried >= 6, "{tried}");
}

#[test]
fn a_draft_is_simulated_and_checked_by_the_same_binary() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let conf = sources().join("nginx/weighted.conf").display().to_string();
    let (code, out, err) =
        run(&["import", "nginx", &conf, "--upstream", "shop", "--rate-rps", "400", "--service-ms", "20", "--out", &path("s.toml")]);
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    assert!(err.contains("weighted.conf:20: not carried over: server 10.1.0.15:8080 backup: weight 0"), "{err}");
    let (code, out, err) = run(&["simulate", &path("s.toml"), "--replications", "2", "--format", "json"]);
    assert_eq!(code, 0, "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    let arrived =
        |name: &str| report["per_backend"].as_array().unwrap().iter().find(|one| one["pool"] == name).map(|one| one["served"].as_f64());
    assert!(arrived("10.1.0.14:8080").flatten().is_none_or(|served| served == 0.0), "a server that is down gets nothing: {report}");
    let (code, _, err) = run(&["import", "nginx", &conf, "--as", "config", "--out", &path("prescale.toml")]);
    assert_eq!(code, 0, "{err}");
    let (code, out, err) =
        run(&["import", "scaledobject", &sources().join("scaledobject/prometheus.yaml").display().to_string(), "--format", "json"]);
    assert_eq!(code, 0, "{err}");
    let draft: Value = serde_json::from_str(&out).unwrap();
    assert!(draft["config"].as_str().unwrap().contains("load = 'sum(rate(http_requests_total{service=\"checkout\"}[2m]))'"), "{draft}");
    assert!(draft["notes"].as_array().unwrap().iter().any(|note| note["status"] == "not_carried" && note["line"] == 10), "{draft}");
}

#[test]
fn what_cannot_be_imported_is_bad_input() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.conf");
    std::fs::write(&file, "upstream a {\n  server b\n}\n").unwrap();
    let broken = file.display().to_string();
    let hpa = sources().join("hpa/cpu_v1.yaml").display().to_string();
    for (args, part) in [
        (vec!["import", "nginx", &*broken], "broken.conf:3: a } within \"server\""),
        (vec!["import", "nginx", "/nowhere/nginx.conf"], "No such file"),
        (vec!["import", "hpa", &*hpa, "--name", "other"], "--name other: there is none of this name; allowed: web"),
        (vec!["import", "hpa", &*hpa, "--as", "config"], "no Prometheus trigger"),
        (vec!["import", "scaledobject", &*hpa], "there is no ScaledObject"),
        (vec!["import", "nginx", &*broken, "--rate-rps", "0"], "--rate-rps"),
        (vec!["import"], "Usage"),
    ] {
        let (code, out, err) = run(&args);
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {err}");
        assert!(err.contains(part), "{args:?}: {err}");
    }
}
